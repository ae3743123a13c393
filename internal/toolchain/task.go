package toolchain

import (
	"encoding/json"
	"path/filepath"
)

const (
	maxManifest = 1 << 20
	maxParents  = 16
)

// task judges a script of the nearest package.json, with what runs before and
// after it.
func (j *judge) task(name, dir string, depth int) *agent {
	if depth > maxDepth {
		return nil
	}
	scripts, dir := scriptsOf(dir)
	if j.foreign(dir) {
		return nil
	}
	for _, n := range []string{"pre" + name, name, "post" + name} {
		if text := scripts[n]; text != "" {
			if a := j.line(text, nil, dir, depth+1); a != nil {
				return a
			}
		}
	}
	return nil
}

// scriptsOf reads the nearest package.json at dir or above.
func scriptsOf(dir string) (map[string]string, string) {
	for range maxParents {
		text, err := readHead(filepath.Join(dir, "package.json"), maxManifest)
		if err == nil {
			var m struct{ Scripts map[string]string }
			_ = json.Unmarshal(text, &m) // a damaged one has no scripts
			return m.Scripts, dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return nil, dir
}
