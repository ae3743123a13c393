// Package manifest reads and writes bailey.yaml, the project's own file: the
// names of its secrets, where each may go, and what an agent may reach.
//
// It holds no values and grants nothing by itself: an agent can edit the
// file, so whoever acts on it asks Confirmed first. Its invariant: what Load
// returns has been checked completely; an unknown field or a value of the
// wrong kind is an error that names the line, never something left out.
package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// Name is the file's name, at the root of the repository.
const Name = "bailey.yaml"

// maxSize bounds the file.
const maxSize = 1 << 20

// Manifest is the content of bailey.yaml. Every field is part of Hash.
type Manifest struct {
	// Project is the slug of the project in the vault.
	Project string `yaml:"project" json:"project"`
	// Paths maps directories of the repository to folders of the vault, so
	// that the same name in two packages keeps two values.
	Paths map[string]string `yaml:"paths,omitempty" json:"paths,omitempty"`
	// Sources are environments that live elsewhere, by name: the address of
	// each, such as vault://bao.example/secret/shop/prod. The vault keeps a copy.
	Sources map[string]string `yaml:"sources,omitempty" json:"sources,omitempty"`
	// Secrets names what the project needs, and what a sandbox sees of it.
	Secrets map[secret.Name]Secret `yaml:"secrets,omitempty" json:"secrets,omitempty"`
	// Files are files with secrets that tools insist on, by path.
	Files map[string]File `yaml:"files,omitempty" json:"files,omitempty"`
	// Public are values that are no secrets and may be committed.
	Public map[string]string `yaml:"public,omitempty" json:"public,omitempty"`
	// Agent says what an agent may reach in this project.
	Agent Agent `yaml:"agent,omitempty" json:"agent"`

	lines map[string]int
}

// Secret says where a secret may go.
type Secret struct {
	// Hosts are the only destinations toward which the gateway swaps the
	// placeholder for the value.
	Hosts []string `yaml:"hosts,omitempty,flow" json:"hosts,omitempty"`
	// Agent is what a sandbox sees: placeholder (default), fake (a stable
	// value of the right shape, for keys that the code uses locally), none.
	Agent string `yaml:"agent,omitempty" json:"agent,omitempty"`
}

// What a sandbox sees of a secret.
const (
	AgentPlaceholder = "placeholder"
	AgentFake        = "fake"
	AgentNone        = "none"
)

// Kind is Agent with the default filled in. Without hosts a placeholder works
// nowhere, but every use of it is noticed.
func (s Secret) Kind() string {
	if s.Agent == "" {
		return AgentPlaceholder
	}
	return s.Agent
}

// File is a file that a tool insists on.
type File struct {
	// Format is dotenv, json or raw.
	Format string `yaml:"format" json:"format"`
	// Secrets are the names that go into it; exactly one with raw.
	Secrets []secret.Name `yaml:"secrets,omitempty,flow" json:"secrets,omitempty"`
}

// Agent says what an agent may reach.
type Agent struct {
	// Packages are package managers; each means the registry that the user's
	// own configuration names.
	Packages []string `yaml:"packages,omitempty,flow" json:"packages,omitempty"`
	// Network are hosts that may be read (GET, HEAD, git fetch), or written
	// to with the word behind it: "github.com: write".
	Network Network `yaml:"network,omitempty" json:"network,omitempty"`
	// Host are services of the host's loopback, such as localhost:11434.
	Host []string `yaml:"host,omitempty,flow" json:"host,omitempty"`
	// Ports are listening ports of the sandbox that the host's loopback offers,
	// 127.0.0.1 and ::1: from 1024, under another number where one is taken.
	Ports []int `yaml:"ports,omitempty,flow" json:"ports,omitempty"`
	// Limits are how much of the machine a session may take, such as
	// {memory: 4G, processes: 2000}. They can only lower what the user's own
	// configuration allows. See limit.Names.
	Limits map[string]string `yaml:"limits,omitempty,flow" json:"limits,omitempty"`
	// Reach are the ways into the running stack.
	Reach Reach `yaml:"reach,omitempty" json:"reach"`
}

// Reach names ways into the running stack.
type Reach struct {
	// Endpoints are SERVICE:PORT.
	Endpoints []string `yaml:"endpoints,omitempty,flow" json:"endpoints,omitempty"`
	// Tasks are names of predefined tasks.
	Tasks []string `yaml:"tasks,omitempty,flow" json:"tasks,omitempty"`
	// Logs are services whose logs may be read.
	Logs []string `yaml:"logs,omitempty,flow" json:"logs,omitempty"`
}

// Find looks for the file in dir and the directories above it.
func Find(dir string) (root string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for {
		info, err := os.Lstat(filepath.Join(dir, Name))
		if err == nil && info.Mode().IsRegular() {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// Read returns the file's bytes; the error wraps fs.ErrNotExist when there is
// none. Files larger than 1 MiB are refused.
func Read(root string) ([]byte, error) {
	dir, err := safefs.Open(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadFile(Name, maxSize)
}

// Load reads and checks the file at root.
func Load(root string) (*Manifest, error) {
	b, err := Read(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Name, err)
	}
	return Parse(b)
}

// Folder is the vault's folder for a directory (relative to the root, with
// slashes): the one of the nearest directory that Paths names, else "/".
func (m *Manifest) Folder(dir string) string {
	for dir = filepath.ToSlash(filepath.Clean(dir)); dir != "." && dir != "/"; dir = parent(dir) {
		if f, ok := m.Paths[dir]; ok {
			return f
		}
	}
	return "/"
}

func parent(dir string) string { return filepath.ToSlash(filepath.Dir(dir)) }
