package swap

import (
	"net/http"
	"strings"
)

// foreignKeys refuses credentials that are not ours on a host that a binding
// names: what goes there under another account is lost as surely as anywhere.
func (j *job) foreignKeys(h http.Header) error {
	var ours []string
	for _, b := range j.bindings {
		if b.Bound(j.to.Name, j.to.Port) {
			ours = append(ours, string(b.Placeholder))
		}
	}
	if len(ours) == 0 {
		return nil
	}
	for name, values := range h {
		for _, v := range values {
			if keyHeader(name) && !carries(v, ours) && !j.stopsAnyway(v) {
				return &Stop{Cause: ForeignKey, Where: "header " + name}
			}
		}
	}
	return nil
}

// stopsAnyway reports whether a header is about to be stopped for a better
// reason than being foreign: it holds a real value, or another placeholder.
func (j *job) stopsAnyway(v string) bool {
	if credentials, ok := cutBasic(v); ok {
		if raw, err := decode64(credentials); err == nil {
			v = raw
		}
	}
	p, _ := j.set.Find([]byte(v))
	return p >= 0 && j.judge(p, "") != nil
}

// keyHeader reports whether a header usually carries an API key.
func keyHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "authorization", "private-token", "x-token", "x-auth":
		return true
	}
	for _, end := range [...]string{"api-key", "apikey", "api-token", "access-token", "auth-token", "auth-key", "subscription-key", "vault-token"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// carries reports whether the credential in a header is one of ours, and
// nothing but that: in "Bearer THEIRS OURS" many servers take the first word.
func carries(v string, ours []string) bool {
	v = strings.TrimSpace(v)
	if v == "" {
		return true
	}
	scheme, rest, hasScheme := strings.Cut(v, " ")
	if !hasScheme {
		return only(v, ours)
	}
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "basic":
		raw, err := decode64(rest)
		user, password, _ := strings.Cut(raw, ":")
		return err == nil && (only(user, ours) || only(password, ours))
	case "digest", "oauth", "signature", "aws4-hmac-sha256", "hmac": // lists of parameters
		return contains(rest, ours)
	}
	return only(rest, ours)
}

func only(v string, ours []string) bool {
	for _, p := range ours {
		v := strings.TrimSuffix(strings.TrimSuffix(v, `"`), `'`)
		before, ok := strings.CutSuffix(v, p)
		if !ok || strings.ContainsAny(before, " ,;") {
			continue
		}
		if before = strings.TrimRight(before, `"'`); before == "" || strings.HasSuffix(before, "=") {
			return true
		}
	}
	return false
}

func contains(v string, ours []string) bool {
	for _, p := range ours {
		if strings.Contains(v, p) {
			return true
		}
	}
	return false
}
