// Package secretfile knows files that hold secrets by their names, and what of
// them may be shown.
//
// It reads no file itself. Its invariant: what Strip leaves holds no credential
// of the forms it knows, and a name that is in doubt counts as a secret's.
package secretfile

import (
	"bytes"
	"path"
	"strings"
)

// Kind is how a secret file is shown inside.
type Kind uint8

const (
	None   Kind = iota
	Dotenv      // every value replaced
	Npmrc       // lines that hold credentials left out
	Masked      // shown empty, whatever is in it
	Key         // shown empty when it holds a private key
	JSON        // shown empty when it is a credential in JSON
)

// templates end so; they hold names, and are there to be read.
var templates = []string{".example", ".sample", ".template", ".tmpl", ".tpl", ".dist", ".defaults", ".schema", ".vault", ".ts", ".md"}

// secretNames are files known by their whole name, in lower case.
var secretNames = map[string]Kind{
	".env": Dotenv, ".envrc": Dotenv, ".flaskenv": Dotenv, ".dev.vars": Dotenv,
	".npmrc": Npmrc, ".yarnrc.yml": Npmrc,
	".pypirc": Masked, ".netrc": Masked, "_netrc": Masked, ".git-credentials": Masked, ".pgpass": Masked,
	".my.cnf": Masked, ".s3cfg": Masked, ".boto": Masked, ".vault-token": Masked, ".htpasswd": Masked,
	".dockerconfigjson": Masked, "kubeconfig": Masked, "master.key": Masked, "secrets.toml": Masked,
	"terraform.tfstate": Masked, "terraform.tfstate.backup": Masked,
	"id_rsa": Masked, "id_dsa": Masked, "id_ecdsa": Masked, "id_ed25519": Masked, "id_ecdsa_sk": Masked, "id_ed25519_sk": Masked,
	".secrets": Masked, "secrets.yml": Masked, "secrets.yaml": Masked, "secrets.json": Masked, "credentials": Masked,
	"dotenv": Dotenv, "env.local": Dotenv, "env.production": Dotenv, "env.development": Dotenv, "env.staging": Dotenv, "env.prod": Dotenv, "env.dev": Dotenv,
	"auth.json": JSON,
}

// secretEnds are files known by the end of their name.
var secretEnds = []struct {
	end  string
	kind Kind
}{
	{".env", Dotenv}, {".tfvars", Masked}, {".tfvars.json", Masked}, {".tfstate", Masked},
	{".p8", Masked}, {".p12", Masked}, {".pfx", Masked}, {".jks", Masked}, {".keystore", Masked}, {".ppk", Masked},
	{".pem", Key}, {".key", Key},
}

// copies are what people and editors add to the name of a copy.
var copies = []string{"~", "#", ".bak", ".old", ".orig", ".save", ".swp", ".swo", ".tmp", ".copy", " copy", " (copy)", "-copy", "_copy"}

// original is the name that a copy was made of; name is in lower case.
func original(name string) string {
	for again := true; again; {
		again = false
		for _, end := range copies {
			if s, ok := strings.CutSuffix(name, end); ok && len(s) > 3 {
				name, again = s, true
			}
		}
	}
	for _, begin := range []string{".#", "#", "._"} {
		name = strings.TrimPrefix(name, begin)
	}
	if strings.HasPrefix(name, "..") { // vim's .NAME.swp
		name = name[1:]
	}
	return name
}

// Of says how a file of this name is treated; rel is slash-separated.
func Of(rel string) Kind {
	name := path.Base(rel)
	if len(name) < 4 || strings.IndexByte(name, '.') < 0 && strings.IndexByte("i_kcd#IKCD", name[0]) < 0 {
		return None // nearly every name ends here
	}
	name = original(strings.ToLower(name))
	if k, ok := secretNames[name]; ok {
		return k
	}
	// Copies that people and editors make: .env-prod, .env~, .env.bak, ..env.swp
	plain := strings.TrimLeft(name, ".#_")
	copied := name[0] == '.' && strings.HasPrefix(plain, "env") && len(plain) > 3 && strings.IndexByte(".-_@+ 0123456789", plain[3]) >= 0
	if copied || strings.HasPrefix(name, ".dev.vars.") {
		for _, end := range templates {
			if strings.HasSuffix(name, end) {
				return None
			}
		}
		return Dotenv
	}
	for _, s := range secretEnds {
		if strings.HasSuffix(name, s.end) {
			if s.end == ".key" && path.Base(path.Dir(rel)) == "credentials" { // Rails
				return Masked
			}
			return s.kind
		}
	}
	if strings.HasSuffix(name, ".json") && accountName(name) {
		return JSON
	}
	return None
}

// accountName is what people call the key file of a service account.
func accountName(name string) bool {
	for _, part := range []string{"service-account", "service_account", "serviceaccount", "credential", "-key.json", "_key.json", "gcp", "gcloud", "firebase", "adminsdk"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Always reports whether a file is shown otherwise even when it is committed:
// a key in the repository can be read from its history anyway, and tests use it.
func (k Kind) Always() bool { return k == Dotenv || k == Npmrc }

// Holds decides by content, for the kinds whose name does not tell.
func (k Kind) Holds(content []byte) bool {
	switch k {
	case Key:
		return bytes.Contains(content, []byte("PRIVATE KEY"))
	case JSON:
		for _, word := range []string{`"private_key"`, `"github-oauth"`, `"http-basic"`, `"client_secret"`, `"refresh_token"`, `"bearer"`} {
			if bytes.Contains(content, []byte(word)) {
				return true
			}
		}
		return false
	case Npmrc:
		return len(Strip(content)) != len(content)
	}
	return true
}

// Strip leaves out the lines of .npmrc and .yarnrc.yml that hold a
// credential; a reference to the environment is none.
func Strip(content []byte) []byte {
	var out []byte
	for line := range bytes.Lines(content) {
		if !authLine(string(line)) {
			out = append(out, line...)
		}
	}
	return out
}

var authWords = []string{"auth", "password", "passwd", "token", "secret", "username", "ident", "cert", "key"}

// authLine errs toward leaving out: a comment may hold an old key, and a line
// without a name may be the rest of one.
func authLine(line string) bool {
	line = strings.TrimSpace(line)
	first, last := separators(line)
	switch {
	case line == "", first < 0 && (strings.HasSuffix(line, ":") || strings.HasPrefix(line, "- ")):
		return false
	case first < 0, line[0] == '#', line[0] == ';':
		return true
	}
	value := strings.Trim(line[first+1:], " \t\"'")
	if reference(value) || strings.HasSuffix(line[:first], "always-auth") && (value == "true" || value == "false") {
		return false
	}
	key := strings.ToLower(line[:last])
	for _, word := range authWords {
		if strings.Contains(key, word) {
			return true
		}
	}
	_, rest, url := strings.Cut(value, "://")
	host, _, _ := strings.Cut(rest, "/")
	return url && strings.Contains(host, "@")
}

// separators are the first and the last "=" or ": ", -1 if there is none.
func separators(line string) (first, last int) {
	first, last = strings.IndexByte(line, '='), strings.LastIndexByte(line, '=')
	if i := strings.Index(line, ": "); i >= 0 && (first < 0 || i < first) {
		first = i
	}
	return first, max(last, strings.LastIndex(line, ": "))
}

// reference is the name of a variable and nothing else.
func reference(value string) bool {
	name, ok := strings.CutPrefix(value, "${")
	name, end := strings.CutSuffix(name, "}")
	for _, c := range name {
		ok = ok && (c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	return ok && end
}
