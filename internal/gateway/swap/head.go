package swap

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/bailey-project/bailey/internal/gateway/scrub"
	"github.com/bailey-project/bailey/internal/secret"
)

// Head is the part of a request that is judged before its body. Path is
// canonical and escaped, Query is escaped. Header may be changed in place.
type Head struct {
	Header http.Header
	Path   string
	Query  string
}

// job is the work on one request.
type job struct {
	*Outgoing
	to     Destination
	lookup Lookup
	last   secret.Name // put in last
	err    *Stop       // the first one
	buf    []byte      // for searching a string
}

// Head judges the head of a request and puts the values in. On an error the
// head is half changed and must not be used.
func (o *Outgoing) Head(h *Head, to Destination, lookup Lookup) error {
	if o == nil {
		return nil
	}
	j := &job{Outgoing: o, to: to, lookup: lookup}
	if err := j.foreignKeys(h.Header); err != nil {
		return err
	}
	j.line(h)
	for name, values := range h.Header {
		j.find("header name", name)
		for i, v := range values {
			values[i] = j.header(name, v)
		}
	}
	if j.err != nil {
		return j.err
	}
	return nil
}

// line does path and query. What a server reads after decoding is looked at
// too: in an odd spelling a placeholder is still one.
func (j *job) line(h *Head) {
	path, query := h.Path, h.Query
	h.Path = j.text("path", path, scrub.Path)
	h.Query = j.text("query", query, scrub.Query)
	if strings.IndexByte(path, '%') >= 0 {
		j.find("path", unescape(path))
	}
	if strings.ContainsAny(query, "%+") {
		j.find("query", unescape(strings.ReplaceAll(query, "+", " ")))
	}
}

// unescape decodes every sound percent escape and keeps what is none, as
// lenient servers do.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func (j *job) header(name, v string) string {
	if credentials, ok := cutBasic(v); ok {
		if raw, err := decode64(credentials); err == nil {
			if swapped := j.text("header "+name, raw, scrub.Plain); swapped != raw {
				return "Basic " + base64.StdEncoding.EncodeToString([]byte(swapped))
			}
			return v
		}
	}
	swapped := j.text("header "+name, v, scrub.Plain)
	if swapped != v && !httpguts.ValidHeaderFieldValue(swapped) {
		j.stop(&Stop{Cause: Unfit, Name: j.last, Where: "header " + name})
		return ""
	}
	return swapped
}

// cutBasic takes the credentials of RFC 7617 out of a header.
func cutBasic(v string) (string, bool) {
	scheme, credentials, ok := strings.Cut(v, " ")
	return strings.TrimSpace(credentials), ok && strings.EqualFold(scheme, "basic")
}

func decode64(s string) (string, error) {
	s = strings.TrimRight(s, "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	b, err := enc.DecodeString(s)
	return string(b), err
}

// text swaps the placeholders in one place of the request. plain is the form in
// which a value is written there when its placeholder stands there as it is.
func (j *job) text(where, s string, plain scrub.Form) string {
	j.buf = append(j.buf[:0], s...)
	if p, _ := j.set.Find(j.buf); p < 0 || j.err != nil {
		return s
	}
	out, err := j.set.Replace(j.buf, func(p int) ([]byte, error) { return j.swap(p, where, plain) })
	if err != nil {
		return ""
	}
	return string(out)
}

// find only looks, and stops what must not pass.
func (j *job) find(where, s string) {
	j.buf = append(j.buf[:0], s...)
	_, _ = j.set.Replace(j.buf, func(p int) ([]byte, error) {
		if stop := j.judge(p, where); stop != nil {
			j.stop(stop)
		}
		return nil, nil
	})
}

func (j *job) stop(s *Stop) {
	if j.err == nil {
		j.err = s
	}
}

// judge says whether a match may stand in this request at all.
func (j *job) judge(p int, where string) *Stop {
	m := j.marks[p]
	switch {
	case m.binding < 0:
		return &Stop{Cause: Leak, Name: m.name, Where: where}
	case !j.bindings[m.binding].Bound(j.to.Name, j.to.Port):
		return &Stop{Cause: Foreign, Name: m.name, Where: where}
	case !j.to.Secure:
		return &Stop{Cause: Plaintext, Name: m.name, Where: where}
	}
	return nil
}

// swap returns what goes into the place of a match. A placeholder inside hex or
// base64 text toward its own host does no harm and stays.
func (j *job) swap(p int, where string, plain scrub.Form) ([]byte, error) {
	if stop := j.judge(p, where); stop != nil {
		j.stop(stop)
		return nil, stop
	}
	m := j.marks[p]
	if m.form == scrub.Hex || m.form == scrub.Base64 {
		return j.set.Pattern(p), nil
	}
	v, err := j.lookup(j.bindings[m.binding])
	if err != nil {
		stop := &Stop{Cause: Unavailable, Name: m.name, Where: where, Err: err}
		j.stop(stop)
		return nil, stop
	}
	j.last = m.name
	if m.form != scrub.Plain {
		plain = m.form
	}
	return scrub.Write(plain, v.Reveal()), nil
}

// Leaks reports whether a text holds a placeholder or a real value, whatever
// the destination.
func (o *Outgoing) Leaks(text string) bool {
	if o == nil {
		return false
	}
	p, _ := o.set.Find([]byte(text))
	return p >= 0
}
