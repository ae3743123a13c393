package cli

import (
	"bytes"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretEdit() *cobra.Command {
	cmd := &cobra.Command{
		Use: "edit [NAME]", Short: "Edit one secret, or a folder of them, in memory",
		Long: "Start $VISUAL or $EDITOR on the value of NAME, or on the whole folder as dotenv. The file lies in\n" +
			"memory, in a directory of your own, and is wiped after. What changed gets a new version; what is\n" +
			"no longer in the file is removed after a question.",
		Example:           "  bailey secret edit\n  EDITOR=\"code --wait\" bailey secret edit TLS_KEY -e staging",
		ValidArgsFunction: completeNames,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("NAME")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := w.locateToChange()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return editOne(cmd, client, p, args[0])
		}
		return editAll(cmd, client, p)
	}
	return cmd
}

func editOne(cmd *cobra.Command, client *api.Client, p place, arg string) error {
	name, err := secret.ParseName(arg)
	if err != nil {
		return api.Usagef("%s", err)
	}
	s, err := client.Secret(cmd.Context(), p.secret(name), 0)
	if err != nil && !api.IsCode(err, api.Missing) {
		return err
	}
	before := s.Value().Reveal()
	after, err := edit(cmd.Context(), string(name), before)
	if err != nil {
		return err
	}
	defer clear(after)
	if !bytes.HasSuffix(before, []byte("\n")) { // editors end a file with a line end
		after = bytes.TrimSuffix(after, []byte("\n"))
	}
	if bytes.Equal(before, after) {
		term.Std().Notef("nothing was changed")
		return nil
	}
	return setSecret(cmd.Context(), p, api.NewItem(name, secret.NewValue(after)), setting{literal: s.Literal})
}

func editAll(cmd *cobra.Command, client *api.Client, p place) error {
	list, err := client.Secrets(cmd.Context(), p.ref(), false)
	if err != nil {
		return explainMissing(err, p)
	}
	items := make([]exchange.Item, len(list))
	for i := range list {
		items[i] = exchange.Item{Name: list[i].Key, Value: list[i].Value()}
	}
	before, err := exchange.Encode(exchange.Dotenv, items)
	if err != nil {
		return api.Errorf(api.Invalid, "%s", err)
	}
	defer clear(before)
	after, err := edit(cmd.Context(), p.Project+"."+p.Environment+".env", before)
	if err != nil {
		return err
	}
	defer clear(after)
	now, err := exchange.Decode(exchange.Dotenv, after)
	if err != nil {
		return api.Errorf(api.Invalid, "what was saved is not read: %s; nothing is changed", err)
	}
	changed, removed := difference(items, now)
	if len(changed)+len(removed) == 0 {
		term.Std().Notef("nothing was changed")
		return nil
	}
	if len(changed) > 0 {
		if err := storeItems(cmd.Context(), client, p, asBefore(list, changed)); err != nil {
			return err
		}
	}
	return removeAll(cmd, client, p, removed)
}

// asBefore has ${ mean in changed what it meant before the edit, and in what is
// new a reference, as with secret set.
func asBefore(before []api.Secret, changed []exchange.Item) []api.Item {
	out := make([]api.Item, len(changed))
	for i, it := range changed {
		out[i] = api.NewItem(it.Name, it.Value)
		out[i].References = !slices.ContainsFunc(before, func(s api.Secret) bool { return s.Key == it.Name && s.Literal })
	}
	return out
}

// difference is what an edit changed or added, and which names it took out.
func difference(before, after []exchange.Item) (changed []exchange.Item, removed []secret.Name) {
	at := func(items []exchange.Item, name secret.Name) int {
		return slices.IndexFunc(items, func(it exchange.Item) bool { return it.Name == name })
	}
	for _, it := range after {
		if i := at(before, it.Name); i < 0 || !before[i].Value.Equal(it.Value) {
			changed = append(changed, it)
		}
	}
	for _, it := range before {
		if at(after, it.Name) < 0 {
			removed = append(removed, it.Name)
		}
	}
	return changed, removed
}

func removeAll(cmd *cobra.Command, client *api.Client, p place, names []secret.Name) error {
	t := term.Std()
	for _, name := range names {
		if !t.CanAsk() {
			t.Notef("%s is no longer in the file; remove it with: bailey secret rm %s -e %s", name, name, p.Environment)
			continue
		}
		yes, err := t.Confirm("Remove "+string(name)+" from "+p.Environment+"?", false)
		if err != nil {
			return err
		}
		if !yes {
			continue
		}
		if _, err := client.Delete(cmd.Context(), p.secret(name)); err != nil {
			return err
		}
		t.Notef("%s is removed from %s; its history stays", name, p.Environment)
	}
	return nil
}
