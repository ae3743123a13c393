package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
)

func newSession() *cobra.Command {
	return group("session", "What agents did: list, log, diff, restore, stop, finish",
		newSessionList(), newSessionLog(), newSessionDiff(), newSessionRestore(), newSessionStop(), newSessionFinish())
}

func newSessionList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List sessions, newest first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := session.List()
			if err != nil {
				return err
			}
			if asJSON {
				return term.Std().JSON(append([]session.Stored{}, all...))
			}
			var rows [][]string
			for _, s := range all {
				rows = append(rows, []string{s.ID, s.Started.Local().Format(time.DateTime), state(s), s.Program,
					strconv.Itoa(len(s.Changes)), s.Root})
			}
			term.Std().Table([]string{"session", "started", "state", "program", "changed", "project"}, rows)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	return cmd
}

func state(s session.Stored) string {
	switch {
	case s.Running:
		return "running"
	case s.Ended.IsZero() && s.Pending:
		return "killed, to apply"
	case s.Ended.IsZero():
		return "killed"
	case s.Pending:
		return fmt.Sprintf("exit %d, to apply", s.Exit)
	}
	return fmt.Sprintf("exit %d", s.Exit)
}

// oneSession adds what log, diff and stop share: an optional id, the newest
// session when it is missing.
func oneSession(use, short string, do func(cmd *cobra.Command, s session.Stored, asJSON bool) error) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: use + " [SESSION]", Short: short, Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := session.Find(append(args, "")[0])
			if err != nil {
				return err
			}
			return do(cmd, s, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	return cmd
}

func completeSessions(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, _ := session.List()
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func newSessionLog() *cobra.Command {
	return oneSession("log", "Show what a session did and was refused", func(_ *cobra.Command, s session.Stored, asJSON bool) error {
		events, err := s.Events()
		if err != nil {
			return err
		}
		if asJSON {
			return term.Std().JSON(append([]api.Event{}, events...))
		}
		var rows [][]string
		for _, e := range events {
			rows = append(rows, []string{e.Time.Local().Format(time.TimeOnly), e.Action, e.Outcome, e.Detail})
		}
		term.Std().Table([]string{"time", "what", "outcome", "detail"}, rows)
		return nil
	})
}

func newSessionDiff() *cobra.Command {
	return oneSession("diff", "List the files a session changed, and which of them your tools execute", func(cmd *cobra.Command, s session.Stored, asJSON bool) error {
		if s.Pending {
			return waitingDiff(cmd.Context(), s, asJSON)
		}
		if asJSON {
			return term.Std().JSON(map[string]any{"session": s.ID, "changes": s.Changes, "refs": s.Refs, "moved": s.Moved()})
		}
		var rows [][]string
		for _, c := range s.Changes {
			note := ""
			if c.Executes != "" {
				note = "executed: " + c.Executes
			}
			rows = append(rows, []string{fmt.Sprint(c.Kind), c.Path, note})
		}
		for _, m := range s.Moved() {
			rows = append(rows, []string{"moved away", m.Name, m.Reason})
		}
		for _, r := range s.Refs {
			rows = append(rows, []string{"git", r, ""})
		}
		term.Std().List(rows)
		return nil
	})
}

func newSessionStop() *cobra.Command {
	return oneSession("stop", "Interrupt a running session, as ^C does", func(cmd *cobra.Command, s session.Stored, _ bool) error {
		if !s.Running {
			return api.Errorf(api.Missing, "session %s does not run", s.ID)
		}
		return s.Stop(cmd.Context())
	})
}

func newSessionFinish() *cobra.Command {
	return oneSession("finish", "Bring home the commits of a session that was killed", func(cmd *cobra.Command, s session.Stored, _ bool) error {
		return s.Finish(cmd.Context(), term.Std())
	})
}
