package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
)

func newSandbox() *cobra.Command {
	var name, environment string
	var network, limits []string
	var quiet, dry, asJSON bool
	cmd := &cobra.Command{
		Use:   "sandbox [flags] [--] COMMAND [ARGUMENT...]",
		Short: "Run a tool of yours in a sandbox, with the profile that is made for it",
		Long: "Runs COMMAND as \"bailey agent\" does, with the profile that -p names: which of its settings\n" +
			"come along, what is kept, which hosts it may reach. Without -p it is the one that is made for\n" +
			"the command, if there is one. With --dry-run nothing is run: what the session would be made\n" +
			"of is printed.",
		Example: "  bailey sandbox -p editor -- hx .\n  bailey sandbox -p git-ui -- lazygit\n  bailey sandbox -p terraform --dry-run -- tofu plan",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &api.UsageError{Err: api.Errorf(api.Invalid, "which command?"), Advice: "for example: bailey sandbox -p editor -- vim ."}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if asJSON && !dry {
				return &api.UsageError{Err: api.Errorf(api.Invalid, "--json goes with --dry-run"), Advice: "see: bailey sandbox --help"}
			}
			o, err := agentOptions(args, environment)
			if err != nil {
				return err
			}
			o.Network, o.Limits, o.Quiet, o.Profile = network, limits, quiet, name
			if name == "" {
				o.Profile = profile.For(args[0], home.Profiles())
			}
			if dry {
				return showDesign(cmd.Context(), o, asJSON)
			}
			return runSession(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVarP(&name, "profile", "p", "", "`profile` of the program, see: bailey profile list")
	f.StringVarP(&environment, "env", "e", development, "`environment`; production is asked for per command")
	f.StringArrayVar(&network, "allow", nil, "`host` to open for this session, as in: github.com, or \"github.com: write\"")
	f.StringArrayVar(&limits, "limit", nil, "`NAME=N` for this session, as with: bailey agent")
	f.BoolVar(&dry, "dry-run", false, "print mounts, rules and environment, and run nothing")
	f.BoolVarP(&quiet, "quiet", "q", false, "say nothing that is not a refusal")
	jsonFlag(cmd, &asJSON)
	_ = cmd.RegisterFlagCompletionFunc("profile", completeProfiles)
	_ = cmd.RegisterFlagCompletionFunc("limit", completeLimits)
	_ = cmd.RegisterFlagCompletionFunc("env", fixed(development, "test", "staging", production))
	return cmd
}

// showDesign prints what a session would be made of.
func showDesign(ctx context.Context, o session.Options, asJSON bool) error {
	d, err := session.Draw(ctx, o)
	if err != nil {
		return err
	}
	t := term.Std()
	if asJSON {
		return t.JSON(d)
	}
	t.Printf("profile      %s\nprogram      %s\ndirectory    %s\n", d.Profile, d.Program, d.Dir)
	t.Printf("\nfiles\n")
	for _, m := range d.Mounts {
		t.Printf("  %-10s %s\n", m.Kind, term.Clean(m.Target+from(m)))
	}
	t.Printf("\nnetwork\n")
	for _, r := range d.Rules {
		t.Printf("  %s  # %s\n", r.Text, r.Origin)
	}
	if len(d.Rules) == 0 {
		t.Printf("  none\n")
	}
	t.Printf("\nenvironment\n")
	for _, e := range d.Env {
		t.Printf("  %s\n", term.Clean(e))
	}
	return nil
}

// from says where a mount comes from, when that is not its own place.
func from(m session.Laid) string {
	if m.Source == "" || m.Source == m.Target {
		return ""
	}
	return "  <- " + m.Source
}
