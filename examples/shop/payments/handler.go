package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds what is read of a request.
const maxBody = 1 << 20

// The repository that `git ls-remote` finds at /shop.git.
const (
	gitHead = "ref: refs/heads/main\n"
	gitRefs = "4b825dc642cb6eb9a060e54bf8d69288fbee4904\trefs/heads/main\n"
)

type handler struct {
	key    string
	record *requestLog
}

// newHandler answers for the API. Everything below /v1/ and /shop.git/ wants
// the key; /echo returns what was sent, which is how a service hands a key
// back to whoever may not see it.
func newHandler(key string, record *requestLog) http.Handler {
	return &handler{key: key, record: record}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	key := h.judge(r, body)
	status, answer := h.answer(r, body, key)
	if err := h.record.add(r, key, status); err != nil {
		http.Error(w, "log", http.StatusInternalServerError)
		return
	}
	write(w, r, status, answer)
}

func (h *handler) answer(r *http.Request, body []byte, key string) (int, string) {
	private := strings.HasPrefix(r.URL.Path, "/v1/") || strings.HasPrefix(r.URL.Path, "/shop.git/")
	if private && key != "real" {
		return http.StatusUnauthorized, `{"error":"no such key"}`
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /":
		return http.StatusOK, "how to take payments: POST /v1/charges\n"
	case "GET /v1/balance":
		return http.StatusOK, `{"available":98765,"currency":"eur"}`
	case "POST /v1/charges":
		return http.StatusOK, fmt.Sprintf(`{"id":"ch_%d","status":"succeeded"}`, len(body))
	case "GET /echo":
		return http.StatusOK, echo(r)
	case "GET /shop.git/HEAD":
		return http.StatusOK, gitHead
	case "GET /shop.git/info/refs":
		return http.StatusOK, gitRefs
	}
	return http.StatusNotFound, `{"error":"no such path"}`
}

// judge says whether the request brought the key: as a Bearer token, as the
// user or password of Basic, or as the query's key. "real" anywhere else in
// the request counts too, because then it has arrived.
func (h *handler) judge(r *http.Request, body []byte) string {
	user, password, _ := r.BasicAuth()
	query := r.URL.Query().Get("key")
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, given := range []string{user, password, query, bearer} {
		if given == h.key {
			return "real"
		}
	}
	if bytes.Contains(body, []byte(h.key)) || strings.Contains(echo(r), h.key) {
		return "real"
	}
	if r.Header.Get("Authorization") != "" || query != "" {
		return "wrong"
	}
	return "none"
}

func echo(r *http.Request) string {
	out, err := json.Marshal(map[string]any{"headers": r.Header, "query": r.URL.RawQuery, "path": r.URL.Path})
	if err != nil {
		return "{}"
	}
	return string(out)
}

// write compresses where the client asks for it; so a filter between the two
// has to look into gzip as well.
func write(w http.ResponseWriter, r *http.Request, status int, answer string) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/info/refs") || strings.HasSuffix(r.URL.Path, "/HEAD") {
		w.Header().Set("Content-Type", "text/plain")
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="payments"`)
	}
	out := []byte(answer)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		out = compress(out)
	}
	w.WriteHeader(status)
	_, _ = w.Write(out) // a client that has gone needs no answer
}

func compress(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // to memory
	_ = z.Close()
	return out.Bytes()
}
