package source

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Kind is how a place is spoken to.
type Kind string

// The kinds, each the scheme of its addresses.
const (
	Environment Kind = "environment" // environment:
	Command     Kind = "command"     // command:PROGRAM ARGUMENT…
	Dotenv      Kind = "dotenv"      // dotenv:FILE
	Age         Kind = "age"         // age:FILE
	Sops        Kind = "sops"        // sops:FILE
	Vault       Kind = "vault"       // vault://HOST/MOUNT/PATH, KV version 2
	Infisical   Kind = "infisical"   // infisical://HOST/PROJECT/ENVIRONMENT/FOLDER
	OnePassword Kind = "op"          // op://VAULT/ITEM
	Bailey      Kind = "bailey"      // bailey:ENVIRONMENT/FOLDER
)

// Forms lists how addresses look, for help texts.
const Forms = "bailey:ENV[/FOLDER], environment:, dotenv:FILE, age:FILE, sops:FILE, command:PROGRAM ARGUMENT…,\n" +
	"vault://HOST/MOUNT/PATH (OpenBao or HashiCorp Vault, KV version 2),\n" +
	"infisical://HOST/PROJECT/ENVIRONMENT[/FOLDER], op://VAULT/ITEM (1Password)"

// Address says where an environment lives.
type Address struct {
	Kind  Kind
	Host  string   // with port, of a server
	Plain bool     // http in place of https: only to this machine
	Parts []string // of the path on the server, or the one file name or command line
}

// Parse reads an address. It holds no credentials: one that does is refused.
func Parse(s string) (Address, error) {
	if s == string(Environment) { // YAML takes a colon at the end for its own
		return Address{Kind: Environment}, nil
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || len(s) > 2048 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Address{}, fmt.Errorf("it is no address; one is %s", strings.ReplaceAll(Forms, "\n", " "))
	}
	a := Address{Kind: Kind(scheme)}
	if plain, is := strings.CutSuffix(scheme, "+http"); is {
		a.Kind, a.Plain = Kind(plain), true
	}
	switch a.Kind {
	case "openbao":
		a.Kind = Vault
		return a.server(rest, 2, 32)
	case Vault:
		return a.server(rest, 2, 32)
	case Infisical:
		return a.server(rest, 2, 32)
	case OnePassword:
		return a.item(rest)
	}
	if a.Plain {
		return a, errors.New("+http goes with vault and infisical")
	}
	return a.local(rest)
}

// local reads the addresses that name no server.
func (a Address) local(rest string) (Address, error) {
	switch a.Kind {
	case Environment:
		if rest != "" {
			return a, errors.New("environment: has nothing after it; the names are those of bailey.yaml")
		}
	case Command, Dotenv, Age, Sops:
		if strings.TrimSpace(rest) == "" {
			return a, fmt.Errorf("%s: what comes after it is missing", a.Kind)
		}
		a.Parts = []string{strings.TrimSpace(rest)}
	case Bailey:
		env, folder, _ := strings.Cut(rest, "/")
		a.Parts = []string{env, path.Clean("/" + folder)}
	default:
		return a, fmt.Errorf("%s is no kind of place; there is %s", a.Kind, strings.ReplaceAll(Forms, "\n", " "))
	}
	return a, nil
}

// server reads //HOST/PART/PART….
func (a Address) server(rest string, least, most int) (Address, error) {
	u, err := url.Parse("https:" + rest)
	switch {
	case err != nil || u.Host == "" || !strings.HasPrefix(rest, "//"):
		return a, fmt.Errorf("%s:// needs a host", a.Kind)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return a, errors.New("an address has no user, password, ? or #: credentials come from the environment")
	case a.Plain && !loopback(u.Hostname()):
		return a, errors.New("+http would send the token in the clear; it is for this machine's own loopback")
	}
	a.Host = strings.ToLower(u.Host)
	a.Parts, err = parts(strings.Trim(u.EscapedPath(), "/"))
	if err == nil && (len(a.Parts) < least || len(a.Parts) > most) {
		err = fmt.Errorf("%s://HOST needs at least %d parts after it", a.Kind, least)
	}
	return a, err
}

// item reads //VAULT/ITEM, which may hold spaces.
func (a Address) item(rest string) (Address, error) {
	vault, item, ok := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	bad := func(s string) bool { return s == "" || strings.HasPrefix(s, "-") || strings.Contains(s, "/") }
	if !ok || a.Plain || bad(vault) || bad(item) {
		return a, errors.New("an item of 1Password is op://VAULT/ITEM")
	}
	a.Parts = []string{vault, item}
	return a, nil
}

func parts(s string) ([]string, error) {
	var out []string
	for p := range strings.SplitSeq(s, "/") {
		p, err := url.PathUnescape(p)
		if err != nil || p == "" || p == "." || p == ".." || strings.ContainsAny(p, "/\\") {
			return nil, errors.New("the path has an empty part, . or .., or one that cannot be read")
		}
		out = append(out, p)
	}
	return out, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// String is the address as Parse reads it.
func (a Address) String() string {
	scheme := string(a.Kind)
	if a.Plain {
		scheme += "+http"
	}
	switch a.Kind {
	case Vault, Infisical:
		return scheme + "://" + a.Host + "/" + a.path()
	case OnePassword:
		return scheme + "://" + strings.Join(a.Parts, "/")
	case Bailey:
		return scheme + ":" + strings.TrimSuffix(strings.Join(a.Parts, ""), "/")
	}
	return scheme + ":" + strings.Join(a.Parts, "")
}

// path is the parts joined, escaped for a URL.
func (a Address) path() string {
	escaped := make([]string, len(a.Parts))
	for i, p := range a.Parts {
		escaped[i] = url.PathEscape(p)
	}
	return strings.Join(escaped, "/")
}

// In is the place of a folder of the environment that a stands for. Only
// servers have folders.
func (a Address) In(folder string) (Address, error) {
	if folder == "/" || folder == "" {
		return a, nil
	}
	if a.Kind != Vault && a.Kind != Infisical {
		return a, fmt.Errorf("%s has no folders, and %s is wanted", a, folder)
	}
	more, err := parts(strings.Trim(folder, "/"))
	a.Parts = append(append([]string{}, a.Parts...), more...)
	return a, err
}

// Remote says whether the place is on another machine.
func (a Address) Remote() bool {
	return a.Kind == Vault || a.Kind == Infisical || a.Kind == OnePassword
}

func (a Address) base() string {
	if a.Plain {
		return "http://" + a.Host
	}
	return "https://" + a.Host
}
