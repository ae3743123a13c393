package server

import (
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
)

// routes is the table of Bailey's own; those of the dialect are a router's,
// because their patterns overlap.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, t := range []map[string]handler{s.own(), s.ownPast()} {
		for pattern, h := range t {
			s.handle(mux, pattern, h)
		}
	}
	mux.HandleFunc("GET "+api.Base+"/lease", s.home(s.lease))
	mux.HandleFunc("POST "+api.Base+"/lock", s.home(s.lock))
	mux.HandleFunc("POST "+api.Base+"/backup", s.home(s.backup))
	mux.HandleFunc("/", s.dialect)
	return mux
}

// dialect answers what is not Bailey's own.
func (s *Server) dialect(w http.ResponseWriter, r *http.Request) {
	route, ok := s.router.Find(r)
	switch {
	case !ok:
		s.unknown(w, r)
	case route.Handler == nil:
		s.watch(w, r)
	default:
		s.answer(w, r, func(r *http.Request) (any, error) {
			v, err := s.open(r.Context())
			if err != nil && !route.Anytime {
				return nil, err
			}
			return route.Handler(s.ask(v, r))
		})
	}
}

func (s *Server) ask(v *vault.Vault, r *http.Request) *desk.Ask {
	return &desk.Ask{Request: r, Vault: v, Who: desk.VisitorOf(r.Context()), Caller: s.caller(r), Exact: s.opts.Exact,
		Refused: func(action, detail string) { s.refused(r, v, action, detail) }}
}

// own are Bailey's routes.
func (s *Server) own() map[string]handler {
	return map[string]handler{
		"GET " + api.Base + "/status":                           s.status,
		"POST " + api.Base + "/vault":                           s.createVault,
		"POST " + api.Base + "/unlock":                          s.unlock,
		"POST " + api.Base + "/recover":                         s.recoverVault,
		"POST " + api.Base + "/rotate":                          s.rotate,
		"POST " + api.Base + "/seals":                           s.addSeal,
		"POST " + api.Base + "/seals/remove":                    s.removeSeal,
		"POST " + api.Base + "/recovery-code":                   s.on(s.newRecoveryCode),
		"POST " + api.Base + "/recovery-shown":                  s.on(s.recoveryShown),
		"POST " + api.Base + "/recovery-verified":               s.on(s.recoveryVerified),
		"GET " + api.Base + "/projects":                         s.on(s.projects),
		"POST " + api.Base + "/projects":                        s.on(s.createProject),
		"GET " + api.Base + "/projects/{project}":               s.on(s.project),
		"POST " + api.Base + "/projects/{project}/environments": s.on(s.createEnvironment),
		"POST " + api.Base + "/placeholders":                    s.on(s.placeholders),
		"GET " + api.Base + "/history":                          s.on(s.history),
		"POST " + api.Base + "/restore":                         s.on(s.restore),
		"GET " + api.Base + "/originals":                        s.on(s.originals),
		"PUT " + api.Base + "/originals":                        s.on(s.putOriginal),
		"DELETE " + api.Base + "/originals":                     s.on(s.deleteOriginal),
		"GET " + api.Base + "/audit":                            s.on(s.events),
		"POST " + api.Base + "/audit":                           s.on(s.record),
		"GET " + api.Base + "/audit/verify":                     s.verifyAudit,
		"POST " + api.Base + "/audit/accept":                    s.acceptAudit,
	}
}

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) { s.fail(w, r, notHere(r)) }
