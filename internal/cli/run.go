package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/toolchain"
)

type runFlags struct {
	where   *where
	explain bool
	orEnv   bool
	watch   bool
	asJSON  bool
	sealed  bool
	ports   []string // with sealed
}

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run [flags] -- COMMAND [ARGUMENT...]", Short: "Run a command with the project's secrets",
		Long: "Run COMMAND with the secrets of this directory's project in its environment, and nowhere\n" +
			"else. bailey is replaced by the command: exit status, signals and terminal are its own.\n\n" +
			"A variable that is set already wins over the vault, as with dotenv.\n" +
			"Coding agents are not started this way: see \"bailey agent\".\n\n" +
			"With --sealed the command runs in a sandbox and gets placeholders, as an agent does: the\n" +
			"gateway puts a value in only toward the hosts that its secret is bound to. Ports that it\n" +
			"begins to listen on are opened on this machine's loopback, or only those that --port names\n" +
			"(not the ones from 32768, which the kernel gives to who asks for any). What runs on this\n" +
			"machine, a database for instance, can't be reached from there.",
		Example: "  bailey run -- npm start\n  bailey run -e production -- ./migrate\n" +
			"  bailey run --explain -- npm start    # where each variable would come from\n" +
			"  bailey run --watch -- npm run dev    # again whenever a value changes\n" +
			"  bailey run --sealed -- npm start     # code that you have not read yet\n" +
			"  bailey run --or-env -- npm test      # for scripts that also run without a vault, as in CI",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return api.Usagef("run: the command is missing: bailey run -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), &f, args) },
	}
	f.where = readFlags(cmd)
	cmd.Flags().BoolVar(&f.explain, "explain", false, "print name, source, environment, folder and version; run nothing")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "with --explain: as JSON")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "stay, and start the command anew when a value changes")
	cmd.Flags().BoolVar(&f.orEnv, "or-env", false, "without a vault, run with the environment as it is when it has all declared names")
	cmd.Flags().BoolVar(&f.sealed, "sealed", false, "run it in a sandbox with placeholders, and open the ports that it listens on")
	cmd.Flags().StringArrayVar(&f.ports, "port", nil, "with --sealed: the only `port` to open; may be given more than once")
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func run(ctx context.Context, f *runFlags, args []string) error {
	if f.sealed || len(f.ports) > 0 {
		return runSealed(ctx, f, args)
	}
	if err := refuseAgent(args); err != nil {
		return err
	}
	switch {
	case f.asJSON && !f.explain:
		return api.Usagef("--json goes with --explain")
	case f.watch && (f.explain || f.orEnv):
		return api.Usagef("--watch goes without --explain and --or-env")
	}
	p, vars, err := injection(ctx, f)
	if err != nil {
		if f.orEnv && withoutVault(err) {
			return runAsIs(p, args, err)
		}
		return err
	}
	if f.explain {
		return explain(p, vars, f.asJSON)
	}
	sayEmpty(p, vars)
	sayChanged(args)
	if f.watch {
		return runWatched(ctx, p, vars, args)
	}
	env, err := environ(os.Environ(), vars)
	if err != nil {
		return err
	}
	return become(args, env)
}

// sayEmpty tells a person that the place gives nothing, before the command
// complains of it in its own words.
func sayEmpty(p place, vars []variable) {
	if slices.ContainsFunc(vars, func(v variable) bool { return v.source == "vault" }) {
		return
	}
	if p.Environment == development && (p.Manifest == nil || len(p.Manifest.Secrets) == 0) {
		return // nobody expects any
	}
	term.Std().Notef("environment %s has no secrets in folder %s", p.Environment, p.Folder)
	term.Std().Hintf("set them with: bailey secret set NAME -e %s", p.Environment)
}

// refuseAgent keeps a coding agent from getting every secret by habit. There
// is no flag to override it.
func refuseAgent(args []string) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	name, is := toolchain.Agent(args, os.Environ(), dir)
	if !is {
		return nil
	}
	return api.Errorf(api.Denied, "%s is a coding agent: run would give it every secret", name).
		WithHint("start it with: bailey agent -- %s", quoteAll(args))
}

