package vault

import (
	"context"
	"strings"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// in is an event about a place, as the caller named it.
func (c Caller) in(action string, p Place) audit.Event {
	e := c.event(action)
	e.Project, e.Environment, e.Path = p.Project, p.Environment, p.Path
	return e
}

// about is an event about one secret.
func (c Caller) about(action string, r Ref) audit.Event {
	e := c.in(action, r.Place())
	e.Name = string(r.Name)
	return e
}

// CreateProject makes a project with the four default environments
// (development, test, staging, production). ErrExists when the slug is taken.
func (v *Vault) CreateProject(ctx context.Context, c Caller, slug, name string) (out Project, err error) {
	e := c.in("project.create", Place{Project: slug})
	err = v.write(ctx, &e, func(w *tree.Writer) error {
		out, err = w.CreateProject(Project{Slug: slug, Name: name}, tree.DefaultEnvironments())
		return err
	})
	return only(out, err)
}

// Projects lists all projects by slug.
func (v *Vault) Projects(ctx context.Context, c Caller) (out []Project, err error) {
	e := c.event("project.list")
	err = v.read(ctx, &e, func(w *tree.Reader) error {
		out, err = w.Projects()
		e.Count = len(out)
		return err
	})
	return only(out, err)
}

// Project finds one by id or slug.
func (v *Vault) Project(ctx context.Context, c Caller, idOrSlug string) (out Project, err error) {
	e := c.in("project.get", Place{Project: idOrSlug})
	err = v.read(ctx, &e, func(w *tree.Reader) error { out, err = w.Project(idOrSlug); return err })
	return only(out, err)
}

// CreateEnvironment adds an environment at the end. ErrExists when the slug is taken.
func (v *Vault) CreateEnvironment(ctx context.Context, c Caller, project string, env Environment) (out Environment, err error) {
	e := c.in("environment.create", Place{Project: project, Environment: env.Slug})
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = w.CreateEnvironment(project, env); return err })
	return only(out, err)
}

// CreateFolder makes the folder p.Path with its parents and returns it; one
// that exists is returned as it is.
func (v *Vault) CreateFolder(ctx context.Context, c Caller, p Place) (out Folder, err error) {
	e := c.in("folder.create", p)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = w.CreateFolder(p); return err })
	return only(out, err)
}

// Folders lists the folders in p.Path, all below it when recursive, by path.
// The folder p.Path itself comes first.
func (v *Vault) Folders(ctx context.Context, c Caller, p Place, recursive bool) (out []Folder, err error) {
	e := c.in("folder.list", p)
	err = v.read(ctx, &e, func(w *tree.Reader) error {
		out, err = w.Folders(p, recursive)
		e.Count = len(out)
		return err
	})
	return only(out, err)
}

// DeleteFolder removes the folder p.Path with everything in it (secrets are
// soft-deleted, their versions stay). ErrInvalid for the root.
func (v *Vault) DeleteFolder(ctx context.Context, c Caller, p Place) (out Folder, err error) {
	e := c.in("folder.delete", p)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, e.Count, err = w.DeleteFolder(p); return err })
	return only(out, err)
}

// Set changes one secret in the folder p; ErrMissing when the folder is. What
// changes nothing makes no new version.
func (v *Vault) Set(ctx context.Context, c Caller, p Place, ch Change) (Secret, error) {
	out, err := v.SetMany(ctx, c, p, []Change{ch})
	if err != nil {
		return Secret{}, err
	}
	return out[0], nil
}

// SetMany changes many in one transaction: all or none. Answers come in the
// order of the changes. It leaves one pair of audit records, with as many of
// the names as fit.
func (v *Vault) SetMany(ctx context.Context, c Caller, p Place, chs []Change) (out []Secret, err error) {
	e := c.in("secret.set", p)
	names := make([]string, len(chs))
	for i, ch := range chs {
		names[i] = string(ch.Name)
	}
	e.Name, e.Count = strings.Join(names, " "), len(chs)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = w.Set(p, chs); return err })
	return only(out, err)
}

// Get returns one secret; version 0 means the current one. ErrMissing when it
// is deleted, unless a version is named.
func (v *Vault) Get(ctx context.Context, c Caller, r Ref, version int) (out Secret, err error) {
	e := c.about("secret.get", r)
	err = v.read(ctx, &e, func(w *tree.Reader) error { out, err = w.Get(r, version); return err })
	return only(out, err)
}

// List returns the secrets in p, sorted by name and then path. One audit
// record per call. ErrMissing when there is no such folder.
func (v *Vault) List(ctx context.Context, c Caller, p Place, o ListOptions) (out []Secret, err error) {
	e := c.in("secret.list", p)
	if o.NamesOnly {
		e.Detail = "names only"
	}
	err = v.read(ctx, &e, func(w *tree.Reader) error {
		out, err = w.List(p, o)
		e.Count = len(out)
		return err
	})
	return only(out, err)
}

// Delete soft-deletes secrets in one transaction and returns them as they
// were, without values: versions stay, Restore brings one back. ErrMissing
// when one is not there; then none is deleted.
func (v *Vault) Delete(ctx context.Context, c Caller, p Place, names ...secret.Name) (out []Secret, err error) {
	e := c.in("secret.delete", p)
	for _, n := range names {
		e.Name = strings.TrimPrefix(e.Name+" "+string(n), " ")
	}
	e.Count = len(names)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = w.Delete(p, names, ""); return err })
	return only(out, err)
}

// History returns every version of a secret, newest first, deletions
// included, without values.
func (v *Vault) History(ctx context.Context, c Caller, r Ref) (out []Secret, err error) {
	e := c.about("secret.history", r)
	err = v.read(ctx, &e, func(w *tree.Reader) error {
		out, err = w.History(r)
		e.Count = len(out)
		return err
	})
	return only(out, err)
}

// Restore makes a new version with the content of an earlier one. It brings a
// deleted secret back, with its folder.
func (v *Vault) Restore(ctx context.Context, c Caller, r Ref, version int) (out Secret, err error) {
	e := c.about("secret.restore", r)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = w.Restore(r, version); return err })
	return only(out, err)
}

// PutOriginal seals the content of a file, replacing what was kept for that path.
func (v *Vault) PutOriginal(ctx context.Context, c Caller, project string, o Original) error {
	e := c.in("original.put", Place{Project: project, Path: o.Path})
	return v.write(ctx, &e, func(w *tree.Writer) error { return w.PutOriginal(project, o) })
}

// Original returns the kept file of that path.
func (v *Vault) Original(ctx context.Context, c Caller, project, path string) (out Original, err error) {
	e := c.in("original.get", Place{Project: project, Path: path})
	err = v.read(ctx, &e, func(w *tree.Reader) error { out, err = w.Original(project, path); return err })
	return only(out, err)
}

// Originals lists the kept files by path, without their content.
func (v *Vault) Originals(ctx context.Context, c Caller, project string) (out []Original, err error) {
	e := c.in("original.list", Place{Project: project})
	err = v.read(ctx, &e, func(w *tree.Reader) error {
		out, err = w.Originals(project)
		e.Count = len(out)
		return err
	})
	return only(out, err)
}

// DeleteOriginal forgets a kept file.
func (v *Vault) DeleteOriginal(ctx context.Context, c Caller, project, path string) error {
	e := c.in("original.delete", Place{Project: project, Path: path})
	return v.write(ctx, &e, func(w *tree.Writer) error { return w.DeleteOriginal(project, path) })
}
