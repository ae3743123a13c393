package home

import (
	"os"
	"syscall"
)

// ownedByUs keeps a runtime directory that came along through sudo or su from
// receiving another user's socket.
func ownedByUs(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
