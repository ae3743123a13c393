package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
	"github.com/bailey-project/bailey/internal/probe/machine"
	"github.com/bailey-project/bailey/internal/term"
)

// addAttack gives bailey doctor its flag --attack.
func addAttack(cmd *cobra.Command, asJSON *bool) {
	var on bool
	var only []string
	cmd.Flags().BoolVar(&on, "attack", false, "attack the sandbox in every known way, in a throw-away machine; takes about a minute")
	cmd.Flags().StringSliceVar(&only, "probe", nil, "with --attack: only these `probes` of doc/probes.md")
	checklist := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !on {
			return checklist(cmd, args)
		}
		return attack(cmd.Context(), only, *asJSON)
	}
}

// attack tries the probes, all when ids is empty, and says which were not
// stopped as they must be.
func attack(ctx context.Context, ids []string, asJSON bool) error {
	for _, id := range ids {
		if _, ok := catalogue.Find(id); !ok {
			return api.Usagef("no probe %q: see doc/probes.md", id)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var all []probe.Result
	for _, mode := range probe.Modes() {
		err := machine.Run(ctx, self, machine.Job{Mode: mode, IDs: ids}, func(r probe.Result) { all = append(all, r) })
		if err != nil {
			return err
		}
	}
	if asJSON {
		err = term.Std().JSON(all)
	} else {
		showAttacks(term.Std(), all)
	}
	if n := failed(all); n > 0 && err == nil {
		err = fmt.Errorf("%s did not end as the catalogue says", plural(n, "probe"))
	}
	return err
}

func failed(all []probe.Result) (n int) {
	for _, r := range all {
		if r.Verdict != "" {
			n++
		}
	}
	return n
}

// showAttacks is a line for each category and one for each probe to look at.
func showAttacks(t *term.Term, all []probe.Result) {
	for _, c := range catalogue.All() {
		tried, held := 0, 0
		for _, r := range all {
			if strings.HasPrefix(r.ID, c.Letter) {
				tried++
				if r.Verdict == "" && !strings.HasPrefix(r.Listed, probe.NotStopped) {
					held++
				}
			}
		}
		if tried > 0 {
			t.Notef("%s", fmt.Sprintf("%3d of %3d  %s", held, tried, c.Title))
		}
	}
	for _, r := range all {
		if r.Verdict != "" || strings.HasPrefix(r.Listed, probe.NotStopped) {
			t.Notef("%s, %s: %s", r.ID, r.Attack, r.Verdict+r.Listed)
		}
	}
}
