package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// Fake derives a stable value of the shape of v, for code that uses a key
// locally: a URL keeps scheme, host, port, path and database and gets other
// credentials, a JWT stays a JWT, a PEM block keeps its armour, JSON its keys;
// hex stays hex, digits stay digits, punctuation stays where it is. It differs
// from v, but for a URL or connection string that holds no credentials.
func Fake(key []byte, name Name, project string, v Value) Value {
	real := string(v.Reveal())
	for try := range 16 {
		f := faker{newStream(key, "bailey fake 1", string(name), project, strconv.Itoa(try))}
		if fake, structured := f.any(real); structured || fake != real {
			return NewValue([]byte(fake))
		}
	}
	if real == "" {
		return Value{}
	}
	return NewValue([]byte(real + "-fake")) // nothing but punctuation
}

type faker struct{ *stream }

// any says in structured whether s is of a known form.
func (f faker) any(s string) (fake string, structured bool) {
	for _, try := range []func(string) (string, bool){f.pem, f.json, f.jwt, f.url, f.pairs} {
		if out, ok := try(s); ok {
			return out, true
		}
	}
	return f.plain(s), false
}

// plain replaces letters and digits, part by part.
func (f faker) plain(s string) string {
	var out strings.Builder
	prefix, rest := cutPrefix(s)
	out.WriteString(prefix)
	for rest != "" {
		var part string
		part, rest = nextPart(rest)
		alphabet := alphabetOf(part)
		for range len(part) {
			out.WriteByte(f.pick(alphabet))
		}
		if rest == "" {
			break
		}
		if rest[0] < 0x80 {
			out.WriteByte(rest[0])
		} else {
			out.WriteByte(f.pick(base62)) // no byte of a word in another script stays
		}
		rest = rest[1:]
	}
	return out.String()
}

// url replaces what stands before the last @, where a password with an
// unescaped slash ends, too, and whatever else may be a key.
func (f faker) url(s string) (string, bool) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || scheme == "" || strings.ContainsAny(scheme, " \n=;@/") {
		return "", false
	}
	user := ""
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		name, password, two := strings.Cut(rest[:i], ":")
		if user, rest = f.plain(name), rest[i:]; two {
			user += ":" + f.plain(password)
		}
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 {
		return scheme + "://" + user + rest, true
	}
	return scheme + "://" + user + rest[:i] + f.tail(rest[i:], strings.HasPrefix(scheme, "http")), true
}

// tail replaces parameters, and on the web what in the path may be a key.
func (f faker) tail(s string, web bool) string {
	var out strings.Builder
	for s != "" {
		j := strings.IndexAny(s[1:], "/?#&=") + 1
		if j == 0 {
			j = len(s)
		}
		word := s[1:j]
		if s[0] == '=' && !harmless(word) || s[0] == '/' && web && len(word) >= 8 && strings.ContainsAny(word, digits) {
			word = f.plain(word)
		}
		out.WriteByte(s[0])
		out.WriteString(word)
		s = s[j:]
	}
	return out.String()
}

// harmless says whether the value of a parameter is one of the usual settings.
func harmless(s string) bool {
	const settings = " true false on off yes no require disable prefer allow verify-ca verify-full public admin majority utf8 utf8mb4 UTC 0 1 "
	return strings.Contains(settings, " "+s+" ")
}

// pairs replaces the values of a connection string such as
// "host=db user=x password=y" or "Server=db;Password=y".
func (f faker) pairs(s string) (string, bool) {
	sep := ";"
	if !strings.Contains(s, sep) {
		sep = " "
	}
	if !strings.Contains(s, "=") {
		return "", false
	}
	fields := strings.Split(s, sep)
	for i, field := range fields {
		key, val, ok := strings.Cut(field, "=")
		if !ok && field != "" || len(fields) < 2 || strings.Trim(strings.ToLower(key), lower+"_- ") != "" {
			return "", false
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "host", "server", "port", "dbname", "database", "sslmode", "data source", "initial catalog":
		default:
			if ok {
				fields[i] = key + "=" + f.plain(val)
			}
		}
	}
	return strings.Join(fields, sep), true
}

// jwt keeps the header, which says how to verify, and makes claims that say
// what they are.
func (f faker) jwt(s string) (string, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return "", false
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || !json.Valid(header) || !bytes.HasPrefix(header, []byte("{")) {
		return "", false
	}
	claims := []byte(`{"sub":"fake-`)
	for range 16 {
		claims = append(claims, f.pick(lower+digits))
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(append(claims, `"}`...))
	parts[2] = f.fill(parts[2], base62)
	return strings.Join(parts, "."), true
}

// fill replaces every byte but padding.
func (f faker) fill(s, alphabet string) string {
	var out strings.Builder
	for i := range len(s) {
		if s[i] == '=' {
			out.WriteByte('=')
		} else {
			out.WriteByte(f.pick(alphabet))
		}
	}
	return out.String()
}

// pem keeps the armour and the line breaks, also those written as \n.
func (f faker) pem(s string) (string, bool) {
	const begin, end, dashes = "-----BEGIN ", "-----END ", "-----"
	start := strings.Index(s, begin)
	if start != 0 {
		return "", false
	}
	label, rest, ok := strings.Cut(s[len(begin):], dashes)
	stop := strings.Index(rest, end+label+dashes)
	if !ok || stop < 0 {
		return "", false
	}
	var out strings.Builder
	out.WriteString(begin + label + dashes)
	for body := rest[:stop]; body != ""; {
		switch {
		case strings.HasPrefix(body, `\n`), strings.HasPrefix(body, `\r`):
			out.WriteString(body[:2])
			body = body[2:]
			continue
		case strings.IndexByte("\r\n =", body[0]) >= 0:
			out.WriteByte(body[0])
		default:
			out.WriteByte(f.pick(base62))
		}
		body = body[1:]
	}
	tail := rest[stop+len(end+label+dashes):]
	out.WriteString(end + label + dashes)
	if more, ok := f.pem(strings.TrimLeft(tail, "\r\n")); ok { // a chain of blocks
		return out.String() + tail[:len(tail)-len(strings.TrimLeft(tail, "\r\n"))] + more, true
	}
	return out.String() + f.plain(tail), true
}

// json replaces the strings and numbers of an object or array and keeps the
// names of its fields, and the field "type", as it is.
func (f faker) json(s string) (string, bool) {
	if t := strings.TrimSpace(s); t == "" || t[0] != '{' && t[0] != '[' || !json.Valid([]byte(s)) {
		return "", false
	}
	var out strings.Builder
	field := ""
	for s != "" {
		n := 1
		if s[0] == '"' {
			n = stringLen(s)
		}
		token := s[:n]
		s = s[n:]
		switch {
		case n > 1 && strings.HasPrefix(strings.TrimLeft(s, " \t\r\n"), ":"):
			field = token
		case n > 1 && field != `"type"`:
			token = f.jsonString(token)
		case n == 1 && strings.Contains(digits, token):
			token = string(f.pick(digits[1:]))
		}
		out.WriteString(token)
	}
	return out.String(), true
}

func (f faker) jsonString(token string) string {
	var text string
	if json.Unmarshal([]byte(token), &text) != nil {
		return token // unreachable: the whole was valid
	}
	fake, _ := f.any(text)
	b, err := json.Marshal(fake)
	if err != nil {
		return `""` // unreachable: a string
	}
	return string(b)
}

// stringLen is the length of the JSON string at the start of s.
func stringLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}
