package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretRename() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename NAME NEW", Short: "Give a secret another name; its history comes along", Args: exactly("NAME", "NEW"),
		Example:           "  bailey secret rename STRIPE_KEY STRIPE_SECRET_KEY",
		ValidArgsFunction: completeNames,
	}
	w := placeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		to, err := secret.ParseName(args[1])
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
		_, err = client.Rename(cmd.Context(), p.secret(name), to)
		if api.IsCode(err, api.Exists) {
			return api.Errorf(api.Exists, "%s is set in %s already", to, p.Environment)
		}
		if err != nil {
			return explainMissing(err, p)
		}
		term.Std().Notef("%s is %s now in %s; other environments keep their names", name, to, p.Environment)
		return declare(p, []secret.Name{to})
	}
	return cmd
}

func newSecretMove() *cobra.Command {
	var folder, env string
	var keep, replace bool
	cmd := &cobra.Command{
		Use: "move NAME...", Short: "Move secrets to another folder or environment",
		Long: "Move secrets of this folder to another one, or to another environment, with comment and tags, in\n" +
			"one change; their history stays here. --copy sets their values there and leaves them here too.",
		Example:           "  bailey secret move DATABASE_URL --to-folder /api\n  bailey secret move STRIPE_SECRET_KEY --to-env staging --copy",
		ValidArgsFunction: completeNames,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("NAME")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	cmd.Flags().StringVar(&folder, "to-folder", "", "`folder` to move to (default: the same)")
	cmd.Flags().StringVar(&env, "to-env", "", "`environment` to move to (default: the same)")
	cmd.Flags().BoolVar(&keep, "copy", false, "leave them here too")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace secrets that are there already")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		from, err := w.locateToChange()
		if err != nil {
			return err
		}
		to := from
		if folder != "" {
			to.Folder = folder
		}
		if env != "" {
			to.Environment = environmentName(env)
		}
		switch {
		case !manifest.ValidFolder(to.Folder):
			return api.Usagef("--to-folder: a folder of the vault looks like /api/worker")
		case to.Folder == from.Folder && to.Environment == from.Environment:
			return api.Usagef("move: say where to with --to-folder or --to-env")
		}
		if err := changeable(to); err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		items, ids, err := collect(cmd, client, from, to, args, replace)
		if err != nil {
			return err
		}
		if to.Folder != "/" {
			if err := adoption.MakeFolder(cmd.Context(), client, to.ref()); err != nil {
				return explainMissing(err, to)
			}
		}
		if keep {
			_, err = client.Put(cmd.Context(), to.ref(), items)
		} else {
			err = client.Move(cmd.Context(), from.ref(), to.ref(), ids, replace)
		}
		for _, it := range items {
			if err == nil {
				term.Std().Notef("%s is in %s, folder %s", it.Name, to.Environment, to.Folder)
			}
		}
		return explainMissing(err, to)
	}
	return cmd
}

// collect reads what is to be moved, before anything is changed.
func collect(cmd *cobra.Command, client *api.Client, from, to place, names []string, replace bool) (items []api.Item, ids []string, err error) {
	for _, arg := range names {
		name, err := secret.ParseName(arg)
		if err != nil {
			return nil, nil, api.Usagef("%s", err)
		}
		s, err := client.Secret(cmd.Context(), from.secret(name), 0)
		if err != nil {
			return nil, nil, explainMissing(err, from)
		}
		_, err = client.Secret(cmd.Context(), to.secret(name), 0)
		switch {
		case err == nil && !replace:
			return nil, nil, api.Errorf(api.Exists, "%s is set in %s, folder %s; nothing is moved", name, to.Environment, to.Folder).
				WithHint("to replace it: --replace")
		case err != nil && !api.IsCode(err, api.Missing):
			return nil, nil, err
		}
		it := api.NewItem(name, s.Value())
		it.References = !s.Literal
		items, ids = append(items, it), append(ids, s.ID)
	}
	return items, ids, nil
}
