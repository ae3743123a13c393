package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

func newAudit() *cobra.Command {
	return group("audit", "Show and verify the record of who asked for what", newAuditLog(), newAuditVerify(), newAuditAccept())
}

func newAuditLog() *cobra.Command {
	var q api.EventQuery
	var since time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use: "log", Short: "Show the record, oldest first", Args: nothing,
		Example: "  bailey audit log --since 24h\n  bailey audit log --action secret. --project shop --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := existing()
			if err != nil {
				return err
			}
			if since > 0 {
				q.Since = api.Time{Time: time.Now().Add(-since)}
			}
			events, err := client.Events(cmd.Context(), q)
			if err != nil {
				return err
			}
			return printEvents(events, asJSON)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&q.Limit, "limit", "n", 100, "at most the newest `number`")
	f.DurationVar(&since, "since", 0, "not older than this `duration`, such as 24h")
	f.StringVar(&q.Project, "project", "", "only this `project`")
	f.StringVar(&q.Session, "session", "", "only this agent `session`")
	f.StringVar(&q.Action, "action", "", "only this `action`, or all that begin with it when it ends in a dot")
	f.StringVar(&q.Outcome, "outcome", "", "only this `outcome`: intent, done, failed, denied")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printEvents(events []api.Event, asJSON bool) error {
	if asJSON {
		return term.Std().JSON(events)
	}
	rows := make([][]string, 0, len(events))
	for _, e := range events {
		rows = append(rows, []string{
			fmt.Sprint(e.Seq), e.Time.Local().Format("2006-01-02 15:04:05"), who(e), e.Action, e.Outcome, what(e),
		})
	}
	term.Std().Table([]string{"no", "when", "who", "action", "outcome", "what"}, rows)
	return nil
}

func who(e api.Event) string {
	switch {
	case e.Session != "":
		return "session " + e.Session
	case e.Pid != 0:
		return fmt.Sprintf("%s %d", e.Actor, e.Pid)
	}
	return e.Actor
}

// what joins the parts of an event that say what it was about.
func what(e api.Event) string {
	var parts []string
	if e.Project != "" {
		place := e.Project
		if e.Environment != "" {
			place += "/" + e.Environment
		}
		parts = append(parts, strings.TrimSuffix(place+e.Path, "/"))
	}
	for _, p := range []string{e.Name, e.Host, e.Detail} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	if e.Count > 0 {
		parts = append(parts, plural(e.Count, "secret"))
	}
	if e.Locked {
		parts = append(parts, "(recorded while locked)")
	}
	return strings.Join(parts, " ")
}

func newAuditVerify() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Check that no record and nothing in the vault was changed or removed", Args: nothing,
		Long: "Check every record of the audit log and everything in the vault. A record that was changed,\n" +
			"removed (also the last), repeated or moved is named, and the exit status is 20, as it is\n" +
			"when a file of the vault is gone, cut or exchanged.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := existing()
			if err != nil {
				return err
			}
			v, err := client.VerifyAudit(cmd.Context())
			if err != nil {
				return err
			}
			return printVerdict(v, asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printVerdict(v api.Verified, asJSON bool) error {
	t := term.Std()
	if asJSON {
		if err := t.JSON(v); err != nil {
			return err
		}
	}
	if v.Notice != "" {
		t.Notef("%s", v.Notice)
	}
	if !v.OK {
		return api.Errorf(api.Tampered, "%s", v.Problem).WithHint("%s", v.Hint)
	}
	if !asJSON {
		t.Printf("%d records and the whole vault are intact\n", v.Records)
	}
	return nil
}
