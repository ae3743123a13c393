package adoption

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
)

// Restored is a file that eject writes.
type Restored struct {
	Path    string   // where it goes
	Of      string   // the original's path, when another file is in its place
	Newer   []string // names whose value in the vault is newer than the file's
	Added   []string // names that only the vault has
	Same    bool     // the file is there already, with these bytes
	mode    fs.FileMode
	content []byte
}

// Exit is what eject is about to do.
type Exit struct {
	Project  string
	Files    []Restored
	Removes  []string // files that init made and nobody changed
	Changed  []string // files that init made and somebody changed: they stay
	Homeless []string // "environment folder: n values" that have no file to go to
	ignore   []byte   // .gitignore without init's lines; nil when it stays
}

// Ejector gives a project back.
type Ejector struct {
	Project string
	Root    *safefs.Root
	Client  *api.Client

	receipt receipt
}

// group is the files of one survey.Slot, the winning file first.
type group struct {
	survey.Slot
	files []*original
}

type original struct {
	path    string
	placing placing
	mode    fs.FileMode
	content []byte
}

// Look decides what to write and remove. It changes nothing.
func (e *Ejector) Look(ctx context.Context) (*Exit, error) {
	var err error
	if e.receipt, err = readReceipt(e.Root.Path()); err != nil {
		return nil, err
	}
	originals, err := e.originals(ctx)
	if err != nil {
		return nil, err
	}
	out := &Exit{Project: e.Project}
	groups := grouped(originals)
	for _, g := range groups {
		files, err := e.restore(ctx, g)
		if err != nil {
			return nil, err
		}
		out.Files = append(out.Files, files...)
	}
	if err := e.homeless(ctx, groups, out); err != nil {
		return nil, err
	}
	return out, e.leftovers(out)
}

// homeless lists values in environments and folders that no file came from.
func (e *Ejector) homeless(ctx context.Context, groups []*group, out *Exit) error {
	project, err := e.Client.Project(ctx, e.Project)
	if err != nil {
		return err
	}
	for _, env := range project.Environments {
		secrets, err := e.Client.Names(ctx, api.Ref{Project: e.Project, Environment: env.Slug, Path: "/"}, true)
		if err != nil {
			return err
		}
		count := map[string]int{}
		for i := range secrets {
			k := survey.Slot{Folder: secrets[i].Path, Environment: env.Slug}
			if !slices.ContainsFunc(groups, func(g *group) bool { return g.Slot == k }) {
				count[k.Folder]++
			}
		}
		for folder, n := range count {
			out.Homeless = append(out.Homeless, fmt.Sprintf("%s %s (%d)", env.Slug, folder, n))
		}
	}
	slices.Sort(out.Homeless)
	return nil
}

// leftovers finds what init made.
func (e *Ejector) leftovers(out *Exit) error {
	for name, hash := range e.receipt.Created {
		b, err := readOptional(e.Root, name)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		case b == nil:
		case sum(b) == hash:
			out.Removes = append(out.Removes, name)
		default:
			out.Changed = append(out.Changed, name)
		}
	}
	slices.Sort(out.Removes)
	slices.Sort(out.Changed)
	if len(e.receipt.Ignored) == 0 {
		return nil
	}
	before, err := readOptional(e.Root, ignoreFile)
	if err != nil {
		return err
	}
	if after := without(string(before), e.receipt.Ignored); after != string(before) {
		out.ignore = []byte(after)
	}
	return nil
}

// IgnoreChanges says whether lines leave .gitignore.
func (x *Exit) IgnoreChanges() bool { return x.ignore != nil }

// without drops the lines that init added, each once, from the end.
func without(text string, drop []string) string {
	lines := strings.SplitAfter(text, "\n")
	for _, d := range drop {
		for i := len(lines) - 1; i >= 0; i-- {
			if strings.TrimRight(lines[i], "\r\n") == d {
				lines = slices.Delete(lines, i, i+1)
				break
			}
		}
	}
	return strings.Join(lines, "")
}

// Apply writes the files, reads them back, and then removes what init made.
// The vault keeps everything.
func (e *Ejector) Apply(x *Exit) error {
	for _, r := range x.Files {
		if r.Same {
			continue
		}
		if dir := path.Dir(r.Path); dir != "." {
			if err := e.Root.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := e.Root.WriteFile(r.Path, r.content, r.mode); err != nil {
			return err
		}
		if back, err := e.Root.ReadFile(r.Path, survey.MaxFile+int64(len(r.content))); err != nil || !bytes.Equal(back, r.content) {
			return fmt.Errorf("%s was not written as it should be", r.Path)
		}
	}
	if x.ignore != nil {
		if err := writeSame(e.Root, ignoreFile, x.ignore); err != nil {
			return err
		}
	}
	for _, name := range x.Removes {
		if err := e.Root.Remove(name); err != nil {
			return err
		}
	}
	return e.forget()
}

func (e *Ejector) forget() error {
	if err := manifest.Unbind(e.Root.Path()); err != nil {
		return err
	}
	return removeOptional(receiptPath(e.Root.Path()))
}
