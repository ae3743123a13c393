package server

import (
	"errors"
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// MinPassphrase is the shortest passphrase accepted, in bytes. It is all that
// stands between a copied vault and its values.
const MinPassphrase = 8

func (s *Server) unlock(r *http.Request) (any, error) {
	var body api.Key
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	return nil, s.openWith(r, body)
}

// openWith unlocks the vault; one that is open stays as it is.
func (s *Server) openWith(r *http.Request, k api.Key) error {
	opener, err := openerFor(k)
	if err != nil {
		return err
	}
	v, err := s.open(r.Context())
	if err != nil {
		return err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	if !v.Locked() {
		return nil
	}
	return v.Unlock(r.Context(), s.caller(r), opener)
}

func openerOf(passphrase, code *api.Plain) (seal.Sealer, error) {
	switch {
	case code != nil:
		c, err := seal.ParseCode(string(code.Value().Reveal()))
		if err != nil {
			return nil, api.Errorf(api.Invalid, "%s", err)
		}
		return seal.Recovery(c), nil
	case passphrase != nil:
		return seal.Passphrase(passphrase.Value()), nil
	}
	return nil, api.Required("passphrase")
}

// lock wipes the keys, ends the leases, answers, and then lets the daemon end
// its process: only that frees what Go copied.
func (s *Server) lock(w http.ResponseWriter, r *http.Request) {
	// An unlock that came in now would be lost with this process.
	s.ending.Store(s.opts.OnLock != nil)
	s.mu.RLock()
	if s.vault != nil {
		s.vault.Lock()
	}
	s.mu.RUnlock()
	s.leases.end()
	s.reply(w, r, http.StatusOK, struct{}{})
	if s.opts.OnLock != nil {
		go s.opts.OnLock()
	}
}

// createVault makes the vault. Its recovery code is in this one answer only.
func (s *Server) createVault(r *http.Request) (any, error) {
	var body api.NewVault
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if err := checkPassphrase(body.Passphrase.Value()); err != nil {
		return nil, err
	}
	code, err := seal.NewCode()
	if err != nil {
		return nil, err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault != nil || vault.Exists(s.opts.VaultDir) {
		return nil, api.Errorf(api.Exists, "there is a vault already in %s", s.opts.VaultDir)
	}
	v, log, err := vault.Make(r.Context(), s.dirs(), s.caller(r), s.sealer(body.Passphrase.Value()), seal.Recovery(code))
	if err != nil {
		return nil, err
	}
	s.vault, s.log = v, log
	return api.Recovery{Code: api.PlainString(code.Reveal())}, nil
}

func (s *Server) dirs() vault.Dirs { return vault.Dirs{Vault: s.opts.VaultDir, Audit: s.opts.AuditDir} }

// newRecoveryCode replaces the recovery code. The passphrase has to come along,
// except for a vault whose code was on nobody's screen: the command that made
// the vault ended first.
func (s *Server) newRecoveryCode(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Key
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	info, err := v.Info(r.Context())
	switch {
	case err != nil:
		return nil, err
	case body.Passphrase != nil:
		if err := v.Opens(r.Context(), seal.Passphrase(body.Passphrase.Value())); err != nil {
			return nil, err
		}
	case !info.RecoveryShown.IsZero():
		return nil, api.Errorf(api.Denied, "this vault's recovery code was shown already").
			WithHint("with the passphrase: bailey recover --new-code")
	}
	code, err := seal.NewCode()
	if err != nil {
		return nil, err
	}
	if err := v.Reseal(r.Context(), s.caller(r), seal.Recovery(code)); err != nil {
		return nil, err
	}
	return api.Recovery{Code: api.PlainString(code.Reveal())}, nil
}

func (s *Server) sealer(p secret.Value) seal.Sealer {
	if s.opts.Cost > 0 {
		return seal.PassphraseWithCost(p, s.opts.Cost)
	}
	return seal.Passphrase(p)
}

func checkPassphrase(p secret.Value) error {
	if p.Len() < MinPassphrase {
		return api.Errorf(api.Invalid, "the passphrase is too short: at least %d bytes", MinPassphrase)
	}
	return nil
}

// recoverVault sets a new passphrase. It opens the vault a second time, so
// that the code is tried also when the vault is open already.
func (s *Server) recoverVault(r *http.Request) (any, error) {
	var body api.NewVault
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.RecoveryCode == nil {
		return nil, api.Required("recoveryCode")
	}
	if err := checkPassphrase(body.Passphrase.Value()); err != nil {
		return nil, err
	}
	proof := api.Key{RecoveryCode: body.RecoveryCode}
	err := s.proven(r, proof, func(v *vault.Vault, c vault.Caller) error {
		if err := v.Reseal(r.Context(), c, s.sealer(body.Passphrase.Value())); err != nil {
			return err
		}
		return v.MarkRecoveryVerified(r.Context(), c)
	})
	if err != nil {
		return nil, err
	}
	return nil, s.openWith(r, proof)
}

func (s *Server) recoveryShown(v *vault.Vault, r *http.Request) (any, error) {
	if err := s.proof(v, r); err != nil {
		return nil, err
	}
	return nil, v.MarkRecoveryShown(r.Context(), s.caller(r))
}

func (s *Server) recoveryVerified(v *vault.Vault, r *http.Request) (any, error) {
	if err := s.proof(v, r); err != nil {
		return nil, err
	}
	return nil, v.MarkRecoveryVerified(r.Context(), s.caller(r))
}

// proof tries the code that a person has: of two inits at once, the one that
// came first shows a code that the other has replaced.
func (s *Server) proof(v *vault.Vault, r *http.Request) error {
	var body api.Recovery
	if err := dialect.Read(r, &body); err != nil {
		return err
	}
	opener, err := openerOf(nil, &body.Code)
	if err != nil {
		return err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	err = v.Opens(r.Context(), opener)
	if errors.Is(err, vault.ErrDenied) {
		return api.Errorf(api.Denied, "this recovery code is not the vault's: another command has replaced it").
			WithHint("the one that was shown last counts; go on with: bailey init")
	}
	return err
}
