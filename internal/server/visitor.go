package server

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/admin"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
)

// home answers only this user's own processes: on the network and to who shows
// a token, Bailey's own routes do not exist.
func (s *Server) home(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !desk.VisitorOf(r.Context()).Local {
			s.unknown(w, r)
			return
		}
		h(w, r)
	}
}

type remoteKey struct{}

// withRemote marks a request's context as coming over the network from ip.
func withRemote(ctx context.Context, ip netip.Addr) context.Context {
	return context.WithValue(ctx, remoteKey{}, ip)
}

// visitor finds out who asks. A process of this user on the socket may
// everything, unless it shows a token: then it may what the token may. Over the
// network there is nothing without one but the way to get one.
func (s *Server) visitor(r *http.Request) (desk.Visitor, error) {
	from, network := r.Context().Value(remoteKey{}).(netip.Addr)
	_, local := PeerOf(r.Context())
	who := desk.Visitor{From: from}
	token, shown := bearer(r)
	switch {
	case !local && !network:
		return who, tokenMissing()
	case !shown && !network:
		who.Local = true
		return who, nil
	case public(r):
		return who, nil
	case !shown:
		return who, tokenMissing()
	}
	v, err := s.open(r.Context())
	if err != nil {
		return who, err
	}
	who.Principal, err = identity.Authenticate(r.Context(), v, identity.Visit{From: from, Now: time.Now()}, token)
	if identity.IsDenied(err) {
		s.refused(r, v, "token.authenticate", "")
	}
	return who, admin.Refused(err)
}

// refusals is how many refusals a minute are recorded one by one: whoever only
// knocks must not fill the disk. The next record says how many were not.
const refusals = 60

type knocks struct {
	mu            sync.Mutex
	minute        time.Time
	count, silent int
}

// note says whether to record one more, and how many were not before it.
func (k *knocks) note(now time.Time) (record bool, before int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.minute) >= time.Minute {
		k.minute, k.count = now, 0
	}
	if k.count++; k.count > refusals {
		k.silent++
		return false, 0
	}
	before, k.silent = k.silent, 0
	return true, before
}

func (s *Server) refused(r *http.Request, v *vault.Vault, action, detail string) {
	record, before := s.knocks.note(time.Now())
	if !record {
		return
	}
	if before > 0 {
		detail = strings.TrimSpace(fmt.Sprintf("%s, and %d refusals before that were not recorded", detail, before))
	}
	if from, ok := r.Context().Value(remoteKey{}).(netip.Addr); ok {
		detail = strings.TrimSpace("from " + from.String() + " " + detail)
	}
	v.Refused(r.Context(), vault.Caller{Actor: "network"}, action, detail)
}

// public is what is answered without a token: whether anybody is there, and
// the routes that take a credential in their body.
func public(r *http.Request) bool {
	switch r.Method + " " + strings.TrimRight(r.URL.EscapedPath(), "/") {
	case "GET /api/status", "POST /api/v1/auth/universal-auth/login", "POST /api/v1/auth/token/renew", "POST /api/v1/auth/token/revoke":
		return true
	}
	return false
}

func bearer(r *http.Request) (secret.Value, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return secret.Value{}, r.Header.Get("Authorization") != ""
	}
	return secret.NewValue([]byte(strings.TrimSpace(token))), true
}

func tokenMissing() *api.Error {
	return &api.Error{Code: api.Denied, Status: http.StatusUnauthorized, Name: "Token missing", Message: "Token missing"}
}

// notHere is the answer to a route that does not exist, or not for the asker.
func notHere(r *http.Request) *api.Error {
	return &api.Error{Code: api.Missing, Name: "Not Found", Message: "Route " + r.Method + ":" + r.URL.RequestURI() + " not found"}
}
