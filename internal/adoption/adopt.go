package adoption

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
)

// Adopter carries a plan out. Steps are in an order in which an interruption
// between any two loses nothing, and each does nothing when it was done.
type Adopter struct {
	Plan   *Plan
	Root   *safefs.Root
	Client *api.Client
	// Confirm the bailey.yaml that results. Only right when its content is the
	// user's: made by this plan, or confirmed before it.
	Confirm bool

	step func(name string) error // tests fail or die here; nil otherwise
}

// Import seals every file and its values, reads all of it back, and writes
// the project's files. It removes nothing.
func (a *Adopter) Import(ctx context.Context) error {
	if err := a.ready(ctx); err != nil {
		return err
	}
	for i := range a.Plan.Survey.Files {
		f := &a.Plan.Survey.Files[i]
		if err := a.at("seal " + f.Path); err != nil {
			return err
		}
		if err := a.take(ctx, f); err != nil {
			return fmt.Errorf("importing %s: %w", f.Path, err)
		}
	}
	if err := a.at("verify"); err != nil {
		return err
	}
	if err := a.verify(ctx); err != nil {
		return err
	}
	return a.write()
}

// Remove removes the files of the plan, each only while it is still what was
// sealed. It returns those that were changed meanwhile and stay.
func (a *Adopter) Remove(ctx context.Context) (removed, changed []string, err error) {
	paths, _ := a.Plan.Removes()
	for i := range a.Plan.Survey.Files {
		f := &a.Plan.Survey.Files[i]
		if !slices.Contains(paths, f.Path) {
			continue
		}
		if err := a.at("remove " + f.Path); err != nil {
			return removed, changed, err
		}
		now, err := a.Root.ReadFile(f.Path, survey.MaxFile)
		if err != nil {
			return removed, changed, err
		}
		if !bytes.Equal(now, f.Raw.Reveal()) {
			changed = append(changed, f.Path)
			continue
		}
		if err := a.Root.Remove(f.Path); err != nil {
			return removed, changed, err
		}
		removed = append(removed, f.Path)
	}
	return removed, changed, nil
}

func (a *Adopter) at(step string) error {
	if a.step == nil {
		return nil
	}
	return a.step(step)
}

// ready binds the repository and remembers what is about to happen, so that a
// second run knows the project for its own; then it makes project,
// environments and folders.
func (a *Adopter) ready(ctx context.Context) error {
	if err := a.at("project"); err != nil {
		return err
	}
	if err := manifest.Bind(a.Root.Path(), a.Plan.Project); err != nil {
		return err
	}
	if err := a.remember(); err != nil {
		return err
	}
	project, err := a.Client.Project(ctx, a.Plan.Project)
	if api.IsCode(err, api.Missing) {
		project, err = a.Client.CreateProject(ctx, a.Plan.Project)
	}
	if err != nil {
		return err
	}
	have := map[string]bool{}
	for _, e := range project.Environments {
		have[e.Slug] = true
	}
	for i := range a.Plan.Survey.Files {
		f := &a.Plan.Survey.Files[i]
		if !have[f.Environment] {
			if err := a.Client.CreateEnvironment(ctx, a.Plan.Project, f.Environment); err != nil {
				return err
			}
			have[f.Environment] = true
		}
		if err := MakeFolder(ctx, a.Client, a.ref(f)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Adopter) ref(f *survey.File) api.Ref {
	return api.Ref{Project: a.Plan.Project, Environment: f.Environment, Path: f.Folder}
}

// remember writes the receipt before anything is written that it speaks of.
func (a *Adopter) remember() error {
	r, err := readReceipt(a.Root.Path())
	if err != nil {
		return err
	}
	r.Project = a.Plan.Project
	for i := range a.Plan.Survey.Files {
		f := &a.Plan.Survey.Files[i]
		r.Files[f.Path] = placing{Environment: f.Environment, Folder: f.Folder, Rank: f.Rank}
	}
	for _, w := range a.Plan.Writes {
		if w.Created || r.Created[w.Path] == sum(w.before) {
			r.Created[w.Path] = sum(w.Content)
		}
		if w.Path == ignoreFile && !w.Created {
			r.Ignored = append(r.Ignored, w.Lines...)
		}
	}
	return r.save(a.Root.Path())
}

// take seals a file's bytes first, then its values: with the bytes sealed
// nothing can be lost any more.
func (a *Adopter) take(ctx context.Context, f *survey.File) error {
	content, err := a.content(ctx, f)
	if err != nil {
		return err
	}
	o := api.Original{Path: f.Path, Mode: uint32(f.Mode)}
	if err := a.Client.PutOriginal(ctx, a.Plan.Project, o, content); err != nil {
		return err
	}
	if err := a.at("values " + f.Path); err != nil {
		return err
	}
	var items []api.Item
	for _, name := range f.Names {
		if !a.Plan.public[name] {
			items = append(items, api.NewItem(secret.Name(name), f.Values[name]))
		}
	}
	if len(items) == 0 {
		return nil
	}
	_, err = a.Client.Put(ctx, a.ref(f), items)
	return err
}

// content is what to seal for f. A path that was sealed before with other
// bytes keeps them, with the new values in.
func (a *Adopter) content(ctx context.Context, f *survey.File) ([]byte, error) {
	_, sealed, err := a.Client.Original(ctx, a.Plan.Project, f.Path)
	switch {
	case api.IsCode(err, api.Missing), err == nil && bytes.Equal(sealed, f.Raw.Reveal()):
		return f.Raw.Reveal(), nil
	case err != nil:
		return nil, err
	}
	return merged(sealed, f.Raw.Reveal())
}

// verify reads everything back and compares.
func (a *Adopter) verify(ctx context.Context) error {
	for k, want := range a.Plan.Survey.Effective() {
		ref := api.Ref{Project: a.Plan.Project, Environment: k.Environment, Path: k.Folder}
		got, err := a.Client.Secrets(ctx, ref, false)
		if err != nil {
			return err
		}
		have := make(map[string]secret.Value, len(got))
		for i := range got {
			have[string(got[i].Key)] = got[i].Value()
		}
		for name, v := range want {
			if there, ok := have[name]; !a.Plan.public[name] && (!ok || !there.Equal(v)) {
				return api.Errorf(api.Internal, "%s in %s did not come back from the vault as it was; nothing was removed", name, k.Environment)
			}
		}
	}
	for i := range a.Plan.Survey.Files {
		f := &a.Plan.Survey.Files[i]
		want, err := a.content(ctx, f)
		if err != nil {
			return err
		}
		if _, got, err := a.Client.Original(ctx, a.Plan.Project, f.Path); err != nil || !bytes.Equal(got, want) {
			return api.Errorf(api.Internal, "%s did not come back from the vault as it was; nothing was removed", f.Path)
		}
	}
	return nil
}

// write writes the project's files and confirms the bailey.yaml that results.
func (a *Adopter) write() error {
	for _, w := range a.Plan.Writes {
		if err := a.at("write " + w.Path); err != nil {
			return err
		}
		if err := writeSame(a.Root, w.Path, w.Content); err != nil {
			return err
		}
	}
	if err := a.at("confirm"); err != nil {
		return err
	}
	if !a.Confirm {
		return nil
	}
	m, err := manifest.Load(a.Root.Path())
	if err != nil {
		return err
	}
	return manifest.Confirm(a.Root.Path(), m.Hash())
}
