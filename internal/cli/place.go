package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

const (
	projectVariable = "BAILEY_PROJECT" // names the project as --project does
	development     = "development"
	production      = "production"
)

// place is where a command works: a project, an environment, a folder.
type place struct {
	Root        string             // of the project; "" when only --project named it
	Manifest    *manifest.Manifest // nil without bailey.yaml
	Project     string
	Environment string
	Folder      string
}

func (p place) ref() api.Ref {
	return api.Ref{Project: p.Project, Environment: p.Environment, Path: p.Folder}
}

func (p place) secret(name secret.Name) api.Ref {
	r := p.ref()
	r.Name = name
	return r
}

// where holds the flags that choose a place.
type where struct {
	project, environment, folder string
	offline                      bool // see readFlags
}

// placeFlags adds the flags that choose a place.
func placeFlags(cmd *cobra.Command) *where {
	w := &where{}
	f := cmd.Flags()
	f.StringVarP(&w.environment, "env", "e", development, "`environment`; production is asked for per command")
	f.StringVar(&w.folder, "folder", "", "`folder` of the vault (default: the one of this directory)")
	f.StringVar(&w.project, "project", "", "`project` (default: the one of bailey.yaml)")
	_ = cmd.RegisterFlagCompletionFunc("env", fixed(development, "test", "staging", production))
	return w
}

// locate finds the place for the current directory and says aloud when it is
// production.
func (w *where) locate() (place, error) {
	p, err := w.find()
	if err != nil {
		return p, err
	}
	if p.Environment == production {
		term.Std().Notef("environment production")
	}
	return p, nil
}

// find is locate without a word.
func (w *where) find() (place, error) {
	p := place{Environment: environmentName(w.environment), Folder: w.folder}
	dir, err := os.Getwd()
	if err != nil {
		return p, err
	}
	explicit := w.project
	if explicit == "" {
		explicit = os.Getenv(projectVariable)
	}
	root, ok := manifest.Find(dir)
	if !ok && explicit == "" {
		return p, noProject()
	}
	if ok {
		p.Root = root
		if p.Manifest, err = manifest.Load(root); err != nil {
			return p, api.Errorf(api.Invalid, "%s", err)
		}
		p.Project = p.Manifest.Project
	}
	if explicit != "" {
		if p.Project != explicit {
			p.Manifest = nil // it speaks of another project
		}
		p.Project = explicit
	} else if err := bound(root, p.Project); err != nil {
		return p, err
	}
	if p.Folder == "" {
		p.Folder = folderOf(p, dir)
	}
	if !manifest.ValidFolder(p.Folder) {
		return p, api.Usagef("--folder: a folder of the vault looks like /api/worker")
	}
	return p, nil
}

func noProject() *api.Error {
	return api.Errorf(api.Missing, "no project here: no %s in this directory or above", manifest.Name).
		WithHint("set one up with: bailey init")
}

func folderOf(p place, dir string) string {
	if p.Manifest == nil {
		return "/"
	}
	rel, err := filepath.Rel(p.Root, dir)
	if err != nil {
		return "/"
	}
	return p.Manifest.Folder(rel)
}

// environmentName accepts the usual short names.
func environmentName(s string) string {
	switch s {
	case "dev":
		return development
	case "prod":
		return production
	case "stage":
		return "staging"
	}
	return s
}

// bound keeps any checkout from naming any project in its bailey.yaml: the
// repository must be one that the user gave that project, by init or here.
func bound(root, project string) error {
	have, ok := manifest.Bound(root)
	if ok && have == project {
		return nil
	}
	t := term.Std()
	err := api.Errorf(api.Denied, "%s asks for project %s, which was not set up for this repository",
		filepath.Join(root, manifest.Name), project).
		WithHint("when that is right: bailey init --project %s", project)
	if !t.CanAsk() {
		return err
	}
	t.Notef("%s asks for project %s, which was not set up for this repository", filepath.Join(root, manifest.Name), project)
	yes, askErr := t.Confirm("Give this repository the secrets of project "+project+"?", false)
	if askErr != nil {
		return askErr
	}
	if !yes {
		return err
	}
	return manifest.Bind(root, project)
}

// isMissingFile tells "there is none" from "cannot be read".
func isMissingFile(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func fixed(words ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNames offers the names of bailey.yaml: no vault is opened for it.
func completeNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	root, ok := manifest.Find(dir)
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	m, err := manifest.Load(root)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, n := range m.Names() {
		names = append(names, string(n))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// manifestHere is the root of the project around the current directory.
func manifestHere() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	return manifest.Find(dir)
}
