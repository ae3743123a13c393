package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// listed is one line of secret list; it has no value.
type listed struct {
	Name        secret.Name `json:"name"`
	Environment string      `json:"environment"`
	Folder      string      `json:"folder"`
	Version     int         `json:"version"`
	UpdatedAt   api.Time    `json:"updatedAt"`
	Due         bool        `json:"due,omitempty"` // its reminder says so
}

func newSecretList() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List secrets by name, without values", Args: nothing,
		Example: "  bailey secret list\n  bailey secret list -e production --all --json",
	}
	w := readFlags(cmd)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "all folders, not only this directory's")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, client, err := w.open(cmd.Context())
		if err != nil {
			return err
		}
		if all {
			p.Folder = "/"
		}
		secrets, err := client.Names(cmd.Context(), p.ref(), all)
		if err != nil {
			return explainMissing(err, p)
		}
		return printList(secrets, asJSON)
	}
	return cmd
}

func printList(secrets []api.Secret, asJSON bool) error {
	out := make([]listed, 0, len(secrets))
	rows := make([][]string, 0, len(secrets))
	for i := range secrets {
		s := &secrets[i]
		note, due := "", s.SecretReminderRepeatDays != nil && *s.SecretReminderRepeatDays > 0 &&
			time.Since(s.UpdatedAt.Time) > time.Duration(*s.SecretReminderRepeatDays)*24*time.Hour
		if due {
			note = "due for a change"
		}
		out = append(out, listed{s.Key, s.Environment, s.Path, s.Version, s.UpdatedAt, due})
		rows = append(rows, []string{string(s.Key), s.Path, strconv.Itoa(s.Version), s.UpdatedAt.Local().Format(minute), note})
	}
	if asJSON {
		return term.Std().JSON(out)
	}
	term.Std().Table([]string{"name", "folder", "version", "changed", ""}, rows)
	return nil
}

// minute is how tables write a time.
const minute = "2006-01-02 15:04"
