package server

import (
	"encoding/hex"
	"maps"
	"net/http"
	"slices"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// openerFor makes of what a request brought what opens the vault.
func openerFor(k api.Key) (seal.Sealer, error) {
	switch {
	case k.FileKey != nil:
		b, err := hex.DecodeString(string(k.FileKey.Value().Reveal()))
		if err != nil || len(b) != seal.FileKeySize {
			return nil, api.Errorf(api.Invalid, "fileKey is not %d bytes in hex", seal.FileKeySize)
		}
		return seal.WithFileKey(k.Kind, secret.NewValue(b)), nil
	case k.Shares != nil:
		return seal.Shared(k.Shares.Value()), nil
	}
	return openerOf(k.Passphrase, k.RecoveryCode)
}

// addSeal adds a way to open the vault, or replaces one.
func (s *Server) addSeal(r *http.Request) (any, error) {
	var body api.NewSeal
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	under, answer, err := s.sealerFor(body)
	if err != nil {
		return nil, err
	}
	err = s.proven(r, body.Proof, func(v *vault.Vault, c vault.Caller) error { return v.Reseal(r.Context(), c, under) })
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (s *Server) sealerFor(body api.NewSeal) (seal.Sealer, any, error) {
	switch {
	case body.Kind == seal.KindPassphrase && body.Passphrase != nil:
		return s.sealer(body.Passphrase.Value()), nil, checkPassphrase(body.Passphrase.Value())
	case body.Kind == seal.KindRecovery:
		code, err := seal.NewCode()
		if err != nil {
			return nil, nil, err
		}
		return seal.Recovery(code), api.Recovery{Code: api.PlainString(code.Reveal())}, nil
	case body.Kind == seal.KindShares && body.Secret != nil:
		return seal.Shared(body.Secret.Value()), nil, nil
	case body.Kind == seal.KindPassphrase, body.Kind == seal.KindShares:
		return nil, nil, api.Required("passphrase")
	}
	to, err := agekey.Recipient(body.Recipient, nil)
	if err != nil {
		return nil, nil, api.Errorf(api.Invalid, "recipient: %s", err)
	}
	return seal.ForKey(body.Kind, to, seal.Note{How: seal.How(body.How), Data: body.Data, To: body.Recipient}), nil, nil
}

func (s *Server) removeSeal(r *http.Request) (any, error) {
	var body api.NewSeal
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	return nil, s.proven(r, body.Proof, func(v *vault.Vault, c vault.Caller) error {
		return v.RemoveSeal(r.Context(), c, body.Kind)
	})
}

// proven runs fn on the vault opened a second time with proof, whether it is
// open already or not.
func (s *Server) proven(r *http.Request, proof api.Key, fn func(*vault.Vault, vault.Caller) error) error {
	opener, err := openerFor(proof)
	if err != nil {
		return err
	}
	if _, err := s.open(r.Context()); err != nil {
		return err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	log, err := audit.Open(s.opts.AuditDir)
	if err != nil {
		return err
	}
	defer log.Close()
	second, err := vault.Open(r.Context(), s.opts.VaultDir, log)
	if err != nil {
		return err
	}
	defer second.Close()
	if err := second.Unlock(r.Context(), s.caller(r), opener); err != nil {
		return err
	}
	return fn(second, s.caller(r))
}

// rotate gives the vault new keys, sealed by what seals it now as far as that
// can be had: a passphrase comes with the request, a recovery code is made
// anew, keys have their recipient in their file, and shares go.
func (s *Server) rotate(r *http.Request) (any, error) {
	var body api.NewSeal
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	nothing := func(*vault.Vault, vault.Caller) error { return nil }
	if err := s.proven(r, body.Proof, nothing); err != nil {
		return nil, err
	}
	if err := s.openWith(r, body.Proof); err != nil {
		return nil, err
	}
	v, err := s.open(r.Context())
	if err != nil {
		return nil, err
	}
	files, err := v.SealFiles(r.Context())
	if err != nil {
		return nil, err
	}
	seals, answer, err := s.sealAgain(files, body)
	if err != nil {
		return nil, err
	}
	if err := v.Rotate(r.Context(), s.caller(r), seals...); err != nil {
		return nil, err
	}
	return answer, nil
}

func (s *Server) sealAgain(files map[string][]byte, body api.NewSeal) ([]vault.Sealer, api.Rotated, error) {
	var out []vault.Sealer
	var answer api.Rotated
	for _, kind := range slices.Sorted(maps.Keys(files)) {
		note, keyed := seal.ReadNote(files[kind])
		switch {
		case keyed:
			to, err := agekey.Recipient(note.To, nil)
			if err != nil {
				return nil, answer, api.Errorf(api.Invalid, "%s cannot be sealed for again: %s", kind, err).
					WithHint("remove it first: bailey vault seal rm %s", kind)
			}
			out = append(out, seal.ForKey(kind, to, note))
		case kind == seal.KindPassphrase:
			p := body.Passphrase
			if p == nil {
				p = body.Proof.Passphrase
			}
			if p == nil {
				return nil, answer, api.Required("passphrase")
			}
			if err := checkPassphrase(p.Value()); err != nil {
				return nil, answer, err
			}
			out = append(out, s.sealer(p.Value()))
		case kind == seal.KindRecovery:
			code, err := seal.NewCode()
			if err != nil {
				return nil, answer, err
			}
			answer.Code = api.PlainString(code.Reveal())
			out = append(out, seal.Recovery(code))
		case kind == seal.KindShares && body.Proof.Shares != nil:
			out = append(out, seal.Shared(body.Proof.Shares.Value()))
		default:
			answer.Dropped = append(answer.Dropped, kind)
		}
	}
	return out, answer, nil
}

// backup answers with an archive of the whole vault, verified before it goes.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	v, err := s.open(r.Context())
	if err == nil && v.Locked() {
		err = dialect.Locked()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := &started{ResponseWriter: w}
	w.Header().Set("Content-Type", "application/x-tar")
	if err := v.Backup(r.Context(), s.caller(r), s.opts.AuditDir, out); err != nil {
		if !out.yes {
			w.Header().Del("Content-Type")
			s.fail(w, r, err)
			return
		}
		s.opts.Logf("backup: %s", err)
		panic(http.ErrAbortHandler) // the client sees a connection that broke off
	}
}

// started knows whether anything of an answer has gone out.
type started struct {
	http.ResponseWriter
	yes bool
}

func (s *started) Write(b []byte) (int, error) {
	s.yes = true
	return s.ResponseWriter.Write(b)
}
