package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

func newIdentity() *cobra.Command {
	return group("identity", "Let machines ask over the network: who, and what they may",
		newIdentityAdd(), newIdentityList(), newIdentityGrant(), newIdentityKey(), newIdentityRm())
}

// projectRoles are those that every project has.
var projectRoles = []string{"viewer", "member", "admin", "no-access"}

// credentials are what a machine logs in with.
type credentials struct {
	Name         string    `json:"name"`
	ClientID     string    `json:"clientId"`
	ClientSecret api.Plain `json:"clientSecret"`
}

func showCredentials(c credentials, asJSON bool) error {
	t := term.Std()
	if asJSON {
		return t.JSON(c)
	}
	t.Printf("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=%s\nINFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=%s\n", c.ClientID, c.ClientSecret.Value().Reveal())
	t.Notef("the client secret is shown this once and kept nowhere")
	return nil
}

func newIdentityAdd() *cobra.Command {
	var role, org string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Make a machine identity and print its credentials", Args: exactly("NAME"),
		Long: "Make a machine identity with universal auth, give it a role in the project, and print its\n" +
			"client id and client secret: to standard output, so that they can go straight into a file or\n" +
			"another program. Over the network it can then ask: bailey server.",
		Example: "  bailey identity add ci --role viewer > ci.env",
	}
	w := projectFlag(cmd)
	cmd.Flags().StringVar(&role, "role", "viewer", "`role` in the project: "+strings.Join(projectRoles, ", ")+", or one of its own")
	cmd.Flags().StringVar(&org, "organisation", "no-access", "`role` in the organisation: no-access, member (makes projects), admin (makes identities)")
	_ = cmd.RegisterFlagCompletionFunc("role", fixed(projectRoles...))
	_ = cmd.RegisterFlagCompletionFunc("organisation", fixed("no-access", "member", "admin"))
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			ctx := cmd.Context()
			id, clientID, err := client.CreateIdentity(ctx, args[0], org)
			if err != nil {
				return err
			}
			if err := client.Grant(ctx, p.Project, id.ID, role); err != nil {
				_ = client.DeleteIdentity(ctx, id.ID)
				return err
			}
			key, err := client.CreateClientSecret(ctx, id.ID, "")
			if err != nil {
				return err
			}
			term.Std().Notef("%s is %s of project %s", args[0], role, p.Project)
			return showCredentials(credentials{args[0], clientID, key}, asJSON)
		})
	}
	return cmd
}

// identityOf finds one by name or id.
func identityOf(ctx context.Context, client *api.Client, which string) (found api.Identity, err error) {
	list, err := client.Identities(ctx)
	if err != nil {
		return found, err
	}
	n := 0
	for _, i := range list {
		if i.ID == which || i.Name == which {
			found, n = i, n+1
		}
	}
	switch n {
	case 0:
		return found, api.Errorf(api.Missing, "there is no identity %q", which).WithHint("what there is: bailey identity list")
	case 1:
		return found, nil
	}
	return found, api.Errorf(api.Invalid, "%d identities are called %q", n, which).WithHint("say which by its id: bailey identity list --json")
}

func newIdentityList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List machine identities", Args: nothing}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		client, err := existing()
		if err != nil {
			return err
		}
		list, err := client.Identities(cmd.Context())
		if err != nil || asJSON {
			return firstError(err, func() error { return term.Std().JSON(list) })
		}
		rows := [][]string{}
		for _, i := range list {
			rows = append(rows, []string{i.Name, i.Role, strings.Join(i.Methods, " "), i.ID})
		}
		term.Std().Table([]string{"name", "organisation", "logs in by", "id"}, rows)
		return nil
	}
	return cmd
}

func newIdentityGrant() *cobra.Command {
	cmd := &cobra.Command{
		Use: "grant NAME ROLE", Short: "Give an identity another role in the project", Args: exactly("NAME", "ROLE"),
		Example: "  bailey identity grant ci member\n  bailey identity grant ci no-access",
	}
	w := projectFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			i, err := identityOf(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			if err := client.Grant(cmd.Context(), p.Project, i.ID, args[1]); err != nil {
				return err
			}
			term.Std().Notef("%s is %s of project %s", i.Name, args[1], p.Project)
			return nil
		})
	}
	return cmd
}

func newIdentityKey() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "key NAME", Short: "Make another client secret for an identity", Args: exactly("NAME")}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := existing()
		if err != nil {
			return err
		}
		i, err := identityOf(cmd.Context(), client, args[0])
		if err != nil {
			return err
		}
		clientID, err := client.ClientID(cmd.Context(), i.ID)
		if err != nil {
			return err
		}
		key, err := client.CreateClientSecret(cmd.Context(), i.ID, "")
		return firstError(err, func() error { return showCredentials(credentials{i.Name, clientID, key}, asJSON) })
	}
	return cmd
}

func newIdentityRm() *cobra.Command {
	cmd := &cobra.Command{Use: "rm NAME", Short: "Remove an identity: its tokens and client secrets end at once", Args: exactly("NAME")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := existing()
		if err != nil {
			return err
		}
		i, err := identityOf(cmd.Context(), client, args[0])
		if err == nil {
			err = client.DeleteIdentity(cmd.Context(), i.ID)
		}
		return firstError(err, func() error { term.Std().Notef("identity %s is removed", i.Name); return nil })
	}
	return cmd
}
