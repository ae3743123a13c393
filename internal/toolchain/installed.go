package toolchain

import (
	"os"
	"path/filepath"
)

// Installed lists the programs of known agents that PATH leads to, each once,
// by their names.
func Installed(env []string, home string) []string {
	var found []string
	f := newFinder(env, "/", home)
	for _, a := range agents {
		for _, name := range a.names {
			path, err := f.lookup(name)
			if err != nil {
				continue
			}
			if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
				continue
			}
			found = append(found, filepath.Clean(path))
			break
		}
	}
	return found
}
