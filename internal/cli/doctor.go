package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/doctor"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/toolchain"
)

func newDoctor() *cobra.Command {
	var asJSON, fix, profile bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Try what Bailey needs of this machine, and name or do what mends it", Args: nothing,
		Long: "Goes through a checklist. Each row is a test of the thing itself: a sandbox is started, the kernel\n" +
			"is asked by system calls. Without --fix nothing is changed; what is printed can be copied.\n" +
			"The exit status is 1 when a row fails.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := host(cmd.Context())
			if err != nil {
				return err
			}
			if profile {
				term.Std().Printf("%s", doctor.Profile(h.Exe))
				return nil
			}
			rows := h.Rows()
			if fix && mend(rows) {
				rows = h.Rows()
			}
			return showRows(rows, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&fix, "fix", false, "do what can be done as this user, then look again")
	addAttack(cmd, &asJSON)
	cmd.Flags().BoolVar(&profile, "apparmor-profile", false, "print the AppArmor profile that lets this binary make user namespaces")
	return cmd
}

// host is this machine, as this user sees it.
func host(ctx context.Context) (*doctor.Host, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &doctor.Host{Root: "/", UID: os.Getuid(), GOOS: runtime.GOOS, Home: home.Dir(), Exe: exe, Env: os.Getenv,
		Shims: home.Shims(), Agents: startOutside(),
		Kernel: doctor.Kernel{Release: sandbox.Release(), Landlock: sandbox.Landlock, Seccomp: sandbox.Seccomp, Groups: sandbox.Groups},
		Backup: func() (bool, bool) { return backup(ctx) }}
	h.Sandbox = func() (doctor.Sandbox, error) {
		out, regime, err := session.Try(ctx, os.Environ(), doctor.Script)
		return doctor.Sandbox{Regime: regime.String(), Output: out}, err
	}
	return h, nil
}

// startOutside are the agents of this user that start outside of a sandbox.
func startOutside() []doctor.Agent {
	var list []doctor.Agent
	for _, a := range toolchain.StartOutside(os.Environ(), home.User(), home.Shims()) {
		list = append(list, doctor.Agent(a))
	}
	return list
}

// backup asks the daemon when one runs.
func backup(ctx context.Context) (secrets, verified bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := api.Dial(home.Socket()).Status(ctx)
	return err == nil && s.Vault && s.Projects > 0, err == nil && s.BackupVerified
}

// mend does what rows that fail offer and says whether it did anything.
func mend(rows []doctor.Row) (did bool) {
	t := term.Std()
	for _, r := range rows {
		if r.State != doctor.Fail || !r.Fixable {
			continue
		}
		if err := r.Fix(); err != nil {
			t.Notef("%s: %v", r.ID, err)
			continue
		}
		t.Notef("%s: mended", r.ID)
		did = true
	}
	return did
}

func showRows(rows []doctor.Row, asJSON bool) error {
	t := term.Std()
	healthy := doctor.Healthy(rows)
	if asJSON {
		if err := t.JSON(map[string]any{"version": buildVersion, "healthy": healthy, "rows": rows}); err != nil {
			return err
		}
	} else {
		var table [][]string
		for _, r := range rows {
			table = append(table, []string{string(r.State), r.Title, r.Detail})
		}
		t.Table([]string{"state", "what", "found"}, table)
		for _, r := range rows {
			if len(r.Mend) > 0 {
				t.Notef("%s", fmt.Sprintf("%s: %s\n%s", r.State, r.Title, strings.Join(r.Mend, "\n")))
			}
		}
	}
	if !healthy {
		return &exitError{code: 1}
	}
	return nil
}
