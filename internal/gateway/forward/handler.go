package forward

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/front"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// exchange is one request on its way through.
type exchange struct {
	f        *Forwarder
	w        http.ResponseWriter
	r        *http.Request
	to       front.Target
	scheme   string
	sni      string
	path     string // canonical
	query    string
	shown    string   // path, unless it holds a secret
	accepted []string // Accept-Encoding, as the program wrote it
	tables   *compiled

	mu   sync.Mutex // the body may be read, and values put into it, while the answer is written
	used []secret.Name
	sent bool
}

// serveRequest judges one request and forwards it.
func (f *Forwarder) serveRequest(w http.ResponseWriter, r *http.Request) {
	to, ok := r.Context().Value(targetKey{}).(front.Target)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	x := &exchange{f: f, w: w, r: r, to: to, scheme: "http", tables: f.compiled()}
	defer f.active.Add(-1)
	if f.active.Add(1) > maxRequests {
		x.refuse(&refusal{status: http.StatusServiceUnavailable, reason: "too many requests at once", advice: adviceWait})
		return
	}
	if r.TLS != nil {
		x.scheme, x.sni = "https", r.TLS.ServerName
	}
	if refused := x.understand(); refused != nil {
		x.refuse(refused)
		return
	}
	d := policy.Decide(f.cfg.Rules(), policy.Request{Asked: x.to.Name, SNI: x.sni, Authority: r.Host,
		Scheme: x.scheme, Port: x.to.Port, Method: r.Method, Path: x.path})
	if !d.Allowed {
		x.deny(d)
		return
	}
	x.forward(d)
}

// understand reads the target and refuses what is never forwarded, whatever the
// rules say.
func (x *exchange) understand() *refusal {
	if msg := oddMethod(x.r); msg != "" {
		x.r.Method = "?"
		return &refusal{status: http.StatusMethodNotAllowed, reason: msg, advice: adviceNoRetry}
	}
	if reason := malformed(x.r); reason != "" {
		return &refusal{status: http.StatusBadRequest, reason: reason, advice: adviceNoRetry}
	}
	raw, query, reason := requestTarget(x.r, x.scheme)
	if reason != "" {
		return &refusal{status: http.StatusBadRequest, reason: reason, advice: adviceNoRetry}
	}
	path, err := policy.CanonicalPath(raw)
	if err != nil {
		return &refusal{status: http.StatusBadRequest, reason: err.Error(), advice: adviceNoRetry}
	}
	x.path, x.query = path, canonicalQuery(query)
	if !x.tables.out.Leaks(path) {
		x.shown = path
	}
	if up := x.r.Header.Get("Upgrade"); up != "" && x.r.ProtoMajor == 1 && !isWebSocket(x.r) {
		if strings.EqualFold(up, "h2c") || strings.Contains(strings.ToLower(up), "tls") { // offers that may be ignored (RFC 9110, section 7.8)
			x.r.Header.Del("Upgrade")
			return nil
		}
		return &refusal{status: http.StatusBadRequest, reason: "only upgrades to WebSocket pass", advice: adviceNoRetry}
	}
	return nil
}

// oddMethod names what is wrong with a method that no rule can open: those that
// reflect the request or make a tunnel, and names that are no method.
func oddMethod(r *http.Request) string {
	switch strings.ToUpper(r.Method) {
	case "CONNECT", "TRACE", "TRACK", "DEBUG", "PRI":
		return "this method never passes"
	}
	if len(r.Method) > 20 || strings.Trim(strings.ToUpper(r.Method), "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return "the method is no method"
	}
	return ""
}

// malformed finds what net/http lets through in HTTP/2: a Host beside another
// :authority, and an announced length that the body does not have.
func malformed(r *http.Request) string {
	if r.ProtoMajor < 2 {
		return ""
	}
	if hosts := r.Header["Host"]; len(hosts) > 1 || len(hosts) == 1 && hosts[0] != r.Host {
		return "its Host and :authority disagree"
	}
	if length := r.Header.Get("Content-Length"); length != "" && length != strconv.FormatInt(r.ContentLength, 10) {
		return "it has another length than it says"
	}
	return ""
}

// requestTarget takes path and query out of the request line. A program that
// writes the whole URL there must mean this very host, which Decide compares.
func requestTarget(r *http.Request, scheme string) (path, query, reason string) {
	target := r.RequestURI
	if strings.HasPrefix(target, "/") {
		path, query, _ = strings.Cut(target, "?")
		return path, query, ""
	}
	if r.URL.Scheme != scheme || r.URL.Host == "" || r.URL.Host != r.Host || r.URL.User != nil || r.URL.Opaque != "" {
		return "", "", "the request's target is not a path on this host"
	}
	return r.URL.EscapedPath(), r.URL.RawQuery, ""
}

// canonicalQuery escapes the bytes that could be read as the end of the target
// by the next server: HTTP/2 lets them through.
func canonicalQuery(q string) string {
	clean := true
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f || c == '#' {
			clean = false
			break
		}
	}
	if clean {
		return q
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(q) {
		if c := q[i]; c <= ' ' || c >= 0x7f || c == '#' {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// event fills in what is known of the request and records it.
func (x *exchange) event(e event.Event) {
	e.Host, e.Port, e.Scheme, e.Method = x.to.Name, x.to.Port, x.scheme, x.r.Method
	if e.Kind != event.Alarm {
		e.Path = x.shown
	}
	x.f.cfg.Record(e)
}

// refuse answers, and reports what was refused for its form.
func (x *exchange) refuse(r *refusal) {
	x.event(event.Event{Kind: event.Denied, Reason: r.reason})
	x.answer(r)
}

// answer writes a refusal.
func (x *exchange) answer(r *refusal) {
	r.what = x.r.Method + " " + x.scheme + "://" + event.Authority(x.to.Name, x.to.Port, x.scheme) + x.shown
	r.write(x.w)
}

// deny answers a request that the rules refuse. What it carries is looked at all
// the same: a placeholder on its way to such a host is worth an alarm.
func (x *exchange) deny(d policy.Decision) {
	e := event.Event{Kind: event.Denied, Reason: d.Reason}
	status, write := http.StatusForbidden, false
	if d.Rule != nil {
		e.Rule, write = d.Rule.Origin, d.Rule.Access == policy.Read
	}
	switch {
	case d.Misdirected:
		status = http.StatusMisdirectedRequest
	case d.Rule == nil || write:
		e.Hint = event.Hint(x.to.Name, x.to.Port, write)
	}
	x.sound()
	if !x.to.Refused || d.Misdirected {
		x.event(e)
	}
	x.answer(&refusal{status: status, reason: d.Reason, advice: adviceAllow(e.Hint)})
}

// sound raises the alarm for the head of a request that goes nowhere.
func (x *exchange) sound() {
	h := swap.Head{Header: x.r.Header, Path: x.path, Query: x.query}
	if stop, ok := errors.AsType[*swap.Stop](x.tables.out.Head(&h, swap.Destination{}, nil)); ok {
		x.alarm(stop)
	}
}
