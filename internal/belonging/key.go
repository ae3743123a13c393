package belonging

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/secret"
)

// maxFile bounds a file of settings or keys, bytes.
const maxFile = 4 << 20

// keys lends the program's own credentials, those that the user has.
func (g *gatherer) keys() {
	for _, name := range sorted(g.Profile.Keys) {
		k := g.Profile.Keys[name]
		if s, ok := g.Have(secret.Name(name)); ok {
			g.standins[name] = s
			g.note(name, StandIn, "from the vault, good toward the hosts that bailey.yaml names")
			continue
		}
		value, from := g.find(name, k)
		if len(value) == 0 {
			g.note(name, Absent, "")
			continue
		}
		standin, ok := g.lend(name, value[0], parseHosts(k.Hosts))
		if !ok {
			g.note(name, LeftOut, "too short for a key")
			continue
		}
		for _, other := range value[1:] { // of use to nobody, but not to be seen either
			_, _ = g.lend(name, other, nil)
		}
		g.standins[name] = standin
		g.t.Env = append(g.t.Env, name+"="+standin)
		g.note(name, StandIn, "from "+from+", good toward "+strings.Join(k.Hosts, ", "))
	}
}

// find looks for a key in the caller's environment, then in the user's files:
// every value that there is, the one to use first.
func (g *gatherer) find(name string, k profile.Key) (values []string, from string) {
	put := func(v, where string) {
		if v != "" && !slices.Contains(values, v) {
			values, from = append(values, v), cmp.Or(from, where)
		}
	}
	for _, e := range slices.Backward(g.Env) {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			put(v, "the environment")
			break
		}
	}
	for _, s := range k.From {
		b, err := readFile(filepath.Join(g.Home, s.File))
		if err != nil {
			continue
		}
		put(pick(s, b), "~/"+s.File)
	}
	return values, from
}

// pick takes one value out of a file.
func pick(s profile.Source, b []byte) string {
	if !strings.HasSuffix(s.File, ".json") {
		f, err := dotenv.Parse(b)
		if err != nil {
			return ""
		}
		v, _ := f.Get(s.Key[0])
		return string(v)
	}
	var at any
	if json.Unmarshal(b, &at) != nil {
		return ""
	}
	for _, k := range s.Key {
		m, ok := at.(map[string]any)
		if !ok {
			return ""
		}
		at = m[k]
	}
	v, _ := at.(string)
	return v
}

func parseHosts(texts []string) []policy.Host {
	var hosts []policy.Host
	for _, t := range texts {
		if h, err := policy.ParseHost(t); err == nil {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// readFile reads a regular file of the user's home; it waits on no FIFO.
func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, os.ErrInvalid
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// holds reports whether b contains a value that was lent.
func (g *gatherer) holds(b []byte) bool {
	return slices.ContainsFunc(g.lent, func(v []byte) bool { return bytes.Contains(b, v) })
}
