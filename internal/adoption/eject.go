package adoption

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/dotenv"
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

func (e *Ejector) originals(ctx context.Context) ([]*original, error) {
	list, err := e.Client.Originals(ctx, e.Project)
	if err != nil {
		return nil, err
	}
	var out []*original
	for _, o := range list {
		_, content, err := e.Client.Original(ctx, e.Project, o.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, &original{path: o.Path, placing: e.placing(o.Path), mode: fs.FileMode(o.Mode).Perm(), content: content})
	}
	return out, nil
}

// placing is the receipt's word, else what the file's name says.
func (e *Ejector) placing(p string) placing {
	if known, ok := e.receipt.Files[p]; ok {
		return known
	}
	environment, rank, _ := survey.Classify(path.Base(p))
	folder := "/"
	if m, err := manifest.Load(e.Root.Path()); err == nil {
		folder = m.Folder(path.Dir(p))
	}
	return placing{Environment: environment, Folder: folder, Rank: rank}
}

func grouped(list []*original) []*group {
	var groups []*group
	for _, o := range list {
		k := survey.Slot{Folder: o.placing.Folder, Environment: o.placing.Environment}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.Slot == k })
		if i < 0 {
			groups, i = append(groups, &group{Slot: k}), len(groups)
		}
		groups[i].files = append(groups[i].files, o)
	}
	for _, g := range groups {
		slices.SortFunc(g.files, func(a, b *original) int { return cmp.Compare(b.placing.Rank, a.placing.Rank) })
	}
	return groups
}

// restore computes the files of one survey.Slot. A value that changed in the vault
// goes into the file that wins its name; names that no file has go to the end
// of the base file.
func (e *Ejector) restore(ctx context.Context, g *group) ([]Restored, error) {
	secrets, err := e.Client.Secrets(ctx, api.Ref{Project: e.Project, Environment: g.Environment, Path: g.Folder}, false)
	if err != nil && !api.IsCode(err, api.Missing) {
		return nil, err
	}
	left := make(map[string][]byte, len(secrets))
	for i := range secrets {
		left[string(secrets[i].Key)] = secrets[i].Value().Reveal()
	}
	var out []Restored
	taken := map[string]bool{}
	for i, o := range g.files {
		r := Restored{Path: o.path, mode: o.mode, content: o.content}
		if f, err := dotenv.Parse(o.content); err == nil {
			r.merge(f, left, taken)
		}
		if i == len(g.files)-1 {
			r.append(left, taken)
		}
		if err := e.place(&r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// merge gives the names of f, unless a file with a higher rank had them, the
// vault's value.
func (r *Restored) merge(f *dotenv.File, vault map[string][]byte, taken map[string]bool) {
	mine := map[string][]byte{}
	for _, e := range f.Entries {
		if taken[e.Name] {
			continue
		}
		taken[e.Name] = true
		now, ok := vault[e.Name]
		if !ok {
			continue
		}
		mine[e.Name] = now
		if was, _ := f.Get(e.Name); !bytes.Equal(now, was) {
			r.Newer = append(r.Newer, e.Name)
		}
	}
	if len(r.Newer) > 0 {
		r.content = replaceAll(r.content, func(name string) ([]byte, bool) {
			v, ok := mine[name]
			return v, ok
		})
	}
}

func (r *Restored) append(vault map[string][]byte, taken map[string]bool) {
	var added []dotenv.Entry
	for name, v := range vault {
		if !taken[name] {
			r.Added = append(r.Added, name)
			added = append(added, dotenv.Entry{Name: name, Value: v})
		}
	}
	slices.Sort(r.Added)
	slices.SortFunc(added, func(a, b dotenv.Entry) int { return cmp.Compare(a.Name, b.Name) })
	r.content = appendEntries(bytes.Clone(r.content), added)
}

// place keeps a file that is in the way and was changed: the restored one
// then goes beside it.
func (e *Ejector) place(r *Restored) error {
	there, err := readOptional(e.Root, r.Path)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Path, err)
	}
	switch {
	case there == nil:
	case bytes.Equal(there, r.content):
		r.Same = true
	default:
		r.Of, r.Path = r.Path, r.Path+".ejected"
	}
	return nil
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
