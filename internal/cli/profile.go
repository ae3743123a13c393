package cli

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/belonging"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newProfile() *cobra.Command {
	return group("profile", "What known programs bring along and may reach: list, show, check, diff, new, schema",
		newProfileList(), newProfileShow(), newProfileCheck(), newProfileDiff(), newProfileNew(), newProfileSchema())
}

func newProfileList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List profiles, your own and the built-in ones", Args: nothing,
		RunE: func(*cobra.Command, []string) error {
			list := profile.List(home.Profiles())
			if asJSON {
				return term.Std().JSON(list)
			}
			var rows [][]string
			for _, e := range list {
				if e.Error != "" {
					e.Summary = "cannot be used: " + e.Error
				}
				rows = append(rows, []string{e.Name, e.Summary, e.Origin})
			}
			term.Std().Table([]string{"profile", "for", "from"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func newProfileShow() *cobra.Command {
	var asJSON bool
	cmd := oneProfile("show", "Show a profile with all that it extends, and what of your home it would bring", func(p *profile.Profile) error {
		items := belonging.Gather(belonging.Options{Profile: p, Home: home.User(), Env: os.Environ(), Have: haveNothing, Lend: lendNothing}).Items
		text, err := p.Text()
		if err != nil {
			return err
		}
		t := term.Std()
		if asJSON {
			return t.JSON(map[string]any{"name": p.Name, "origin": p.Origin, "profile": string(text), "home": items})
		}
		t.Printf("# %s, %s\n%s", p.Name, p.Origin, text)
		if len(items) == 0 {
			return nil
		}
		t.Printf("\n# of your home\n")
		for _, i := range items {
			line := fmt.Sprintf("#   %-10s %s", i.State, term.Clean(i.What))
			if i.Why != "" {
				line += " (" + term.Clean(i.Why) + ")"
			}
			t.Printf("%s\n", line)
		}
		return nil
	})
	jsonFlag(cmd, &asJSON)
	return cmd
}

// haveNothing and lendNothing stand for a session: nothing is shown of a key
// but where it was found.
func haveNothing(secret.Name) (string, bool)                      { return "", false }
func lendNothing(secret.Name, secret.Value, []policy.Host) string { return "stand-in" }

func newProfileCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check [PROFILE...]", Short: "Check your own profiles, or those that are named", Args: cobra.ArbitraryArgs, ValidArgsFunction: completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			var rows [][]string
			results := map[string]string{}
			for _, e := range profile.List(home.Profiles()) {
				own := e.Origin != profile.BuiltIn
				if len(args) == 0 && !own || len(args) > 0 && !slices.Contains(args, e.Name) {
					continue
				}
				results[e.Name] = e.Error
				rows = append(rows, []string{e.Name, orGood(e.Error)})
			}
			return showChecked(args, rows, results, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func showChecked(args []string, rows [][]string, results map[string]string, asJSON bool) error {
	bad := 0
	for _, name := range args {
		if _, ok := results[name]; !ok {
			return api.Errorf(api.Missing, "no profile %q", name).WithHint("bailey profile list")
		}
	}
	for _, e := range results {
		if e != "" {
			bad++
		}
	}
	if asJSON {
		if err := term.Std().JSON(results); err != nil {
			return err
		}
	} else {
		term.Std().Table([]string{"profile", "state"}, rows)
	}
	if bad > 0 {
		return &exitError{code: 1}
	}
	return nil
}

func orGood(e string) string {
	if e == "" {
		return "good"
	}
	return e
}

func newProfileDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff PROFILE [OTHER]", Short: "Show what a profile has beyond the built-in one of its name, or beyond OTHER",
		Args: cobra.RangeArgs(1, 2), ValidArgsFunction: completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := profile.Load(args[0], home.Profiles())
			if err != nil {
				return err
			}
			other, dir := args[0], ""
			if len(args) > 1 {
				other, dir = args[1], home.Profiles()
			}
			base, err := profile.Load(other, dir)
			if err != nil {
				return err
			}
			lines, err := profile.Diff(base, p)
			if err != nil {
				return err
			}
			for _, l := range lines {
				term.Std().Printf("%s\n", term.Clean(l))
			}
			return nil
		},
	}
}

func newProfileNew() *cobra.Command {
	var base string
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Begin a profile of your own", Args: exactly("NAME"),
		Long: "Writes a file to begin with and prints its path. Your own profiles lie beside config.yaml, where\n" +
			"no sandbox sees them; a project can bring none. With the name of a built-in profile it adds to it.",
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if base == "" && profile.Known(name, "") {
				base = name
			}
			file, err := profile.New(name, base, home.Profiles())
			if err != nil {
				return err
			}
			term.Std().Printf("%s\n", file)
			term.Std().Hintf("bailey profile check %s, then: bailey sandbox -p %s -- COMMAND", name, name)
			return nil
		},
	}
	cmd.Flags().StringVar(&base, "extends", "", "`profile` to add to")
	_ = cmd.RegisterFlagCompletionFunc("extends", completeProfiles)
	return cmd
}

func newProfileSchema() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of profiles, for editors", Args: nothing,
		RunE: func(*cobra.Command, []string) error {
			term.Std().Printf("%s", profile.Schema())
			return nil
		},
	}
}

// oneProfile is a command about one profile.
func oneProfile(use, short string, do func(*profile.Profile) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " PROFILE", Short: short, Args: exactly("PROFILE"), ValidArgsFunction: completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := profile.Load(args[0], home.Profiles())
			if err != nil {
				return err
			}
			return do(p)
		},
	}
}

func completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, e := range profile.List(home.Profiles()) {
		names = append(names, e.Name+"\t"+e.Summary)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
