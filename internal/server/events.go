package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// maxEvents is how many events one request may record.
const maxEvents = 1000

// reserved are the nouns of actions that only the vault itself records.
func reserved(action string) bool {
	noun, _, _ := strings.Cut(action, ".")
	switch noun {
	case "vault", "project", "environment", "folder", "secret", "secrets", "original", "originals", "audit",
		"organisation", "identity", "universal-auth", "token-auth", "client-secret", "token", "member", "role", "service-token", "tag", "import", "events":
		return true
	}
	return false
}

// record appends events of a session. The peer's pid is the kernel's word.
func (s *Server) record(v *vault.Vault, r *http.Request) (any, error) {
	var body struct{ Events []api.Event }
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if len(body.Events) > maxEvents {
		return nil, api.Errorf(api.Invalid, "at most %d events at once", maxEvents)
	}
	c := s.caller(r)
	for i, e := range body.Events {
		if e.Action == "" || reserved(e.Action) {
			return nil, api.Errorf(api.Invalid, "event %d: action %q cannot be recorded from outside", i+1, e.Action)
		}
		add := s.log.Append
		if i == len(body.Events)-1 {
			add = s.log.AppendSync
		}
		if _, err := add(r.Context(), dialect.EventOf(e, c)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (s *Server) events(v *vault.Vault, r *http.Request) (any, error) {
	f, err := dialect.FilterOf(r)
	if err != nil {
		return nil, err
	}
	records, err := s.log.List(r.Context(), f)
	if err != nil {
		return nil, err
	}
	out := make([]api.Event, 0, len(records))
	for _, rec := range records {
		out = append(out, dialect.Event(rec))
	}
	return struct {
		Events []api.Event `json:"events"`
	}{out}, nil
}

// verifyAudit checks every record of the log and then everything in the
// vault. Tampering is the answer, not a failure to answer.
func (s *Server) verifyAudit(r *http.Request) (any, error) {
	v, err := s.open(r.Context())
	if err != nil {
		return verdict(api.Verified{}, err)
	}
	if v.Locked() {
		return nil, dialect.Locked()
	}
	report, err := s.log.Verify(r.Context())
	out := api.Verified{OK: true, Records: uint64(report.Records), Notice: report.Notice}
	if err == nil {
		err = v.Verify(r.Context())
	}
	return verdict(out, err)
}

// acceptAudit says what is wrong with a damaged audit log or, when told to,
// begins a new one that says so.
func (s *Server) acceptAudit(r *http.Request) (any, error) {
	var body api.Acceptance
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	opener, err := openerOf(body.Passphrase, nil)
	if err != nil {
		return nil, err
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault != nil && body.Accept { // it rests on the log that is to go
		s.leases.end()
		_, _ = s.vault.Close(), s.log.Close()
		s.vault, s.log = nil, nil
	}
	if !vault.Exists(s.opts.VaultDir) {
		return nil, noVault()
	}
	found, err := vault.Accept(r.Context(), s.dirs(), s.caller(r), opener, body.Accept)
	return api.Accepted{Problem: found.Problem, Records: uint64(found.Known), Kept: found.Kept}, err
}

func verdict(out api.Verified, err error) (any, error) {
	if errors.Is(err, audit.ErrTampered) || errors.Is(err, vault.ErrTampered) {
		told := dialect.Error(err)
		out.OK, out.Problem, out.Hint = false, told.Message, told.Advice
		return out, nil
	}
	return out, err
}
