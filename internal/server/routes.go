package server

import (
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
)

// routes is the table of everything that is answered.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, t := range []map[string]handler{s.dialect(), s.own()} {
		for pattern, h := range t {
			s.handle(mux, pattern, h)
		}
	}
	mux.HandleFunc("GET "+api.Base+"/lease", s.lease)
	mux.HandleFunc("POST "+api.Base+"/lock", s.lock)
	mux.HandleFunc("POST "+api.Base+"/backup", s.backup)
	mux.HandleFunc("/", s.unknown)
	return mux
}

// dialect is tier 1 of the Infisical API, and what our own client needs of
// the batch routes.
func (s *Server) dialect() map[string]handler {
	t := map[string]handler{
		"GET /api/status":                        s.health,
		"POST /api/v1/auth/universal-auth/login": s.login,
		"POST /api/v1/auth/token/renew":          s.renew,
		"GET /api/v1/folders":                    s.on(s.listFolders),
		"POST /api/v1/folders":                   s.on(s.makeFolder),
		"DELETE /api/v1/folders/{folder}":        s.on(s.deleteFolder),
	}
	for _, base := range []string{"/api/v4/secrets", "/api/v3/secrets/raw"} {
		t["GET "+base] = s.on(s.listSecrets)
		t["GET "+base+"/{name}"] = s.on(s.getSecret)
		t["POST "+base+"/{name}"] = s.on(s.createSecret)
		t["PATCH "+base+"/{name}"] = s.on(s.updateSecret)
		t["DELETE "+base+"/{name}"] = s.on(s.deleteSecret)
	}
	for _, path := range []string{"/api/v4/secrets/batch", "/api/v3/secrets/batch/raw"} {
		t["POST "+path] = s.on(s.createSecrets)
		t["PATCH "+path] = s.on(s.updateSecrets)
		t["DELETE "+path] = s.on(s.deleteSecrets)
	}
	return t
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

func (s *Server) unknown(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, &api.Error{
		Code: api.Missing, Name: "Not Found",
		Message: "Route " + r.Method + ":" + r.URL.Path + " not found",
	})
}
