package belonging

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/policy"
)

// servers goes through declarations of MCP servers. Each one's keys become
// stand-ins that are good toward its own host; a server that is a program gets
// stand-ins that are good nowhere until the project binds their names. The
// user's own file says which servers there are, so their hosts are opened.
func (g *gatherer) servers(v any) any {
	all, ok := v.(map[string]any)
	if !ok {
		return map[string]any{}
	}
	for _, name := range sorted(all) {
		decl, ok := all[name].(map[string]any)
		if !ok {
			delete(all, name)
			continue
		}
		hosts := g.address(name, decl)
		for _, k := range sorted(decl) {
			switch inner := decl[k]; k {
			case "env", "environment", "headers", "http_headers":
				decl[k] = g.values(inner, hosts)
			case "command", "args":
				decl[k] = g.words(inner, hosts)
			case "env_http_headers", "bearer_token_env_var", "env_vars": // names of variables
			default:
				decl[k] = g.veil(k, inner)
			}
		}
	}
	return all
}

// address opens the server's host and returns it; it takes keys out of the
// address itself.
func (g *gatherer) address(name string, decl map[string]any) []policy.Host {
	for _, k := range []string{"url", "httpUrl", "serverUrl"} {
		text, _ := decl[k].(string)
		u, err := url.Parse(text)
		if text == "" || err != nil || u.Scheme != "https" {
			continue
		}
		host, err := policy.ParseHost(u.Host)
		if err != nil {
			continue
		}
		hosts := []policy.Host{host}
		g.t.Rules = append(g.t.Rules, policy.Rule{Host: host, Access: policy.Write, Origin: "your MCP server " + name})
		decl[k] = g.cleanURL(u, hosts)
		g.note(name, Copied, "an MCP server at "+host.String())
		return hosts
	}
	g.note(name, Copied, "an MCP server that is a program: its keys are good nowhere until bailey.yaml binds them")
	return nil
}

// cleanURL lends what an address says of its user, and its query.
func (g *gatherer) cleanURL(u *url.URL, hosts []policy.Host) string {
	q := u.Query()
	for _, k := range sorted(q) {
		list := q[k]
		for i, v := range list {
			if s, ok := g.lend(plainName(k), v, hosts); ok {
				list[i] = s
			}
		}
	}
	if len(q) > 0 {
		u.RawQuery = q.Encode()
	}
	if pass, ok := u.User.Password(); ok {
		if s, ok := g.lend("password", pass, hosts); ok {
			u.User = url.UserPassword(u.User.Username(), s)
		}
	}
	return u.String()
}

// values lends every value of a mapping of variables or headers but those that
// are plainly none. What is written as a reference to a variable stays.
func (g *gatherer) values(v any, hosts []policy.Host) any {
	m, ok := v.(map[string]any)
	if !ok {
		return map[string]any{}
	}
	for _, k := range sorted(m) {
		text, ok := m[k].(string)
		if !ok || harmless(k, text) {
			continue
		}
		scheme, key, ok := strings.Cut(text, " ") // Bearer KEY
		if !ok || !slices.Contains([]string{"bearer", "token", "apikey"}, strings.ToLower(scheme)) {
			scheme, key = "", text
		}
		if s, ok := g.lend(plainName(k), key, hosts); ok {
			m[k] = strings.TrimPrefix(scheme+" "+s, " ")
		}
	}
	return m
}

// harmless is what programs need as it is: switches, paths, addresses without
// a user, and references.
func harmless(name, v string) bool {
	switch u, err := url.Parse(v); {
	case len(v) < minKey:
		return true
	case secretName(name):
		return strings.HasPrefix(v, "${") && strings.HasSuffix(v, "}")
	case strings.Contains(v, "${"), strings.HasPrefix(v, "/"), strings.HasPrefix(v, "."):
		return true
	case err == nil && u.Scheme != "" && u.Host != "":
		return u.User == nil && u.RawQuery == ""
	}
	return strings.EqualFold(name, "content-type") || strings.EqualFold(name, "accept") || strings.EqualFold(name, "user-agent") ||
		strings.EqualFold(name, "node_env") || strings.EqualFold(name, "log_level")
}

// words goes through a command and its arguments: keys are lent, and files of
// the home that it names come along.
func (g *gatherer) words(v any, hosts []policy.Host) any {
	switch v := v.(type) {
	case string:
		g.file(v)
	case []any:
		after := ""
		for i, w := range v {
			text, ok := w.(string)
			if !ok {
				continue
			}
			v[i] = g.word(after, text, hosts)
			after = text
		}
	}
	return v
}

// word is one argument: an address, --token KEY, --token=KEY, KEY=value or a
// file.
func (g *gatherer) word(after, text string, hosts []policy.Host) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" && u.User != nil {
		return g.cleanURL(u, hosts)
	}
	name, value, joined := strings.Cut(text, "=")
	if joined && secretName(name) {
		if s, ok := g.lend(plainName(name), value, hosts); ok {
			return name + "=" + s
		}
	}
	if strings.HasPrefix(after, "-") && secretName(after) {
		if s, ok := g.lend(plainName(after), text, hosts); ok {
			return s
		}
	}
	g.file(text)
	return text
}

// file brings a program of the user's own: the package that it belongs to,
// else the file alone.
func (g *gatherer) file(p string) {
	rel, err := filepath.Rel(g.Home, filepath.Clean(p))
	if err != nil || !filepath.IsAbs(p) || !filepath.IsLocal(rel) || rel == "." {
		return
	}
	if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
		return
	}
	if pkg := packageOf(rel, g.Home); pkg != "" {
		rel = pkg
	}
	if !slices.Contains(g.programs, rel) { // brought once every key is known
		g.programs = append(g.programs, rel)
	}
}

// packageOf is the nearest directory below the home, at most three up, that is
// a package: what the program imports lies in it.
func packageOf(rel, home string) string {
	dir := filepath.Dir(rel)
	for range 3 {
		if dir == "." {
			return ""
		}
		for _, name := range []string{"package.json", "pyproject.toml"} {
			if _, err := os.Stat(filepath.Join(home, dir, name)); err == nil {
				return dir
			}
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// secretName reports whether a name says that its value is a key.
func secretName(name string) bool {
	n := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))
	return slices.ContainsFunc([]string{"token", "apikey", "secret", "password", "passwd", "authorization", "credential", "privatekey", "accesskey", "bearer", "cookie"},
		func(w string) bool { return strings.Contains(n, w) })
}

// plainName makes a secret's name of any name.
func plainName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, strings.TrimLeft(name, "-"))
	return clean[:min(len(clean), 200)]
}
