package cli

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

type initFlags struct {
	project string
	dryRun  bool
	keep    bool
	yes     bool
	tracked bool
}

func newInit() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use: "init", Short: "Take this project's .env files into the vault", Args: nothing,
		Long: initText,
		Example: "  bailey init --dry-run     # show every file and line that would change\n" +
			"  bailey init\n  bailey init --keep        # import, and leave the files where they are",
		RunE: func(cmd *cobra.Command, _ []string) error { return initProject(cmd.Context(), &f) },
	}
	cmd.Flags().StringVar(&f.project, "project", "", "`name` of the project in the vault (default: of bailey.yaml, else of the directory)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what would change, change nothing")
	cmd.Flags().BoolVar(&f.keep, "keep", false, "import, but leave the files in place (agents see them masked)")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "ask nothing")
	cmd.Flags().BoolVar(&f.tracked, "remove-tracked", false, "remove also .env files that git tracks")
	return cmd
}

// initialising is one run of init.
type initialising struct {
	*initFlags
	name     string // of the project
	t        *term.Term
	root     *safefs.Root
	had      *manifest.Manifest // bailey.yaml as it was, or nil
	mayGrant bool               // bailey.yaml is the user's own word
	plan     *adoption.Plan
	client   *api.Client
}

func initProject(ctx context.Context, f *initFlags) error {
	i := &initialising{initFlags: f, t: term.Std()}
	if err := i.survey(ctx); err != nil {
		return err
	}
	defer i.root.Close()
	i.show()
	if f.dryRun {
		return i.showDry()
	}
	if done, err := i.done(ctx); done || err != nil {
		return err
	}
	if !f.yes && !i.t.CanAsk() {
		return api.Errorf(api.Invalid, "init asks before it removes a file, and there is no terminal").
			WithHint("look with: bailey init --dry-run\nand agree with: bailey init --yes")
	}
	if err := i.openVault(ctx); err != nil {
		return err
	}
	if err := i.nameProject(ctx); err != nil {
		return err
	}
	return i.carryOut(ctx)
}

// done is true when an earlier run left nothing to do: no passphrase is asked
// for then. A vault that is damaged, or that is gone while this project's
// values were in it, is an error before anything is made in its place.
func (i *initialising) done(ctx context.Context) (bool, error) {
	bound, ok := manifest.Bound(i.root.Path())
	ours := ok && bound == i.name
	err := vaultWhole(ctx)
	if !api.IsCode(err, api.Missing) {
		return err == nil && ours && i.plan.Nothing() && !codeUnseen(ctx), err
	}
	if !ours || i.project != "" || len(i.plan.Survey.Files) > 0 {
		return false, nil
	}
	return false, api.Errorf(api.Missing, "the vault with the values of project %s is gone from %s", i.name, home.Vault()).
		WithHint("restore it, with the audit directory beside it, from a backup, or set %s to where it is now;\n"+
			"to begin with an empty vault: bailey init --project %s", home.Variable, i.name)
}

// survey looks at the project and makes the plan.
func (i *initialising) survey(ctx context.Context) error {
	dir, err := projectRoot()
	if err != nil {
		return err
	}
	if i.root, err = safefs.Open(dir); err != nil {
		return err
	}
	i.had, err = manifest.Load(dir)
	if err != nil && !isMissingFile(err) {
		return api.Errorf(api.Invalid, "%s", err)
	}
	i.mayGrant = i.had == nil || manifest.Confirmed(dir, i.had.Hash())
	if i.name, err = projectName(i.project, dir, i.had); err != nil {
		return err
	}
	found, err := survey.Look(ctx, i.root, i.had)
	if err != nil {
		return err
	}
	return i.makePlan(found)
}

func (i *initialising) makePlan(found *survey.Survey) error {
	var err error
	i.plan, err = adoption.NewPlan(i.root, found, i.had, i.name)
	if err == nil {
		i.plan.Keep, i.plan.Tracked = i.keep, i.tracked
	}
	return err
}

