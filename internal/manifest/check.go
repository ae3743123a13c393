package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// MaxProject is the longest project slug, in bytes.
const MaxProject = 64

// ValidProject says whether s can be a project's slug.
func ValidProject(s string) bool {
	return s != "" && len(s) <= MaxProject && s[0] != '-' && only(s, "-")
}

// ValidFolder says whether s is an absolute folder of the vault.
func ValidFolder(s string) bool {
	if s == "/" {
		return true
	}
	if !strings.HasPrefix(s, "/") || path.Clean(s) != s {
		return false
	}
	for part := range strings.SplitSeq(s[1:], "/") {
		if !only(strings.ToLower(part), "-_") || part == "" {
			return false
		}
	}
	return true
}

// only is true for lower-case letters, digits and the bytes of more.
func only(s, more string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(more, c) >= 0) {
			return false
		}
	}
	return true
}

func (m *Manifest) check() error {
	if m.Project == "" {
		return &Error{Text: "project is missing: the name of the project in the vault"}
	}
	if !ValidProject(m.Project) {
		return m.at("project", "project has lower-case letters, digits and '-', at most 64")
	}
	for _, check := range []func() error{m.checkPaths, m.checkSources, m.checkSecrets, m.checkFiles, m.checkPublic, m.checkAgent} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manifest) checkPaths() error {
	for _, dir := range sorted(m.Paths) {
		if !local(dir) {
			return m.at("paths."+dir, "a directory below the project is expected, written without './' or '..'")
		}
		if !ValidFolder(m.Paths[dir]) {
			return m.at("paths."+dir, "a folder of the vault looks like /api/worker: letters, digits, '-' and '_'")
		}
	}
	return nil
}

// checkSources leaves the addresses to package source, which knows their kinds.
func (m *Manifest) checkSources() error {
	for _, env := range sorted(m.Sources) {
		switch {
		case slices.Contains([]string{"dev", "stage", "prod"}, env):
			return m.at("sources."+env, "the environment's whole name is expected: development, staging, production")
		case !ValidProject(env):
			return m.at("sources."+env, "an environment has lower-case letters, digits and '-', at most 64")
		case !strings.Contains(m.Sources[env], ":") && m.Sources[env] != "environment":
			return m.at("sources."+env, "an address is expected, such as vault://HOST/MOUNT/PATH; see: bailey help sources")
		case strings.HasPrefix(m.Sources[env], "bailey:"):
			return m.at("sources."+env, "an environment that lives elsewhere does not live in this vault")
		}
	}
	return nil
}

func (m *Manifest) checkSecrets() error {
	for _, name := range sorted(m.Secrets) {
		key := "secrets." + string(name)
		if _, err := secret.ParseName(string(name)); err != nil {
			return m.at(key, err.Error())
		}
		s := m.Secrets[name]
		if !slices.Contains([]string{"", AgentPlaceholder, AgentFake, AgentNone}, s.Agent) {
			return m.at(key+".agent", "agent is one of placeholder, fake, none")
		}
		for i, h := range s.Hosts {
			if _, err := policy.ParseHost(h); err != nil {
				return m.at(item(key+".hosts", i), err.Error())
			}
		}
	}
	return nil
}

func (m *Manifest) checkFiles() error {
	for _, name := range sorted(m.Files) {
		f := m.Files[name]
		switch {
		case !local(name):
			return m.at("files."+name, "a file below the project is expected, written without './' or '..'")
		case !slices.Contains([]string{"dotenv", "json", "raw"}, f.Format):
			return m.at("files."+name, "format is one of dotenv, json, raw")
		case f.Format == "raw" && len(f.Secrets) != 1:
			return m.at("files."+name, "a raw file holds exactly one secret")
		}
		for i, n := range f.Secrets {
			if _, err := secret.ParseName(string(n)); err != nil {
				return m.at(item("files."+name+".secrets", i), err.Error())
			}
		}
	}
	return nil
}

func (m *Manifest) checkPublic() error {
	for _, name := range sorted(m.Public) {
		if _, err := secret.ParseName(name); err != nil {
			return m.at("public."+name, err.Error())
		}
		if Decides(name) {
			return m.at("public."+name, name+" decides which code a program runs: set it in your own environment")
		}
		if strings.IndexByte(m.Public[name], 0) >= 0 {
			return m.at("public."+name, "a value of the environment has no NUL")
		}
		if _, both := m.Secrets[secret.Name(name)]; both {
			return m.at("public."+name, name+" stands under secrets, too: it is one or the other")
		}
	}
	return nil
}

// Decides is true for variables by which a program of the system, run with the
// secrets, could be made to run a file of the project: an agent can edit this
// file, and "bailey run -- psql" must stay psql.
func Decides(name string) bool {
	for _, prefix := range []string{"LD_", "DYLD_", "GIT_", "BAILEY_", "NPM_CONFIG_", "npm_config_", "BASH_FUNC_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{
		"PATH", "HOME", "SHELL", "ENV", "BASH_ENV", "IFS", "PS4", "PROMPT_COMMAND", "EDITOR", "VISUAL", "PAGER", "BROWSER",
		"NODE_OPTIONS", "NODE_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "PERL5OPT", "PERL5LIB", "RUBYOPT", "RUBYLIB",
		"JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "GOFLAGS", "RUSTC_WRAPPER", "CARGO_HOME", "TMPDIR",
	}, name)
}

func (m *Manifest) checkAgent() error {
	for i, rule := range m.Agent.Network {
		if _, err := policy.ParseRule(rule, ""); err != nil {
			return m.at(item("agent.network", i), err.Error())
		}
	}
	for i, h := range m.Agent.Host {
		if host, err := policy.ParseHost(h); err != nil || host.Port == 0 {
			return m.at(item("agent.host", i), "a service of the host is written NAME:PORT, such as localhost:11434")
		}
	}
	for _, name := range sorted(m.Agent.Limits) {
		if _, err := limit.Number(limit.Name(name), m.Agent.Limits[name]); err != nil {
			return m.at("agent.limits."+name, err.Error())
		}
	}
	for i, p := range m.Agent.Ports {
		if _, err := policy.AsPort(p); err != nil {
			return m.at(item("agent.ports", i), err.Error())
		}
	}
	return nil
}

// local is true for a clean relative slash path that stays below the root.
func local(p string) bool {
	return p != "" && p != "." && !strings.HasPrefix(p, "/") && path.Clean(p) == p &&
		p != ".." && !strings.HasPrefix(p, "../") && strings.IndexByte(p, 0) < 0
}

func (m *Manifest) at(key, text string) error {
	return &Error{Line: m.lines[key], Text: text}
}
