package profile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bailey-project/bailey/internal/api"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// BuiltIn is the origin of a profile that is part of the program.
const BuiltIn = "built in"

const (
	suffix     = ".yaml"
	maxSize    = 256 << 10 // of one file, bytes
	maxExtends = 8
)

// Plain is the profile of a command that none is made for. It is not parsed:
// most starts are such.
func Plain() *Profile { return &Profile{Name: "shell", Origin: BuiltIn, State: OfSession} }

// Load returns the profile of that name with all that it extends. dir is the
// user's own directory, which need not exist; what stands there wins.
func Load(name, dir string) (*Profile, error) { return load(name, dir, 0) }

func load(name, dir string, depth int) (*Profile, error) {
	if depth > maxExtends {
		return nil, fmt.Errorf("profile %s: it extends itself, or too many others", name)
	}
	text, origin, err := read(name, dir)
	if err != nil {
		return nil, err
	}
	p, err := parse(text, name, origin)
	if err != nil || p.Extends == "" {
		return p, err
	}
	if p.Extends == name {
		if origin == BuiltIn {
			return nil, fmt.Errorf("profile %s extends itself", name)
		}
		dir = "" // the built-in one of the same name
	}
	base, err := load(p.Extends, dir, depth+1)
	if err != nil {
		return nil, fmt.Errorf("%s: extends: %w", origin, err)
	}
	return merge(base, p), nil
}

// Known reports whether there is a profile of that name.
func Known(name, dir string) bool {
	if !valid(name) {
		return false
	}
	if _, err := fs.Stat(builtin, "builtin/"+name+suffix); err == nil {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, name+suffix))
	return dir != "" && err == nil
}

// read finds the text: the user's own before the built-in one.
func read(name, dir string) (text []byte, origin string, err error) {
	if !valid(name) {
		return nil, "", api.Usagef("%.40q is no name of a profile: a-z, 0-9 and '-'", name)
	}
	if dir != "" {
		file := filepath.Join(dir, name+suffix)
		switch text, err = readFile(file); {
		case err == nil:
			return text, file, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, "", err
		}
	}
	if text, err = builtin.ReadFile("builtin/" + name + suffix); err != nil {
		return nil, "", api.Errorf(api.Missing, "no profile %q", name).WithHint("bailey profile list")
	}
	return text, BuiltIn, nil
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("%s is over %d KiB", file, maxSize>>10)
	}
	return text, err
}

// valid keeps a name from being a path.
func valid(name string) bool {
	return name != "" && len(name) <= 40 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && name[0] != '-'
}

// parse reads one text and checks what stands in it.
func parse(text []byte, name, origin string) (*Profile, error) {
	p := &Profile{Name: name, Origin: origin}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("profile %s (%s): %w", name, origin, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("profile %s (%s): %w", name, origin, err)
	}
	return p, nil
}

// Entry is one line of a list.
type Entry struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Origin  string `json:"origin"`
	Error   string `json:"error,omitempty"`
}

// List names every profile, the user's own and the built-in ones, by name. One
// that cannot be loaded is listed with the reason.
func List(dir string) []Entry {
	var list []Entry
	for _, name := range names(dir) {
		e := Entry{Name: name}
		if p, err := Load(name, dir); err != nil {
			e.Error = err.Error()
		} else {
			e.Summary, e.Origin = p.Summary, p.Origin
		}
		list = append(list, e)
	}
	return list
}

func names(dir string) []string {
	found := map[string]bool{}
	files, _ := builtin.ReadDir("builtin")
	own, _ := os.ReadDir(dir)
	for _, f := range append(files, own...) {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && valid(name) {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// For returns the name of the profile that is made for a command, by the last
// part of its path; "" for none. Only those that have the word are parsed.
func For(command, dir string) string {
	base := filepath.Base(command)
	for _, name := range names(dir) {
		if text, _, err := read(name, dir); err != nil || !bytes.Contains(text, []byte(base)) {
			continue
		}
		if p, err := Load(name, dir); err == nil && slices.Contains(p.Programs, base) {
			return name
		}
	}
	return ""
}
