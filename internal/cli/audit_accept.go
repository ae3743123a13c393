package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

// acceptWord is what a person types to go on without a whole record.
const acceptWord = "accept"

func newAuditAccept() *cobra.Command {
	return &cobra.Command{
		Use: "accept", Short: "Go on with a damaged record; that it was damaged stays on record", Args: nothing,
		Long: "Go on when records of the audit log were removed or changed, or when the vault is older\n" +
			"than its log. What is wrong is shown first, and nothing happens before you type a word.\n" +
			"The damaged log is kept beside a new one, whose first record says what was wrong. A\n" +
			"backup of both directories, put back together, is the better way where there is one.",
		Example: "  bailey audit accept",
		RunE:    func(cmd *cobra.Command, _ []string) error { return acceptAudit(cmd.Context()) },
	}
}

func acceptAudit(ctx context.Context) error {
	t := term.Std()
	switch {
	case !vault.Exists(home.Vault()):
		return api.Errorf(api.Missing, "there is no vault in %s", home.Vault())
	case !t.CanAsk():
		return api.Errorf(api.Denied, "only a person at a terminal can accept a damaged record").
			WithHint("run bailey audit accept on a terminal")
	}
	client := look()
	var passphrase secret.Value
	found, err := withPassphrase(ctx, func(p secret.Value) (api.Accepted, error) {
		passphrase = p
		return client.AcceptAudit(ctx, p, false)
	})
	if err != nil {
		return err
	}
	t.Notef("%s", found.Problem)
	t.Notef("the vault knows of %s. Whatever those that are missing or changed said can no longer be\n"+
		"trusted: whoever changed the log could write to your files. The values in the vault are whole.", plural(int(found.Records), "record"))
	answer, err := t.Ask("Type " + acceptWord + " to begin a new log that says so: ")
	if err != nil {
		return err
	}
	if answer != acceptWord {
		return api.Errorf(api.Denied, "not accepted; nothing was changed")
	}
	done, err := client.AcceptAudit(ctx, passphrase, true)
	if err != nil {
		return err
	}
	if done.Kept != "" {
		t.Notef("the damaged log is kept in %s", done.Kept)
	}
	t.Notef("a new audit log begins; its first record says what was wrong")
	t.Hintf("check everything else with: bailey audit verify")
	return nil
}
