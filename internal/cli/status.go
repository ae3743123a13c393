package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

// backupPatience is how long a vault may hold secrets without anybody having
// proved to have the recovery code.
const backupPatience = 7 * 24 * time.Hour

// overview is what status prints; its JSON is stable.
type overview struct {
	Project     string `json:"project,omitempty"`
	Root        string `json:"root,omitempty"`
	Environment string `json:"environment,omitempty"`
	Folder      string `json:"folder,omitempty"`
	Confirmed   bool   `json:"confirmed"` // bailey.yaml, for agents
	// Pending are names that .env.example asks for and bailey.yaml lacks.
	Pending  []string `json:"pending"`
	Vault    bool     `json:"vault"`
	Locked   bool     `json:"locked"`
	Daemon   bool     `json:"daemon"`
	Pid      int      `json:"pid,omitempty"`
	Version  string   `json:"version"`
	Projects int      `json:"projects"`
	// Sessions are those that run now, with the layers they achieved.
	Sessions []session.Stored `json:"sessions"`
	// BackupVerified says that a person proved to have the recovery code.
	BackupVerified bool     `json:"backupVerified"`
	Warnings       []string `json:"warnings"`
}

func newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show project, vault, daemon and sessions", Args: nothing,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := overview{Version: buildVersion, Warnings: []string{}, Pending: []string{}, Sessions: running()}
			o.lookAtProject()
			if err := o.lookAtVault(cmd.Context()); err != nil {
				return err
			}
			damage := vaultWhole(cmd.Context())
			if api.IsCode(damage, api.Missing) {
				damage = nil
			}
			if !asJSON {
				o.print()
				return damage
			}
			if damage != nil {
				o.warn(damage.Error())
			}
			return errors.Join(term.Std().JSON(o), damage)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// running lists the sessions that run now.
func running() []session.Stored {
	all, err := session.List()
	if err != nil {
		return []session.Stored{}
	}
	return slices.DeleteFunc(append([]session.Stored{}, all...), func(s session.Stored) bool { return !s.Running })
}

func (o *overview) warn(text string) { o.Warnings = append(o.Warnings, text) }

func (o *overview) lookAtProject() {
	w := where{environment: development}
	root, ok := manifestHere()
	if !ok {
		return
	}
	o.Root = root
	m, err := manifest.Load(root)
	if err != nil {
		o.warn(err.Error())
		return
	}
	o.Project, o.Environment = m.Project, development
	o.Confirmed = manifest.Confirmed(root, m.Hash())
	if bound, ok := manifest.Bound(root); !ok || bound != m.Project {
		o.warn("this repository was not given the secrets of project " + m.Project + " (bailey init)")
		return
	}
	if p, err := w.find(); err == nil {
		o.Folder, o.Pending = p.Folder, pending(p)
	}
	if !o.Confirmed {
		o.warn("bailey.yaml changed since you confirmed it: the next agent asks")
	}
}

// lookAtVault asks the daemon if there is one; it starts none and asks for no
// passphrase.
func (o *overview) lookAtVault(ctx context.Context) error {
	o.Vault, o.Locked = vault.Exists(home.Vault()), true
	client := api.Dial(home.Socket())
	if headless() {
		client = look()
	}
	s, err := client.Status(ctx)
	switch {
	case api.IsCode(err, api.Unavailable):
		return nil
	case err != nil:
		return err
	}
	o.Daemon, o.Pid = !headless(), s.Pid
	o.Vault, o.Locked, o.Projects = s.Vault, s.Locked, s.Projects
	o.BackupVerified = s.BackupVerified
	if s.Vault && !s.CodeShown {
		o.warn("nobody has taken down the recovery code yet: bailey init shows a new one")
	} else if s.Vault && s.Projects > 0 && !s.BackupVerified && time.Since(s.CreatedAt.Time) > backupPatience {
		o.warn("nobody has proved to have the recovery code yet: without it and the passphrase all secrets are lost (bailey recover proves it)")
	}
	return nil
}

func (o *overview) print() {
	rows := [][]string{}
	add := func(what, value string) {
		if value != "" {
			rows = append(rows, []string{what, value})
		}
	}
	project := o.Project
	if project == "" {
		project = "none here (bailey init)"
	}
	add("project", project)
	if o.Project != "" {
		add("directory", o.Root)
		add("environment", o.Environment+" (others with -e)")
		add("folder", o.Folder)
	}
	if len(o.Pending) > 0 {
		add("pending", strings.Join(o.Pending, ", ")+" (asked for by "+exampleFile+"; bailey secret set NAME)")
	}
	add("vault", o.vaultState())
	for _, s := range o.Sessions {
		add("session "+s.ID, s.Program+" in "+s.Root+": "+s.Regime.String())
	}
	t := term.Std()
	t.Table([]string{"what", "state"}, rows)
	for _, w := range o.Warnings {
		t.Notef("%s", w)
	}
}

func (o *overview) vaultState() string {
	switch {
	case !o.Vault:
		return "none yet (bailey init)"
	case headless():
		return "opened by each command with the passphrase file"
	case !o.Daemon:
		return "locked; no daemon runs"
	case o.Locked:
		return "locked (bailey unlock)"
	}
	return "unlocked, " + plural(o.Projects, "project")
}
