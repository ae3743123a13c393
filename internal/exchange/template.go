package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/secret"
)

// filterOf is the way in which a template asks for a value to be written, nil
// if there is none of that name.
func filterOf(name string) func(string) string {
	switch name {
	case "json":
		return jsonText
	case "shell":
		return shellText
	case "url":
		return url.QueryEscape
	case "base64":
		return func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	}
	return nil
}

// maxInside is how far the closing braces may be: a text of nothing but opening
// ones would otherwise be read again for each.
const maxInside = 400

// Fill writes values into a text, in the places of {{ NAME }} and
// {{ NAME | FILTER }}. Anything else between braces stays as it is: it is some
// other program's. A name without a value is an error, and so is a filter that
// is not known.
func Fill(text []byte, value func(secret.Name) (secret.Value, bool)) ([]byte, error) {
	var out bytes.Buffer
	rest := text
	for {
		before, after, found := bytes.Cut(rest, []byte("{{"))
		out.Write(before)
		if !found {
			return out.Bytes(), nil
		}
		inside, _, closed := bytes.Cut(after[:min(len(after), maxInside)], []byte("}}"))
		name, filter, ours := asked(string(inside))
		if !closed || !ours {
			out.WriteByte('{')
			rest = rest[len(before)+1:]
			continue
		}
		s, err := filled(name, filter, value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(text[:len(text)-len(after)], []byte("\n")), err)
		}
		out.WriteString(s)
		rest = after[len(inside)+2:]
	}
}

// asked reads what stands between braces. A name begins with a letter or _,
// since {{ .Values.x }} is Helm's.
func asked(s string) (name secret.Name, filter string, ours bool) {
	n, f, piped := strings.Cut(s, "|")
	n, f = strings.Trim(n, " \t"), strings.Trim(f, " \t")
	if n == "" || !(n[0] == '_' || n[0] >= 'A' && n[0] <= 'Z' || n[0] >= 'a' && n[0] <= 'z') {
		return "", "", false
	}
	name, err := secret.ParseName(n)
	return name, f, err == nil && (!piped || f != "" && !strings.ContainsAny(f, " |\"'()"))
}

func filled(name secret.Name, filter string, value func(secret.Name) (secret.Value, bool)) (string, error) {
	v, ok := value(name)
	if !ok {
		return "", fmt.Errorf("%s is not set", name)
	}
	s := string(v.Reveal())
	if filter == "" {
		return s, nil
	}
	write := filterOf(filter)
	if write == nil {
		return "", fmt.Errorf("%s: there is no filter %q; there is json, shell, url and base64", name, filter)
	}
	if filter == "json" && !utf8.ValidString(s) {
		return "", fmt.Errorf("%s is not UTF-8 and cannot be written as JSON", name)
	}
	return write(s), nil
}

func jsonText(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always can be
	return strings.TrimSuffix(b.String(), "\n")
}

func shellText(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
