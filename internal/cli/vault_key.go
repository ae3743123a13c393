package cli

import (
	"context"
	"os"
	"slices"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// prove obtains what opens the vault for a change of how it opens: of a key
// file that was named, of the passphrase file, or from a person. A keyring
// that anybody's program may ask is no proof.
func prove(ctx context.Context, identity []string) (api.Key, error) {
	all, err := sealsHere()
	if err != nil {
		return api.Key{}, err
	}
	if len(identity) > 0 {
		return keyFile(all, identity)
	}
	if headless() {
		p, err := daemon.ReadPassphrase(os.Getenv(daemon.PassphraseVariable))
		plain := api.NewPlain(p)
		return api.Key{Passphrase: &plain}, err
	}
	t := term.Std()
	if !t.CanAsk() {
		return api.Key{}, api.Errorf(api.Denied, "there is no terminal to ask for what opens the vault on").
			WithHint("name a key with --identity FILE")
	}
	has := func(kind string) bool { return slices.ContainsFunc(all, func(s sealed) bool { return s.Name == kind }) }
	switch {
	case has(seal.KindPassphrase):
		p, err := t.Secret("Passphrase of the vault: ")
		plain := api.NewPlain(secret.NewValue(p))
		return api.Key{Passphrase: &plain}, err
	case has(seal.KindRecovery):
		c, err := t.Secret("Recovery code: ")
		plain := api.NewPlain(secret.NewValue(c))
		return api.Key{RecoveryCode: &plain}, err
	case has(seal.KindShares):
		return sharesKey()
	}
	return api.Key{}, api.Errorf(api.Denied, "name the key that opens the vault with --identity FILE")
}

// keyFile finds the seal that one of the named keys opens.
func keyFile(all []sealed, files []string) (api.Key, error) {
	ids, err := identities(files)
	if err != nil {
		return api.Key{}, err
	}
	for _, s := range all {
		if s.note.How != seal.HowKey {
			continue
		}
		if key, err := seal.FileKey(s.file, ids...); err == nil {
			return api.KeyOfFile(s.Name, key), nil
		}
	}
	return api.Key{}, api.Errorf(api.Denied, "that key opens none of the vault's seals").WithHint("list them with: bailey vault seal list")
}

// keyOf obtains the key of one seal by name, asking where it must.
func keyOf(ctx context.Context, s sealed) (api.Key, error) {
	var id age.Identity
	var err error
	switch {
	case s.note.How == seal.HowKeyring:
		id, err = seal.KeyringIdentity(ctx, s.note)
	case s.note.How == seal.HowTPM:
		var pin []byte
		if seal.NeedsPIN(s.note) {
			if pin, err = term.Std().Secret("PIN of the TPM: "); err != nil {
				return api.Key{}, err
			}
		}
		id, err = seal.TPMIdentity(tpmPath(), s.note, pin)
	case s.note.How == seal.HowKey:
		ids, err := identities(nil)
		if err != nil {
			return api.Key{}, err
		}
		return fileKey(s, ids...)
	case s.Name == seal.KindShares:
		return sharesKey()
	case s.Name == seal.KindRecovery:
		c, err := term.Std().Secret("Recovery code: ")
		plain := api.NewPlain(secret.NewValue(c))
		return api.Key{RecoveryCode: &plain}, err
	default:
		p, err := term.Std().Secret("Passphrase of the vault: ")
		plain := api.NewPlain(secret.NewValue(p))
		return api.Key{Passphrase: &plain}, err
	}
	if err != nil {
		return api.Key{}, api.Errorf(api.Denied, "%s: %s", s.Name, err)
	}
	return fileKey(s, id)
}

func fileKey(s sealed, ids ...age.Identity) (api.Key, error) {
	key, err := seal.FileKey(s.file, ids...)
	if err != nil {
		return api.Key{}, api.Errorf(api.Denied, "%s: %s", s.Name, err)
	}
	return api.KeyOfFile(s.Name, key), nil
}

// sharesKey asks for shares until there are enough.
func sharesKey() (api.Key, error) {
	t := term.Std()
	var shares []secret.Value
	for need := 1; len(shares) < need; {
		typed, err := t.Secret("Share: ")
		if err != nil {
			return api.Key{}, err
		}
		share, n, err := seal.ParseShare(string(typed))
		if err != nil {
			t.Notef("%s", err)
			continue
		}
		if slices.ContainsFunc(shares, share.Equal) {
			t.Notef("that share was typed already")
			continue
		}
		shares, need = append(shares, share), n
		if len(shares) < need {
			t.Notef("%d more", need-len(shares))
		}
	}
	text, err := seal.CombineShares(shares)
	if err != nil {
		return api.Key{}, api.Errorf(api.Denied, "%s", err)
	}
	plain := api.NewPlain(text)
	return api.Key{Kind: seal.KindShares, Shares: &plain}, nil
}

// openQuietly tries the ways that ask nobody: a keyring, a TPM without PIN.
func openQuietly(ctx context.Context, client *api.Client) bool {
	all, err := sealsHere()
	if err != nil {
		return false
	}
	for _, s := range all {
		quiet := s.note.How == seal.HowKeyring && seal.HasKeyring() || s.note.How == seal.HowTPM && !seal.NeedsPIN(s.note)
		if !quiet {
			continue
		}
		key, err := keyOf(ctx, s)
		if err == nil {
			err = client.UnlockWith(ctx, key)
		}
		if err == nil {
			return true
		}
		term.Std().Notef("%s does not open the vault: %s", s.Name, err)
	}
	return false
}
