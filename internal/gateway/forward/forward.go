package forward

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// forward sends a request that the rules allow, with the values put in, and
// passes the answer back.
func (x *exchange) forward(d policy.Decision) {
	if reason := x.overrides(d); reason != "" {
		x.refuse(&refusal{status: http.StatusForbidden, reason: reason, advice: adviceNoRetry})
		return
	}
	upgrade := isWebSocket(x.r)
	x.cleanHead(upgrade)
	h := swap.Head{Header: x.r.Header, Path: x.path, Query: x.query}
	if err := x.tables.out.Head(&h, x.destination(), x.lookup); err != nil {
		x.stopped(err)
		return
	}
	body, err := x.body()
	if err != nil {
		x.stopped(err)
		return
	}
	defer body.release()
	x.event(event.Event{Kind: event.Allowed, Rule: d.Rule.Origin})
	x.send()
	resp, err := x.f.pools.get(x.f, pool{x.to.Name, x.to.Port, x.scheme, x.r.ProtoMajor == 2}).RoundTrip(x.outgoing(h, body))
	x.tables = x.f.compiled() // the answer is scrubbed of what was fetched for this request too
	switch {
	case err != nil:
		x.unreachable(err, body)
	case resp.StatusCode == http.StatusSwitchingProtocols && upgrade && strings.EqualFold(resp.Header.Get("Upgrade"), "websocket"):
		x.tunnel(resp)
	case resp.StatusCode == http.StatusSwitchingProtocols:
		_ = resp.Body.Close()
		x.refuse(&refusal{status: http.StatusBadGateway, reason: "the host changed the protocol without being asked to", advice: adviceNoRetry})
	default:
		x.reply(resp)
	}
}

func (x *exchange) destination() swap.Destination {
	return swap.Destination{Name: x.to.Name, Port: x.to.Port, Secure: x.scheme == "https"}
}

// lookup fetches a value for this request. It is called while the request is
// judged and, for a long body, while it is sent.
func (x *exchange) lookup(b policy.Binding) (secret.Value, error) {
	v, err := x.f.value(x.r.Context(), b, x.to)
	if err == nil {
		x.use(b.Name)
	}
	return v, err
}

// use notes that a value is put in, and reports it once the request is on its
// way: one that is stopped after all has injected nothing.
func (x *exchange) use(n secret.Name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slices.Contains(x.used, n) {
		return
	}
	x.used = append(x.used, n)
	if x.sent {
		x.event(event.Event{Kind: event.Injected, Secret: n})
	}
}

func (x *exchange) send() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sent = true
	for _, n := range x.used {
		x.event(event.Event{Kind: event.Injected, Secret: n})
	}
}

// bound reports whether some secret belongs to the destination.
func (x *exchange) bound() bool {
	return slices.ContainsFunc(x.tables.bindings, func(b policy.Binding) bool { return b.Bound(x.to.Name, x.to.Port) })
}

// overrides refuses what would make more of a read than a read: headers by
// which some servers take another method than the one that was judged, a body
// (but git's fetch has one), and a change to a protocol that writes.
func (x *exchange) overrides(d policy.Decision) string {
	if d.Rule.Access == policy.Write {
		return ""
	}
	if isWebSocket(x.r) {
		return "a WebSocket can write, and the rule is read-only"
	}
	if x.r.ContentLength != 0 && x.r.Method != http.MethodPost {
		return "a " + x.r.Method + " with a body can write, and the rule is read-only"
	}
	for _, name := range [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		if _, ok := x.r.Header[name]; ok {
			return "the header " + name + " would change the method under a read-only rule"
		}
	}
	return ""
}

// hop are the headers that end at the next hop (RFC 9110, section 7.6.1).
var hop = [...]string{"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings", "Host"}

func dropHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hop {
		delete(h, name)
	}
}

// cleanHead leaves what goes to the outside. Encodings that cannot be searched
// are not asked for, nor parts of what a secret may stand in.
func (x *exchange) cleanHead(upgrade bool) {
	h := x.r.Header
	trailers := slices.ContainsFunc(h["Te"], func(v string) bool { return strings.Contains(strings.ToLower(v), "trailers") })
	dropHop(h)
	if trailers {
		h["Te"] = []string{"trailers"}
	}
	if upgrade {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	x.accepted = h["Accept-Encoding"]
	if x.tables.in != nil || x.bound() {
		partial := partOfBytes(h["Range"])
		if partial && (x.bound() || !rest(h["Range"])) {
			delete(h, "Range")
			delete(h, "If-Range")
			partial = false
		}
		h["Accept-Encoding"] = []string{"identity"}
		if !partial && accepts(x.accepted, "gzip") {
			h["Accept-Encoding"] = []string{"gzip, identity"}
		}
		delete(h, "Sec-Websocket-Extensions") // compression
	}
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = nil // or net/http would write its own
	}
}

// outgoing is the request as it is sent: made anew from what was judged.
func (x *exchange) outgoing(h swap.Head, body *upload) *http.Request {
	path, err := url.PathUnescape(h.Path)
	if err != nil {
		path = h.Path
	}
	out := &http.Request{
		Method: x.r.Method,
		URL:    &url.URL{Scheme: x.scheme, Host: event.Authority(x.to.Name, x.to.Port, x.scheme), Path: path, RawPath: h.Path, RawQuery: h.Query},
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h.Header,
	}
	body.attach(out)
	return out.WithContext(x.r.Context())
}
