package cli

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/shim"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/toolchain"
)

func newAgentInstall() *cobra.Command {
	var dry, noShell, asJSON bool
	cmd := &cobra.Command{
		Use: "install AGENT...", Short: "Have agents start in a sandbox when their names are typed", ValidArgsFunction: completeAgents,
		Long: "Writes a small command for each agent into a directory of Bailey's, and puts that directory first\n" +
			"in PATH, by one line in the file that your shell reads at its start. What you type stays the same:\n" +
			"\"claude\" is then \"bailey agent -- claude\". The agent itself is not touched; for its own updates\n" +
			"call it by its path.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, name := range args {
				if is, ok := toolchain.Agent([]string{name}, nil, "/"); !ok || is != name {
					return api.Errorf(api.Invalid, "%.40q is not an agent that Bailey knows", name).WithHint("for any other program: bailey sandbox -- %s", name)
				}
			}
			steps, line, err := installSteps(args, !noShell)
			if err != nil {
				return err
			}
			if err := takeSteps(steps, dry, asJSON); err != nil || dry || asJSON {
				return err
			}
			if line != "" {
				term.Std().Hintf("put it first in PATH where your shell starts: %s", line)
			} else if first, _, _ := strings.Cut(os.Getenv("PATH"), ":"); first != home.Shims() {
				term.Std().Hintf("open a new terminal; \"bailey doctor\" then says whether it is in force")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print what would be written, and write nothing")
	cmd.Flags().BoolVar(&noShell, "no-shell", false, "leave the files of the shell alone")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// installSteps plans the shims and the line for the shell; line is what the
// user has to add where that can't be, or is not to be, done.
func installSteps(names []string, shell bool) (steps []shim.Step, line string, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	if steps, err = shim.Install(home.Shims(), exe, names); err != nil {
		return nil, "", err
	}
	file, line, known := shim.Line(os.Getenv("SHELL"), home.User(), home.Shims())
	if !known || !shell {
		return steps, cmp.Or(line, home.Shims()), nil
	}
	more, err := shim.AddLine(file, line)
	return append(steps, more...), "", err
}

func newAgentUninstall() *cobra.Command {
	var dry, asJSON bool
	cmd := &cobra.Command{
		Use: "uninstall [AGENT...]", Short: "Take back what install made, for all agents or those that are named",
		Args: cobra.ArbitraryArgs, ValidArgsFunction: completeAgents,
		RunE: func(_ *cobra.Command, args []string) error {
			left := slices.DeleteFunc(shim.Installed(home.Shims()), func(name string) bool { return slices.Contains(args, name) })
			steps, err := shim.Uninstall(home.Shims(), args)
			if err != nil {
				return err
			}
			if len(args) == 0 || len(left) == 0 {
				steps = append(steps, shim.RemoveLines(home.User())...)
			}
			return takeSteps(steps, dry, asJSON)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "print what would be removed, and remove nothing")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// takeSteps does what was planned, unless it is only to be shown, and says it.
func takeSteps(steps []shim.Step, dry, asJSON bool) error {
	if !dry {
		if err := shim.Do(steps); err != nil {
			return err
		}
	}
	t := term.Std()
	if asJSON {
		return t.JSON(map[string]any{"done": !dry, "steps": append([]shim.Step{}, steps...)})
	}
	for _, s := range steps {
		t.Printf("%-12s %s\n", s.What, s.Path)
		if s.Text != "" {
			t.Printf("             %s\n", s.Text)
		}
	}
	if len(steps) == 0 {
		t.Notef("nothing to do")
	}
	return nil
}

func completeAgents(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, path := range toolchain.Installed(beyondShims(os.Environ()), home.User()) {
		names = append(names, filepath.Base(path))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// beyondShims is an environment without the directory of shims in PATH: what a
// shim starts is the real one.
func beyondShims(env []string) []string {
	out := slices.Clone(env)
	for i, e := range out {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			list := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool { return filepath.Clean(dir) == home.Shims() })
			out[i] = "PATH=" + strings.Join(list, string(filepath.ListSeparator))
		}
	}
	return out
}
