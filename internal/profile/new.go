package profile

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON schema of a profile, for editors.
func Schema() []byte { return schema }

// New writes a profile to begin with, and returns its path. base is what it
// extends, "" for nothing. An existing file is not touched.
func New(name, base, dir string) (file string, err error) {
	if !valid(name) {
		return "", api.Usagef("%.40q is no name of a profile: a-z, 0-9 and '-'", name)
	}
	if base != "" && !Known(base, dir) {
		return "", api.Errorf(api.Missing, "no profile %q", base).WithHint("bailey profile list")
	}
	text := "# What " + name + " brings along and may reach. Every field: bailey profile schema\n"
	if base != "" {
		text += "extends: " + base + "\n"
	}
	text += "#summary: " + name + "\n" +
		"#programs: [" + name + "]\n" +
		"#network: [docs.example.com, \"api.example.com: write\"]\n" +
		"#bring: [.config/" + name + "/config.toml]\n" +
		"#keys:\n#  EXAMPLE_API_KEY: {hosts: [api.example.com]}\n"
	if err := home.MakeDir(dir); err != nil {
		return "", err
	}
	file = filepath.Join(dir, name+suffix)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", api.Errorf(api.Exists, "%s is there already", file)
	}
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	return file, errors.Join(err, f.Close())
}
