package adoption

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/manifest"
)

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
	secrets, err := e.Client.ResolvedOwn(ctx, api.Ref{Project: e.Project, Environment: g.Environment, Path: g.Folder})
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
