package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/toolchain"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/workspace"
)

func newAgent() *cobra.Command {
	var environment, worktree string
	var network, limits, ports []string
	var quiet, strict, review, frozen, offline bool
	cmd := &cobra.Command{
		Use:   "agent [flags] [--] COMMAND [ARGUMENT...]",
		Short: "Run an agent, or any command, in a sandbox with this project and nothing else",
		Long: "Runs COMMAND in a sandbox that has this project's files and no secret: .env files show\n" +
			"placeholders, the home is private, and the network is a gateway that lets through what\n" +
			"was allowed and puts a key in only toward the host it belongs to.\n\n" +
			"It works in any directory, with or without a vault. Commits made inside are in the\n" +
			"repository when the session ends.",
		Example: "  bailey agent claude\n  bailey agent -- npm test\n  bailey agent --allow docs.python.org -- codex",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &api.UsageError{Err: api.Errorf(api.Invalid, "which command?"), Advice: "for example: bailey agent -- claude"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := enterWorktree(cmd.Context(), worktree, quiet); err != nil {
				return err
			}
			o, err := agentOptions(args, environment)
			if err == nil {
				err = freshForAgent(cmd.Context(), o, offline)
			}
			if err != nil {
				return err
			}
			if o.Ports, err = parsePorts(ports); err != nil {
				return err
			}
			o.Network, o.Limits, o.Quiet = network, limits, quiet
			o.Review, o.Frozen = review || frozen, frozen
			o.StrictNames = strict && !o.Review // there, whatever is made stays in the copy
			return runSession(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVarP(&environment, "env", "e", development, "`environment`; production is asked for per command")
	f.StringArrayVar(&network, "allow", nil, "`host` to open for this session, as in: github.com, or \"github.com: write\"")
	f.StringArrayVar(&ports, "port", nil, "`port` that programs inside listen on, open on this machine's loopback; also: bailey port")
	f.StringArrayVar(&limits, "limit", nil, "`NAME=N` for this session: memory, processes, cpus, open-files, disk or time, as in memory=8G")
	f.BoolVar(&strict, "strict-names", false, "refuse files that editors, agents, direnv and git execute, in place of moving them away; slower")
	f.BoolVar(&review, "review", false, "work on a private copy: nothing of the project changes until bailey apply")
	f.BoolVar(&frozen, "frozen", false, "as --review, on a copy made now: what is saved beside the session never shows inside")
	f.BoolVar(&offline, "offline", false, offlineFlag)
	f.StringVar(&worktree, "worktree", "", "work in the git worktree of that `name`, made when it is not there, on a branch of its own")
	f.BoolVarP(&quiet, "quiet", "q", false, "say nothing that is not a refusal")
	cmd.AddCommand(newAgentInstall(), newAgentUninstall())
	_ = cmd.RegisterFlagCompletionFunc("limit", completeLimits)
	_ = cmd.RegisterFlagCompletionFunc("env", fixed(development, "test", "staging", production))
	return cmd
}

// enterWorktree goes to the worktree of the repository that this is; "" stays.
func enterWorktree(ctx context.Context, name string, quiet bool) error {
	if name == "" {
		return nil
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	root, err := workspace.FindRoot(here, home.User())
	if err != nil {
		return err
	}
	dir, made, err := workspace.Worktree(ctx, root, name, os.Getenv("PATH"))
	if err != nil {
		return err
	}
	if made && !quiet {
		term.Std().Notef("worktree %s: %s", name, dir)
	}
	return os.Chdir(dir)
}

// runSession runs a session and ends as its command did.
func runSession(ctx context.Context, o session.Options) error {
	// The terminal's signals are the workload's.
	code, err := session.Run(context.WithoutCancel(ctx), o)
	var none *toolchain.NotFoundError
	var bad *toolchain.NotExecutableError
	switch {
	case errors.As(err, &none):
		o.Term.Error(err)
		return &exitError{code: exitNotFound}
	case errors.As(err, &bad):
		o.Term.Error(err)
		return &exitError{code: exitNotExecutable}
	}
	if err != nil {
		return err
	}
	return status(code)
}

// completeLimits offers the names with their sign.
func completeLimits(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var words []string
	for _, name := range limit.Names {
		words = append(words, string(name)+"=")
	}
	return words, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// status is the child's own exit status.
func status(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

func agentOptions(args []string, environment string) (session.Options, error) {
	dir, err := os.Getwd()
	if err != nil {
		return session.Options{}, err
	}
	o := session.Options{Args: args, Dir: dir, Env: beyondShims(os.Environ()), Environment: environmentName(environment), Term: term.Std()}
	if o.Environment == production {
		o.Term.Notef("environment production")
	}
	if o.Client = agentClient(dir); o.Client != nil {
		o.Background = silent()
	}
	return o, nil
}

// freshForAgent has the environment up to date before the session takes its
// values; in the session it stays as it is.
func freshForAgent(ctx context.Context, o session.Options, offline bool) error {
	if o.Client == nil {
		return nil
	}
	p, err := (&where{environment: o.Environment}).find()
	if err != nil {
		return err
	}
	return fresh(ctx, o.Client, p, offline)
}

// agentClient is nil where no secrets are to be had: then nothing is asked and
// no daemon is started.
func agentClient(dir string) *api.Client {
	root, ok := manifest.Find(dir)
	if !ok || !vault.Exists(home.Vault()) {
		return nil
	}
	if _, ok := manifest.Bound(root); !ok {
		return nil
	}
	return connect()
}
