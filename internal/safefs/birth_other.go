//go:build !linux

package safefs

import "syscall"

// Birth tells an entry from every other that has its name.
type Birth struct{ Ino uint64 }

// Birth reads it.
func (r *Root) Birth(rel string) (Birth, error) {
	info, err := r.Lstat(rel)
	if err != nil {
		return Birth{}, err
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	if st == nil {
		return Birth{}, nil
	}
	return Birth{Ino: st.Ino}, nil
}
