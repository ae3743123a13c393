package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// noted is what stands beside a value.
type noted struct {
	Name         secret.Name `json:"name"`
	Comment      string      `json:"comment"`
	Tags         []string    `json:"tags"`
	ReminderDays int         `json:"reminderDays"`
	UpdatedAt    api.Time    `json:"updatedAt"`
}

func newSecretNote() *cobra.Command {
	var comment string
	var tags []string
	var days int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "note NAME", Short: "Show or change a secret's comment, tags and reminder", Args: exactly("NAME"),
		Long:              "Show what stands beside a secret's value, or change it. It is sealed like the value.",
		Example:           "  bailey secret note STRIPE_SECRET_KEY --comment 'restricted key' --tag payment --remind 90",
		ValidArgsFunction: completeNames,
	}
	w := placeFlags(cmd)
	cmd.Flags().StringVar(&comment, "comment", "", "`text`; empty removes it")
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "all `tags` that it has; empty removes them")
	cmd.Flags().IntVar(&days, "remind", 0, "say in secret list when it has not changed for `days`; 0 never")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, err := w.locateToChange()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		ch := api.Write{Key: name}
		changed := cmd.Flags().Changed
		if changed("comment") {
			ch.Comment = &comment
		}
		if changed("remind") {
			ch.ReminderRepeatDays = &days
		}
		if changed("tag") {
			ch.TagIDs = []string{}
			for _, slug := range tags {
				t, err := client.Tag(cmd.Context(), p.Project, slug)
				if err != nil {
					return err
				}
				ch.TagIDs = append(ch.TagIDs, t.ID)
			}
		}
		if changed("comment") || changed("remind") || changed("tag") {
			if _, err := client.Set(cmd.Context(), p.ref(), ch); err != nil {
				return explainMissing(err, p)
			}
		}
		return showNote(cmd, client, p, name, asJSON)
	}
	return cmd
}

func showNote(cmd *cobra.Command, client *api.Client, p place, name secret.Name, asJSON bool) error {
	list, err := client.Names(cmd.Context(), p.ref(), false)
	if err != nil {
		return explainMissing(err, p)
	}
	for i := range list {
		s := &list[i]
		if s.Key != name {
			continue
		}
		n := noted{Name: name, Comment: s.Comment, Tags: []string{}, UpdatedAt: s.UpdatedAt}
		for _, t := range s.Tags {
			n.Tags = append(n.Tags, t.Slug)
		}
		if s.SecretReminderRepeatDays != nil {
			n.ReminderDays = *s.SecretReminderRepeatDays
		}
		if asJSON {
			return term.Std().JSON(n)
		}
		rows := [][]string{{"comment", n.Comment}}
		for _, t := range n.Tags {
			rows = append(rows, []string{"tag", t})
		}
		if n.ReminderDays > 0 {
			rows = append(rows, []string{"reminder", plural(n.ReminderDays, "day") + " after a change"})
		}
		term.Std().Table([]string{"beside " + string(name), ""}, rows)
		return nil
	}
	return explainMissing(api.Errorf(api.Missing, "%s has no secret %s", p.Environment, name), p)
}
