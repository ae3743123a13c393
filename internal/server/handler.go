package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// maxBody bounds a request: a few originals or thousands of secrets.
const maxBody = 32 << 20

// maxKnock bounds one of somebody who is not known yet.
const maxKnock = 64 << 10

// handler answers one route: a value for the body, or an error. Values are
// marshalled; nil becomes {}.
type handler func(r *http.Request) (any, error)

// ServeHTTP applies what every route needs: a known peer, no web page behind
// the request, a daemon that is not older than its client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.inFlight.Add(1)
	defer func() {
		s.seen()
		s.inFlight.Add(-1)
	}()
	defer s.survive(w, r)
	if err := s.admit(w, r); err != nil {
		s.fail(w, r, err)
		return
	}
	visitor, err := s.visitor(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	limit := int64(maxBody)
	if !visitor.Local && visitor.Principal.Name() == "" {
		limit = maxKnock
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	r = r.WithContext(desk.WithVisitor(r.Context(), visitor))
	if p := r.URL.Path; len(p) > 1 && strings.HasSuffix(p, "/") {
		r.URL.Path, r.URL.RawPath = strings.TrimRight(p, "/"), ""
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) admit(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set(api.HeaderBuild, s.build.String())
	if r.Header.Get("Origin") != "" {
		return api.Errorf(api.Denied, "requests of web pages are refused")
	}
	if s.ending.Load() {
		w.Header().Set(api.HeaderReplace, api.ReplaceWait)
		return api.Errorf(api.Unavailable, "the daemon is locking itself")
	}
	if s.opts.OnReplace != nil && api.ParseBuild(r.Header.Get(api.HeaderBuild)).After(s.build) {
		w.Header().Set(api.HeaderReplace, api.ReplaceNewer)
		go s.opts.OnReplace()
		return api.Errorf(api.Unavailable, "the daemon is of an older build and steps aside")
	}
	return nil
}

func (s *Server) survive(w http.ResponseWriter, r *http.Request) {
	if p := recover(); p != nil && p != http.ErrAbortHandler {
		s.opts.Logf("%s: panic", r.Pattern)
		s.fail(w, r, errors.New("panic"))
	}
}

// on opens the vault for a handler; it comes locked or unlocked, as it is.
func (s *Server) on(h func(*vault.Vault, *http.Request) (any, error)) handler {
	return func(r *http.Request) (any, error) {
		v, err := s.open(r.Context())
		if err != nil {
			return nil, err
		}
		return h(v, r)
	}
}

// handle registers h under a pattern of http.ServeMux.
func (s *Server) handle(mux *http.ServeMux, pattern string, h handler) {
	mux.HandleFunc(pattern, s.home(func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, h) }))
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, h handler) {
	body, err := h(r)
	if r.Method != http.MethodGet {
		s.changes.announce()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if body == nil {
		body = struct{}{}
	}
	s.reply(w, r, http.StatusOK, body)
}

// reply marshals body with an ETag over its bytes: identical content has an
// identical ETag, which clients that poll rely on.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, status int, body any) {
	b, err := encode(body)
	if err != nil {
		s.opts.Logf("%s: %s", r.Pattern, err)
		status, b = http.StatusInternalServerError, []byte(`{"statusCode":500,"message":"internal error","error":"InternalServerError","code":"internal"}`)
	}
	sum := sha256.Sum256(b)
	etag := `"` + base64.StdEncoding.EncodeToString(sum[:20]) + `"`
	h := w.Header()
	h.Set("Etag", etag)
	h.Set("Cache-Control", "no-store")
	if status == http.StatusOK && r.Method == http.MethodGet && matches(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func encode(body any) ([]byte, error) {
	if a, ok := body.(api.Appender); ok {
		return a.AppendJSON(nil), nil
	}
	return json.Marshal(body)
}

func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(candidate), "W/") == etag {
			return true
		}
	}
	return false
}

// fail answers with an error. What is not a known kind stays in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := dialect.Error(err)
	if e.Code == api.Internal && r.Context().Err() == nil {
		s.opts.Logf("%s: %s", r.Pattern, err)
	}
	s.reply(w, r, e.HTTPStatus(), e.Body(requestID()))
}

func requestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "req-" + hex.EncodeToString(b[:])
}