// variable is one name that run would set, and where it comes from.
type variable struct {
	name    string
	value   secret.Value
	source  string // "vault" or "public"
	version int
}

// injection collects what the place adds to an environment: one request.
func injection(ctx context.Context, f *runFlags) (place, []variable, error) {
	p, client, err := f.where.open(ctx)
	if err != nil {
		return p, nil, err
	}
	vars, err := gather(ctx, client, p)
	return p, vars, err
}

// gather reads what the place gives now, sorted by name.
func gather(ctx context.Context, client *api.Client, p place) ([]variable, error) {
	list, err := client.Resolved(ctx, p.ref(), false)
	if err != nil {
		return nil, explainMissing(err, p)
	}
	vars := make([]variable, 0, len(list)+8)
	seen := make(map[string]bool, len(list))
	for i := range list {
		s := &list[i]
		seen[string(s.Key)] = true
		vars = append(vars, variable{name: string(s.Key), value: s.Value(), source: "vault", version: s.Version})
	}
	for name, value := range publicValues(p) {
		if !seen[name] {
			vars = append(vars, variable{name: name, value: secret.NewValue([]byte(value)), source: "public"})
		}
	}
	slices.SortFunc(vars, func(a, b variable) int { return strings.Compare(a.name, b.name) })
	return vars, nil
}

func publicValues(p place) map[string]string {
	if p.Manifest == nil {
		return nil
	}
	return p.Manifest.Public
}

// explainMissing adds what to do when the place is not in the vault.
func explainMissing(err error, p place) error {
	var e *api.Error
	if errors.As(err, &e) && e.Code == api.Missing && e.Advice == "" {
		e.Advice = "what there is: bailey env list, bailey secret list -e " + p.Environment + " --all"
	}
	return err
}

// explained is one line of run --explain; it has no value.
type explained struct {
	Name        string `json:"name"`
	Source      string `json:"source"` // vault, public, or the address where the environment lives
	Environment string `json:"environment,omitempty"`
	Folder      string `json:"folder,omitempty"`
	Version     int    `json:"version,omitempty"`
	Overridden  bool   `json:"overridden"` // the caller's own variable is used instead
}

func explain(p place, vars []variable, asJSON bool) error {
	lines := make([]explained, 0, len(vars))
	rows := make([][]string, 0, len(vars))
	for _, v := range vars {
		e := explained{Name: v.name, Source: v.source}
		if v.source == "vault" {
			e.Environment, e.Folder, e.Version = p.Environment, p.Folder, v.version
			if at := elsewhere(p); at != "" {
				e.Source = at
			}
		}
		_, e.Overridden = os.LookupEnv(v.name)
		lines = append(lines, e)
		rows = append(rows, e.row())
	}
	if asJSON {
		return term.Std().JSON(lines)
	}
	term.Std().Table([]string{"name", "source", "environment", "folder", "version"}, rows)
	return nil
}

func (e explained) row() []string {
	row := []string{e.Name, e.Source, e.Environment, e.Folder, ""}
	if e.Version > 0 {
		row[4] = strconv.Itoa(e.Version)
	}
	if e.Overridden {
		row[1] = "environment (over " + e.Source + ")"
	}
	return row
}

// withoutVault is true for errors that mean: no vault to ask here.
func withoutVault(err error) bool {
	switch api.CodeOf(err) {
	case api.Missing, api.Unavailable, api.Locked, api.Denied:
		return true
	}
	return false
}

// runAsIs is --or-env without a vault: a colleague, CI or production provides
// the environment, and it must be complete.
func runAsIs(p place, args []string, why error) error {
	if p.Manifest == nil {
		return why
	}
	env := os.Environ()
	var missing []string
	for _, name := range declared(p) {
		if os.Getenv(name) == "" { // CI systems pass a secret that they lack as an empty variable
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return api.Errorf(api.Missing, "no vault (%s), and the environment lacks %s", why, strings.Join(missing, ", "))
	}
	for name, value := range publicValues(p) {
		if _, ok := os.LookupEnv(name); !ok {
			env = append(env, name+"="+value)
		}
	}
	return become(args, env)
}
