package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// sealTypes are what seal add makes.
var sealTypes = []string{"passphrase", "recovery", "key", "keyring", "tpm", "shares"}

// addition is what the flags of seal add ask for.
type addition struct {
	kind, name     string
	recipients     []string
	identity       []string
	pin            bool
	shares, needed int
}

func newSealAdd() *cobra.Command {
	var a addition
	cmd := &cobra.Command{
		Use: "add TYPE", Aliases: []string{"change"}, Short: "Add or change a way to open the vault", Args: exactly("TYPE"),
		Long: "Add a way to open the vault, or replace the one of that name. It asks for one that opens it now.\n\n" +
			"  passphrase  what you type; a new one replaces the old\n" +
			"  recovery    a new recovery code, shown once\n" +
			"  key         a key of age, ssh or a hardware token: --recipient age1…, id_ed25519.pub\n" +
			"  keyring     one item in the keyring of this system: opened when you are logged in\n" +
			"  tpm         the TPM of this machine, with --pin for one that it demands\n" +
			"  shares      --shares codes for as many people, --needed of whom open it together",
		Example: "  bailey vault seal add keyring\n  bailey vault seal add key --name yubikey -r age1yubikey1…\n" +
			"  bailey vault seal add shares --shares 5 --needed 3",
		ValidArgsFunction: fixed(sealTypes...),
	}
	f := cmd.Flags()
	f.StringVar(&a.name, "name", "", "`name` of a key, keyring or tpm (default: its type), for several")
	f.BoolVar(&a.pin, "pin", false, "have the TPM demand a PIN")
	f.IntVar(&a.shares, "shares", 3, "how many shares are made")
	f.IntVar(&a.needed, "needed", 2, "how many shares open the vault")
	recipientFlag(cmd, &a.recipients)
	identityFlag(cmd, &a.identity)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.kind = args[0]
		if !slices.Contains(sealTypes, a.kind) {
			return api.Usagef("%s is no way to open a vault: %v", a.kind, sealTypes)
		}
		return a.run(cmd.Context())
	}
	return cmd
}

func (a addition) run(ctx context.Context) error {
	proof, err := prove(ctx, a.identity)
	if err != nil {
		return err
	}
	s := api.NewSeal{Proof: proof, Kind: a.kind}
	undo, show := func() {}, func() {}
	switch a.kind {
	case "passphrase":
		var p secret.Value
		if p, err = newPassphrase(""); err == nil {
			plain := api.NewPlain(p)
			s.Passphrase = &plain
		}
	case "key":
		err = a.key(&s)
	case "keyring":
		undo, err = a.keyring(ctx, &s)
	case "tpm":
		err = a.tpm(&s)
	case "shares":
		show, err = a.split(&s)
	}
	if err != nil {
		return err
	}
	if a.name != "" {
		s.Kind = a.name
	}
	code, err := look().Seal(ctx, s)
	if err != nil {
		undo()
		return err
	}
	show()
	term.Std().Notef("the vault can be opened with %s", s.Kind)
	if a.kind == "recovery" {
		term.Std().Notef("this is the new recovery code, shown this once: write it on paper. The old one opens it no more.")
		term.Std().Show(code.Reveal())
	}
	return nil
}

func (a addition) key(s *api.NewSeal) error {
	keys, _, err := recipients(a.recipients)
	if err != nil {
		return err
	}
	if len(keys) != 1 {
		return api.Usagef("name one key with --recipient, and the next with another --name")
	}
	s.Recipient, s.How = keys[0], string(seal.HowKey)
	return nil
}

// keyring puts a key into the keyring; undo takes it out again.
func (a addition) keyring(ctx context.Context, s *api.NewSeal) (undo func(), err error) {
	to, note, forget, err := seal.KeepInKeyring(ctx)
	if err != nil {
		return nil, api.Errorf(api.Unavailable, "%s", err)
	}
	s.Recipient, s.How, s.Data = fmt.Sprint(to), string(note.How), note.Data
	return forget, nil
}

func (a addition) tpm(s *api.NewSeal) error {
	var pin []byte
	if a.pin {
		var err error
		if pin, err = term.Std().Secret("New PIN: "); err != nil {
			return err
		}
		again, err := term.Std().Secret("Once more: ")
		if err != nil {
			return err
		}
		if len(pin) == 0 || string(pin) != string(again) {
			return api.Errorf(api.Invalid, "the two are not the same, or empty")
		}
	}
	to, note, err := seal.KeepInTPM(tpmPath(), pin)
	if err != nil {
		return api.Errorf(api.Unavailable, "%s", err)
	}
	s.Recipient, s.How, s.Data = fmt.Sprint(to), string(note.How), note.Data
	return nil
}

// split makes shares; show prints them, once the vault knows them.
func (a addition) split(s *api.NewSeal) (show func(), err error) {
	text, shares, err := seal.NewShares(a.shares, a.needed)
	if err != nil {
		return nil, api.Usagef("--shares: %s", err)
	}
	p := api.NewPlain(text)
	s.Secret = &p
	return func() {
		t := term.Std()
		t.Notef("these are the shares, shown this once; any %d of the %d open the vault. Give each to another person.", a.needed, a.shares)
		for _, share := range shares {
			t.Show(share.Reveal())
		}
	}, nil
}

// offerKeyring has the keyring open the new vault too, where there is one and
// a person to say so. What does not work is said, and is no obstacle.
func offerKeyring(ctx context.Context, passphrase secret.Value, yes bool) error {
	t := term.Std()
	if yes || !t.CanAsk() || headless() || !seal.HasKeyring() {
		return nil
	}
	ok, err := t.Confirm("Also open it with this system's keyring, while you are logged in?", true)
	if err != nil || !ok {
		return err
	}
	plain := api.NewPlain(passphrase)
	s := api.NewSeal{Proof: api.Key{Passphrase: &plain}, Kind: "keyring"}
	undo, err := addition{}.keyring(ctx, &s)
	if err == nil {
		if _, err = look().Seal(ctx, s); err != nil {
			undo()
		}
	}
	if err != nil {
		t.Notef("the keyring is not used: %s", err)
		t.Hintf("later: bailey vault seal add keyring")
		return nil
	}
	t.Notef("the keyring opens the vault too; its one item is called \"bailey vault\"")
	return nil
}