// projectRoot is where bailey.yaml is, else the repository's root, else the
// current directory; never the home or what lies above it.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if root, ok := manifest.Find(dir); ok {
		dir = root
	} else if root, ok := repositoryRoot(dir); ok {
		dir = root
	}
	if dir == "/" || dir == home.User() || strings.HasPrefix(home.User(), dir+"/") {
		return "", api.Errorf(api.Invalid, "%s is not a project", dir).WithHint("go into the project's directory first")
	}
	return dir, nil
}

func repositoryRoot(dir string) (string, bool) {
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, true
		}
	}
	return "", false
}

func projectName(flag, dir string, had *manifest.Manifest) (string, error) {
	switch {
	case had != nil && flag != "" && flag != had.Project:
		return "", api.Usagef("--project: bailey.yaml says project %s", had.Project)
	case had != nil:
		return had.Project, nil
	case flag == "":
		for _, known := range []func(string) (string, bool){manifest.Bound, manifest.Left} {
			if name, ok := known(dir); ok {
				return name, nil
			}
		}
		return slugOf(filepath.Base(dir)), nil
	case !manifest.ValidProject(flag):
		return "", api.Usagef("--project: lower-case letters, digits and '-', at most 64")
	}
	return flag, nil
}

// slugOf makes a project's slug of a directory's name.
func slugOf(name string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	slug = strings.Trim(slug, "-")
	if len(slug) > 60 {
		slug = strings.Trim(slug[:60], "-")
	}
	if slug == "" {
		return "project"
	}
	return slug
}

// openVault makes the vault on first use, and has an existing one unlocked.
func (i *initialising) openVault(ctx context.Context) error {
	i.client = connect()
	if vault.Exists(home.Vault()) {
		if _, err := i.client.Projects(ctx); err != nil {
			return err
		}
		return ensureCode(ctx, i.client, i.yes)
	}
	err := createVault(ctx, i.client, i.yes)
	if api.IsCode(err, api.Exists) && vault.Exists(home.Vault()) { // another init was first
		_, err = i.client.Projects(ctx)
	}
	return err
}

// nameProject keeps two repositories whose directories have the same name
// apart: only bailey.yaml or --project can mean a project that is there, or
// that it was this repository's before eject.
func (i *initialising) nameProject(ctx context.Context) error {
	if bound, ok := manifest.Bound(i.root.Path()); ok && bound == i.name {
		return nil
	}
	free, err := i.free(ctx, i.name)
	if err != nil || free {
		return err
	}
	if left, ok := manifest.Left(i.root.Path()); ok && left == i.name {
		i.t.Notef("project %s was ejected here before: its values and their history are kept", i.name)
		return nil
	}
	if i.had != nil || i.project != "" {
		return i.joinProject()
	}
	for n := 2; ; n++ {
		candidate := i.name + "-" + strconv.Itoa(n)
		if free, err = i.free(ctx, candidate); err != nil {
			return err
		}
		if free {
			i.t.Notef("another repository has project %s in this vault; this one becomes %s", i.name, candidate)
			i.name = candidate
			return i.makePlan(i.plan.Survey)
		}
	}
}

func (i *initialising) free(ctx context.Context, name string) (bool, error) {
	_, err := i.client.Project(ctx, name)
	if api.IsCode(err, api.Missing) {
		return true, nil
	}
	return false, err
}

// carryOut imports, lets the user try, and removes.
func (i *initialising) carryOut(ctx context.Context) error {
	a := &adoption.Adopter{Plan: i.plan, Root: i.root, Client: i.client, Confirm: i.mayGrant}
	if err := a.Import(ctx); err != nil {
		return err
	}
	remove, err := i.agreeToRemove(ctx)
	if err != nil {
		return err
	}
	if remove {
		removed, changed, err := a.Remove(ctx)
		if len(removed) > 0 {
			i.t.Notef("removed %s; bailey eject brings them back", strings.Join(removed, ", "))
		}
		for _, path := range changed {
			i.t.Notef("%s was changed meanwhile and stays; run bailey init again", path)
		}
		if err != nil {
			return err
		}
	}
	i.closing(ctx)
	return nil
}
