package swap

import (
	"bytes"
	"io"
	"mime"
	"strings"

	"github.com/bailey-project/bailey/internal/gateway/scrub"
	"github.com/bailey-project/bailey/internal/secret"
)

// Whole judges a request's body and puts the values in, where the body is JSON or
// a form and a field that is named like a credential holds nothing but a
// placeholder. Elsewhere a placeholder toward its own host stays what it is: in
// the text of an issue or of a conversation a value would be published.
func (o *Outgoing) Whole(body []byte, contentType string, to Destination, lookup Lookup) ([]byte, error) {
	j, form := &job{Outgoing: o, to: to, lookup: lookup}, formOf(contentType)
	var out []byte
	for done := 0; ; {
		p, at := o.set.Find(body[done:])
		if p < 0 && out == nil {
			return body, nil
		}
		if p < 0 {
			return append(out, body[done:]...), nil
		}
		if stop := j.judge(p, "body"); stop != nil {
			return nil, stop
		}
		end := done + at + len(o.set.Pattern(p))
		text := o.set.Pattern(p)
		if credentialField(form, body[:done+at], body[end:]) {
			var err error
			if text, err = j.swap(p, "body", form); err != nil {
				return nil, err
			}
		}
		out = append(append(out, body[done:done+at]...), text...)
		done = end
	}
}

// Check reads a body as it passes and fails with a *Stop at what must not. It
// puts nothing in. o must not be nil.
func (o *Outgoing) Check(src io.Reader, to Destination) io.Reader {
	j := &job{Outgoing: o, to: to}
	r := scrub.NewReader(src, o.set, func(p int) ([]byte, error) {
		if stop := j.judge(p, "body"); stop != nil {
			return nil, stop
		}
		return o.set.Pattern(p), nil
	})
	r.LiveStream()
	return r
}

// formOf is how a value is written in a body of that type, Plain where none is
// put in.
func formOf(contentType string) scrub.Form {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		t = strings.ToLower(strings.TrimSpace(contentType))
	}
	switch {
	case t == "application/x-www-form-urlencoded":
		return scrub.Query
	case strings.HasSuffix(t, "json"):
		return scrub.JSON
	}
	return scrub.Plain
}

// credentialField reports whether the text between before and after is all that
// a field named like a credential holds.
func credentialField(form scrub.Form, before, after []byte) bool {
	switch form {
	case scrub.Query:
		name, ok := bytes.CutSuffix(before, []byte("="))
		return ok && (len(after) == 0 || after[0] == '&') && credentialName(name[bytes.LastIndexByte(name, '&')+1:])
	case scrub.JSON:
		before, ok := bytes.CutSuffix(before, []byte(`"`))
		if !ok || len(after) == 0 || after[0] != '"' {
			return false
		}
		before, ok = bytes.CutSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(":"))
		if !ok {
			return false
		}
		name, ok := bytes.CutSuffix(bytes.TrimRight(before, " \t\r\n"), []byte(`"`))
		return ok && credentialName(name[bytes.LastIndexByte(name, '"')+1:])
	}
	return false
}

// credentialName reports whether a field's name ends as those of keys,
// passwords and tokens do.
func credentialName(name []byte) bool {
	if len(name) == 0 || len(name) > 64 {
		return false
	}
	n := strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(string(name)))
	for _, end := range [...]string{"key", "secret", "token", "password", "passwd", "passphrase", "pwd", "pass", "credential", "credentials", "authorization", "auth", "keyid", "clientid", "assertion"} {
		if strings.HasSuffix(n, end) {
			return true
		}
	}
	return false
}

// Answer is a text with the values swapped for placeholders as it passes: an
// answer on its way in, or a body toward a host that is told what the agent sees.
type Answer struct {
	scrub.Reader
	// OnFound hears of each value that was found, if it is set after Reset.
	OnFound func(secret.Name)

	in    *Incoming
	fixed bool
	found []secret.Name
}

// Reset makes a ready for another answer. fixed says that the length was
// announced already: a placeholder of another length than its value is then cut
// or repeated to fit. in must not be nil.
func (a *Answer) Reset(src io.Reader, in *Incoming, fixed bool) {
	a.in, a.fixed, a.found, a.OnFound = in, fixed, nil, nil
	a.Reader.Reset(src, in.set, a.swap)
}

func (a *Answer) swap(p int) ([]byte, error) {
	a.found = append(a.found, a.in.names[p])
	if a.OnFound != nil {
		a.OnFound(a.in.names[p])
	}
	w := a.in.written[p]
	if a.fixed {
		return scrub.Fit(w.Stand, len(w.Text)), nil
	}
	return w.Stand, nil
}

// Found lists the secrets that were found so far.
func (a *Answer) Found() []secret.Name { return a.found }

// tornEnd is how much of the end of a value may be shown where a text begins
// inside it.
const tornEnd = 7

// Longest is the length of the longest text that is looked for.
func (in *Incoming) Longest() int {
	n := 0
	for _, w := range in.written {
		n = max(n, len(w.Text))
	}
	return n
}

// Torn reports whether a text begins with the end of a value. begin is its first
// Longest bytes, or all of it.
func (in *Incoming) Torn(begin []byte) bool {
	for _, w := range in.written {
		for end := w.Text; len(end) > tornEnd; end = end[1:] {
			if bytes.HasPrefix(begin, end) {
				return true
			}
		}
	}
	return false
}

// Text swaps the values in a text that is complete, such as a header.
func (in *Incoming) Text(s string) (string, []secret.Name) {
	if in == nil || s == "" {
		return s, nil
	}
	var found []secret.Name
	out, _ := in.set.Replace([]byte(s), func(p int) ([]byte, error) {
		found = append(found, in.names[p])
		return in.written[p].Stand, nil
	})
	if found == nil {
		return s, nil
	}
	return string(out), found
}
