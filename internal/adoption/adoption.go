// Package adoption takes a project's plain secrets into the vault and gives
// them back: what "bailey init" and "bailey eject" do.
//
// It speaks to the vault through the API only and prints nothing. Its
// invariant: at every moment each value is in its file or sealed in the vault
// and read back; a file is removed only after the second, and only while its
// bytes are still the ones that were sealed. A run that was interrupted
// anywhere is finished by the next one.
package adoption

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// MakeFolder makes the folder that ref names; the root is always there.
func MakeFolder(ctx context.Context, c *api.Client, ref api.Ref) error {
	if ref.Path == "" || ref.Path == "/" {
		return nil
	}
	parent := ref
	parent.Path = path.Dir(ref.Path)
	_, err := c.MakeFolder(ctx, parent, path.Base(ref.Path))
	return err
}

// Declare adds names to bailey.yaml that it lacks, with what is known of them,
// and returns a line for each. When the file was confirmed before, it stays
// so: it is the user who names the secret. What other commands add at the same
// time is kept.
func Declare(root string, names []secret.Name) ([]string, error) {
	unlock, err := manifest.Lock(root)
	if err != nil {
		return nil, err
	}
	defer unlock()
	m, err := manifest.Load(root)
	if err != nil {
		return nil, err
	}
	add := &manifest.Manifest{Project: m.Project, Secrets: map[secret.Name]manifest.Secret{}}
	var lines []string
	for _, n := range names {
		_, listed := m.Secrets[n]
		if _, public := m.Public[string(n)]; listed || public {
			continue
		}
		add.Secrets[n] = Known(n)
		lines = append(lines, describe(n, add.Secrets[n]))
	}
	if len(lines) == 0 {
		return nil, nil
	}
	confirmed := manifest.Confirmed(root, m.Hash())
	after, err := mergeManifest(root, add)
	if err != nil {
		return nil, err
	}
	slices.Sort(lines)
	if confirmed {
		err = manifest.Confirm(root, after.Hash())
	}
	return lines, err
}

func describe(n secret.Name, s manifest.Secret) string {
	switch {
	case len(s.Hosts) > 0:
		return string(n) + " (placeholder, works toward " + strings.Join(s.Hosts, ", ") + ")"
	case s.Kind() == manifest.AgentFake:
		return string(n) + " (agents see a fake value)"
	}
	return string(n) + " (placeholder that works nowhere; add hosts to change that)"
}

// mergeManifest adds to the file at root, or makes it, and returns it as read.
func mergeManifest(root string, add *manifest.Manifest) (*manifest.Manifest, error) {
	dir, err := safefs.Open(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	before, err := dir.ReadFile(manifest.Name, survey.MaxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	after, err := manifest.Merge(before, add)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Parse(after)
	if err != nil {
		return nil, err
	}
	if string(after) == string(before) {
		return m, nil
	}
	if err := writeSame(dir, manifest.Name, after); err != nil {
		return nil, err
	}
	return m, stillOurs(root, before, after)
}

// stillOurs keeps a bailey.yaml that init made, and only Bailey changed since,
// one that eject may remove.
func stillOurs(root string, before, after []byte) error {
	r, err := readReceipt(root)
	if err != nil || r.Created[manifest.Name] != sum(before) {
		return err
	}
	r.Created[manifest.Name] = sum(after)
	return r.save(root)
}

// writeSame replaces a file's content and keeps its mode.
func writeSame(dir *safefs.Root, name string, b []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := dir.Lstat(name); err == nil {
		mode = info.Mode().Perm()
	}
	return dir.WriteFile(name, b, mode)
}

// Known is what bailey.yaml should say of a secret, judged by its name.
func Known(name secret.Name) manifest.Secret { return survey.Known(name) }

// Public says whether a value can stand in a committed file.
func Public(name string, v secret.Value) bool { return survey.Public(name, v) }
