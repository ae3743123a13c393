package survey

import (
	"path"
	"slices"
	"strings"
)

// Environments of the .env family.
const (
	Development = "development"
	Test        = "test"
	Staging     = "staging"
	Production  = "production"
)

// The ranks within one environment, as dotenv-flow, Next and Vite have them.
const (
	rankBase = iota
	rankEnvironment
	rankLocal
	rankEnvironmentLocal
)

// Samples are the last parts of names whose files hold no secrets and tell
// people which names are needed.
func Samples() []string {
	return []string{"example", "sample", "template", "dist", "defaults", "schema", "tpl"}
}

// copies are the last parts of names that editors and people make.
var copies = []string{"bak", "backup", "old", "orig", "save", "saved", "copy", "swp", "tmp", "rej"}

// Classify says what a file named ".env…" is. With an empty environment it is
// not to be imported; why then tells a person, or is empty for a sample.
func Classify(name string) (environment string, rank int, why string) {
	if name == ".env" {
		return Development, rankBase, ""
	}
	if strings.HasPrefix(name, ".envrc") {
		return "", 0, "a script of direnv: it is not imported"
	}
	rest, ok := strings.CutPrefix(name, ".env.")
	if !ok {
		return "", 0, "looks like a copy of a .env file: remove it when you don't need it"
	}
	parts := strings.Split(rest, ".")
	last := parts[len(parts)-1]
	switch {
	case slices.ContainsFunc(parts, func(p string) bool { return p == "vault" || slices.Contains(Samples(), p) }):
		return "", 0, ""
	case slices.Contains(copies, last) || strings.HasSuffix(last, "~") || strings.Contains(last, "#"):
		return "", 0, "looks like a copy of a .env file: remove it when you don't need it"
	case slices.Contains([]string{"enc", "age", "gpg", "asc", "encrypted"}, last):
		return "", 0, ""
	case rest == "keys":
		return "", 0, "keys of dotenvx: it is not imported"
	case rest == "local":
		return Development, rankLocal, ""
	}
	return named(parts)
}

// named handles .env.NAME and .env.NAME.local.
func named(parts []string) (string, int, string) {
	rank := rankEnvironment
	if len(parts) == 2 && parts[1] == "local" {
		parts, rank = parts[:1], rankEnvironmentLocal
	}
	env := canonical(parts[0])
	if len(parts) != 1 || !slug(env) {
		return "", 0, "its name says no environment: it is not imported"
	}
	return env, rank, ""
}

func canonical(name string) string {
	switch name {
	case "dev":
		return Development
	case "prod":
		return Production
	case "stage", "stg":
		return Staging
	case "testing":
		return Test
	}
	return name
}

func slug(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// secretFiles are files, other than the .env family, that hold secrets by
// their name alone.
func secretFile(name string) (why string) {
	switch name {
	case ".dev.vars":
		return "secrets of wrangler"
	case "master.key", "credentials.key":
		return "a key of Rails"
	case ".netrc", ".git-credentials", ".pgpass", ".htpasswd", ".pypirc":
		return "passwords"
	case "id_rsa", "id_ed25519", "id_ecdsa":
		return "a private ssh key"
	case "secrets.toml", "secrets.yaml", "secrets.yml", "secrets.json":
		return "secrets by its name"
	case "appsettings.Development.json", "local.properties":
		return "local settings, often with secrets"
	case "service-account.json", "serviceAccountKey.json", "service_account.json", "gcp-key.json":
		return "a key of a service account"
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".p8", ".p12", ".pfx", ".keystore", ".jks":
		return "a private key or key store"
	case ".tfvars":
		return "variables of Terraform, often with secrets"
	case ".env":
		return "looks like a dotenv file"
	}
	return ""
}
