//go:build !linux

package gitrun

func limit(int) {}
