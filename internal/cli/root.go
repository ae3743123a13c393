package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
)

// inside marks commands that are harmless within a session.
const inside = "inside"

// Groups of the help text.
const (
	daily = "daily"
	keep  = "keep"
	more  = "more"
)

// command is one of the top level: how to make it, and where help lists it.
type command struct {
	name  string
	group string
	make  func() *cobra.Command
}

// commands are in the order of the help text.
var commands = []command{
	{"init", daily, newInit},
	{"run", daily, newRun},
	{"agent", daily, newAgent},
	{"allow", daily, newAllow},
	{"status", daily, newStatus},
	{"unlock", keep, newUnlock},
	{"lock", keep, newLock},
	{"secret", keep, newSecret},
	{"file", keep, newFile},
	{"vault", keep, newVault},
	{"env", keep, newEnv},
	{"identity", keep, newIdentity},
	{"server", keep, newServer},
	{"audit", keep, newAudit},
	{"recover", keep, newRecover},
	{"confirm", more, newConfirm},
	{"sandbox", more, newSandbox},
	{"profile", more, newProfile},
	{"session", more, newSession},
	{"port", more, newPort},
	{"undo", more, newUndo},
	{"apply", more, newApply},
	{"discard", more, newDiscard},
	{"why", more, newWhy},
	{"doctor", more, newDoctor},
	{"eject", more, newEject},
	{"version", more, newVersion},
	{"daemon", "", newDaemon},
}

// New is the whole command line.
func New() *cobra.Command {
	root := newRoot(commands)
	root.AddCommand(topics()...)
	return root
}

// newFor is as much of the command line as args need: to make all of it takes
// longer than to make the namespaces of a sandbox.
func newFor(args []string) *cobra.Command {
	if len(args) > 0 {
		for _, c := range commands {
			if c.name == args[0] {
				root := newRoot([]command{c})
				root.CompletionOptions.DisableDefaultCmd = true
				return root
			}
		}
	}
	return New()
}

func newRoot(list []command) *cobra.Command {
	root := &cobra.Command{
		Use:   "bailey",
		Short: "Keep secrets in a vault and let coding agents work without them",
		Long: "Bailey keeps a project's secrets in a vault, injects them into the programs that need\n" +
			"them, and runs coding agents in a sandbox where they see placeholders instead.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: before,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &api.UsageError{Err: err, Advice: "see: " + cmd.CommandPath() + " --help"}
	})
	root.AddGroup(
		&cobra.Group{ID: daily, Title: "Every day:"},
		&cobra.Group{ID: keep, Title: "The vault:"},
		&cobra.Group{ID: more, Title: "More:"},
	)
	for _, c := range list {
		made := c.make()
		made.GroupID = c.group
		root.AddCommand(made)
	}
	root.SetHelpCommandGroupID(more)
	root.SetCompletionCommandGroupID(more)
	return root
}

// before checks what holds for every command that is not harmless: it runs
// outside of sessions, in a home that is its user's alone.
func before(cmd *cobra.Command, _ []string) error {
	if cmd.Annotations[inside] != "" || builtIn(cmd) {
		return nil
	}
	if err := outsideOnly(cmd); err != nil {
		return err
	}
	was, err := home.Secure()
	if err != nil {
		return api.Errorf(api.Denied, "%s", err).WithHint("set %s to a directory of your own, closed to others (chmod 700), or to one that is not there yet", home.Variable)
	}
	if was != 0 {
		term.Std().Notef("%s was open to other users (mode %#o); it is closed to them now", home.Dir(), was)
	}
	return nil
}

// outsideOnly refuses what is not harmless within a session. It is a courtesy
// with a clear answer: the wall is the sandbox, which has no way to the vault.
func outsideOnly(cmd *cobra.Command) error {
	name := os.Getenv(session.Variable)
	if name == "" {
		return nil
	}
	return api.Errorf(api.Denied, "%s is not available inside session %s", cmd.CommandPath(), name).
		WithHint("ask the person who started the session")
}

// builtIn is true for cobra's own help and completion.
func builtIn(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if slices.Contains([]string{"help", "completion", "__complete", "__completeNoDesc"}, c.Name()) {
			return true
		}
	}
	return false
}

// group is a command that only has others below it.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return api.Usagef("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	c.Annotations = map[string]string{inside: "help"}
	c.AddCommand(commands...)
	return c
}

// exactly checks the number of arguments and names what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		usage := &api.UsageError{Advice: fmt.Sprintf("see: %s --help", cmd.CommandPath())}
		switch {
		case len(args) < len(names):
			usage.Err = fmt.Errorf("%s: %s is missing", cmd.CommandPath(), names[len(args)])
		case len(args) > len(names):
			usage.Err = fmt.Errorf("%s: %s too many", cmd.CommandPath(), plural(len(args)-len(names), "argument"))
		default:
			return nil
		}
		return usage
	}
}

// nothing accepts no argument.
func nothing(cmd *cobra.Command, args []string) error { return exactly()(cmd, args) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay") {
		noun = strings.TrimSuffix(noun, "y") + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
