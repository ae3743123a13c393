package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// Rules are the egress rules that the file asks for, each with the line it
// stands on: what agent.network lists, and write access to every host that a
// secret is bound to, since a key that cannot be used is no use.
func (m *Manifest) Rules() ([]policy.Rule, error) {
	var rules []policy.Rule
	for i, text := range m.Agent.Network {
		r, err := policy.ParseRule(text, m.origin(item("agent.network", i)))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	for _, name := range sorted(m.Secrets) {
		hosts, err := m.Hosts(name)
		if err != nil {
			return nil, err
		}
		for i, h := range hosts {
			origin := m.origin(item("secrets."+string(name)+".hosts", i))
			rules = append(rules, policy.Rule{Host: h, Access: policy.Write, Origin: origin})
		}
	}
	return rules, nil
}

// Limits are what the file says that a session may take, each with its line.
func (m *Manifest) Limits() (limit.Set, error) {
	return limit.Parse(m.Agent.Limits, func(name string) string { return m.origin("agent.limits." + name) })
}

// Hosts are the destinations that a secret is bound to.
func (m *Manifest) Hosts(name secret.Name) ([]policy.Host, error) {
	var hosts []policy.Host
	for _, text := range m.Secrets[name].Hosts {
		h, err := policy.ParseHost(text)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func (m *Manifest) origin(key string) string {
	if line := m.lines[key]; line > 0 {
		return fmt.Sprintf("%s:%d", Name, line)
	}
	return Name
}

func item(key string, i int) string { return key + "." + strconv.Itoa(i) }

func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
