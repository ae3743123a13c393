//go:build !linux

package envelope

import "testing"

func flagged(*testing.T, []byte) bool { return true }
