//go:build !linux

package seal

import "os/exec"

func endWithUs(*exec.Cmd) {}
