package vault

import (
	"context"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// MakeProject is CreateProject with these environments.
func (v *Vault) MakeProject(ctx context.Context, c Caller, p Project, envs []Environment) (Project, error) {
	return Write(ctx, v, c, Question{Action: "project.create", Place: Place{Project: p.Slug}},
		func(w *tree.Writer) (Project, error) { return w.CreateProject(p, envs) })
}

// UpdateProject renames or describes a project.
func (v *Vault) UpdateProject(ctx context.Context, c Caller, idOrSlug string, ch ProjectChange) (Project, error) {
	return Write(ctx, v, c, Question{Action: "project.update", Place: Place{Project: idOrSlug}},
		func(w *tree.Writer) (Project, error) { return w.UpdateProject(idOrSlug, ch) })
}

// DeleteProject hides a project; RestoreProject brings it back.
func (v *Vault) DeleteProject(ctx context.Context, c Caller, idOrSlug string) (Project, error) {
	return Write(ctx, v, c, Question{Action: "project.delete", Place: Place{Project: idOrSlug}},
		func(w *tree.Writer) (Project, error) { return w.DeleteProject(idOrSlug) })
}

// RestoreProject brings a deleted project back. ErrExists when another one has
// its slug by now.
func (v *Vault) RestoreProject(ctx context.Context, c Caller, idOrSlug string) (Project, error) {
	return Write(ctx, v, c, Question{Action: "project.restore", Place: Place{Project: idOrSlug}},
		func(w *tree.Writer) (Project, error) { return w.RestoreProject(idOrSlug) })
}

// EnvironmentByID finds one without being told its project.
func (v *Vault) EnvironmentByID(ctx context.Context, c Caller, id string) (Environment, error) {
	return Read(ctx, v, c, Question{Action: "environment.get", Place: Place{Environment: id}},
		func(w *tree.Reader) (Environment, error) { return w.EnvironmentByID(id) })
}

// Environment finds one of a project by id or slug.
func (v *Vault) Environment(ctx context.Context, c Caller, project, idOrSlug string) (Environment, error) {
	return Read(ctx, v, c, Question{Action: "environment.get", Place: Place{Project: project, Environment: idOrSlug}},
		func(w *tree.Reader) (Environment, error) { return w.Environment(project, idOrSlug) })
}

// UpdateEnvironment renames an environment or moves it among the others.
func (v *Vault) UpdateEnvironment(ctx context.Context, c Caller, project, idOrSlug string, ch EnvironmentChange) (Environment, error) {
	return Write(ctx, v, c, Question{Action: "environment.update", Place: Place{Project: project, Environment: idOrSlug}},
		func(w *tree.Writer) (Environment, error) { return w.UpdateEnvironment(project, idOrSlug, ch) })
}

// DeleteEnvironment hides an environment; RestoreEnvironment brings it back.
func (v *Vault) DeleteEnvironment(ctx context.Context, c Caller, project, idOrSlug string) (Environment, error) {
	return Write(ctx, v, c, Question{Action: "environment.delete", Place: Place{Project: project, Environment: idOrSlug}},
		func(w *tree.Writer) (Environment, error) { return w.DeleteEnvironment(project, idOrSlug) })
}

// RestoreEnvironment brings a deleted environment back, at the end.
func (v *Vault) RestoreEnvironment(ctx context.Context, c Caller, project, slug string) (Environment, error) {
	return Write(ctx, v, c, Question{Action: "environment.restore", Place: Place{Project: project, Environment: slug}},
		func(w *tree.Writer) (Environment, error) { return w.RestoreEnvironment(project, slug) })
}

// UpdateFolder renames the folder p and describes it; nil keeps.
func (v *Vault) UpdateFolder(ctx context.Context, c Caller, p Place, name, description *string) (Folder, error) {
	return Write(ctx, v, c, Question{Action: "folder.update", Place: p},
		func(w *tree.Writer) (Folder, error) { return w.UpdateFolder(p, name, description) })
}

// FolderByID finds a folder, and says where it is.
func (v *Vault) FolderByID(ctx context.Context, c Caller, id string) (f Folder, at Place, err error) {
	f, err = Read(ctx, v, c, Question{Action: "folder.get", Name: id}, func(w *tree.Reader) (Folder, error) {
		f, at, err = w.FolderByID(id)
		return f, err
	})
	return f, at, err
}

// SecretByID finds a secret in whatever environment it lies.
func (v *Vault) SecretByID(ctx context.Context, c Caller, id string) (Secret, error) {
	return Read(ctx, v, c, Question{Action: "secret.get", Name: id},
		func(w *tree.Reader) (Secret, error) { return w.SecretByID(id) })
}

// DeletePersonal soft-deletes one person's secret; everybody's stays.
func (v *Vault) DeletePersonal(ctx context.Context, c Caller, r Ref) (Secret, error) {
	out, err := Write(ctx, v, c, Question{Action: "secret.delete", Place: r.Place(), Name: string(r.Name), Detail: "personal"},
		func(w *tree.Writer) ([]Secret, error) { return w.Delete(r.Place(), []secret.Name{r.Name}, r.Owner) })
	if err != nil {
		return Secret{}, err
	}
	return out[0], nil
}

// Move moves secrets by name from one folder to another, also of another
// environment of the project. ErrExists when one is there, unless overwrite.
func (v *Vault) Move(ctx context.Context, c Caller, from, to Place, names []secret.Name, overwrite bool) error {
	q := Question{Action: "secret.move", Place: from, Detail: "to " + to.Environment + ":" + to.Path}
	for _, n := range names {
		q.Name += " " + string(n)
	}
	_, err := Write(ctx, v, c, q, func(w *tree.Writer) (struct{}, error) {
		return struct{}{}, w.Move(from, to, names, overwrite)
	})
	return err
}
