package profile

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// credentials are names that no profile brings, nor anything below them:
// whoever writes one means a stand-in, which is what keys are for.
var credentials = []string{
	".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".netrc", ".git-credentials", ".npmrc", ".pypirc",
	".pgpass", ".my.cnf", ".vault-token", ".env", ".envrc", ".credentials.json", "credentials", "credentials.json", "credentials.toml",
	"credentials.tfrc.json", "credentials.db", "auth.json", "oauth_creds.json", "hosts.yml", "keyrings", "bailey", "id_rsa", "id_ed25519", "id_ecdsa",
	".bash_history", ".zsh_history", ".mozilla", ".config/gh", ".config/gcloud",
}

// Credential reports whether a path of the home is, or lies below, what is
// known to hold credentials.
func Credential(rel string) bool {
	slashed := "/" + strings.Trim(rel, "/") + "/"
	return slices.ContainsFunc(credentials, func(c string) bool { return strings.Contains(slashed, "/"+c+"/") })
}

// check refuses what cannot be meant.
func (p *Profile) check() error {
	if p.State != "" && p.State != OfSession && p.State != OfRepository {
		return fmt.Errorf("state: %q is neither %s nor %s", p.State, OfSession, OfRepository)
	}
	if p.Extends != "" && !valid(p.Extends) {
		return fmt.Errorf("extends: %.40q is no name of a profile", p.Extends)
	}
	if _, err := p.Rules(); err != nil {
		return err
	}
	for _, rel := range p.Bring {
		if err := below(rel); err != nil {
			return fmt.Errorf("bring: %w", err)
		}
		if Credential(rel) {
			return fmt.Errorf("bring: %s holds credentials; name the key under \"keys\", the sandbox then sees a stand-in", rel)
		}
	}
	for _, pattern := range p.Hide {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("hide: %q: %w", pattern, err)
		}
	}
	return p.checkParts()
}

func (p *Profile) checkParts() error {
	for name, k := range p.Keys {
		if err := k.check(name); err != nil {
			return fmt.Errorf("keys: %s: %w", name, err)
		}
	}
	for rel := range p.Settings {
		if err := below(rel); err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		if Credential(rel) || !encodable(rel) {
			return fmt.Errorf("settings: %s is not a .json or .toml file of settings", rel)
		}
	}
	for file, content := range p.Lay {
		if !layable(file) {
			return fmt.Errorf("lay: %s is neither a file in a directory of its own below /etc nor one of the home (~/)", file)
		}
		if _, isText := content.(string); !isText && !encodable(file) {
			return fmt.Errorf("lay: %s is a mapping, and its name ends in neither .json nor .toml", file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		if _, err := secret.ParseName(name); err != nil {
			return fmt.Errorf("env: %w", err)
		}
		if slices.Contains(fixed, name) {
			return fmt.Errorf("env: %s is the sandbox's own", name)
		}
	}
	return nil
}

// layable accepts files of the private home, and those in directories of /etc
// that hold nothing which every program relies on.
func layable(file string) bool {
	if rel, ok := strings.CutPrefix(file, "~/"); ok {
		return below(rel) == nil
	}
	dir, _, ok := strings.Cut(strings.TrimPrefix(file, "/etc/"), "/")
	return ok && path.Clean(file) == file && strings.HasPrefix(file, "/etc/") &&
		!slices.Contains([]string{"ssl", "pki", "alternatives", "fonts", "terminfo", "perl", "vim", "pam.d", "security"}, dir) && !strings.HasPrefix(dir, "ld.so")
}

// fixed are variables that no profile may set: they say where things lie
// inside, or load code into every program.
var fixed = []string{"HOME", "USER", "LOGNAME", "PATH", "PWD", "TMPDIR", "BAILEY_SESSION", "LD_PRELOAD", "LD_LIBRARY_PATH",
	"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}

func (k Key) check(name string) error {
	if _, err := secret.ParseName(name); err != nil {
		return err
	}
	if len(k.Hosts) == 0 {
		return fmt.Errorf("no hosts: toward whom is it good?")
	}
	for _, h := range k.Hosts {
		if _, err := policy.ParseHost(h); err != nil {
			return err
		}
	}
	for _, s := range k.From {
		if err := below(s.File); err != nil {
			return err
		}
		if len(s.Key) == 0 {
			return fmt.Errorf("from %s: which key of the file?", s.File)
		}
	}
	return nil
}

// below accepts a path relative to the home that stays there.
func below(rel string) error {
	if rel == "." || !filepath.IsLocal(rel) || path.Clean(rel) != rel || strings.ContainsAny(rel, "\x00\n") {
		return fmt.Errorf("%.80q is not a path below the home", rel)
	}
	return nil
}

func encodable(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".toml")
}
