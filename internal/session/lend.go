package session

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// lend puts a stand-in into the place of a key that the user has outside the
// vault, such as an agent's own. The gateway puts the key in toward hosts, and
// nowhere else. A name that is taken by another value gets a number: values are
// found by their names.
func (k *keys) lend(name secret.Name, v secret.Value, hosts []policy.Host) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	base := name
	for n := 2; k.taken(name); n++ {
		name = base + "-" + secret.Name(strconv.Itoa(n))
	}
	st := secret.NewPlaceholder(k.lendKey(), name, manifest.Repository(k.s.root), k.s.profile.Name, v)
	known := gateway.Known{Name: name, Placeholder: st, Value: v}
	k.seen = append(k.seen, known)
	values := append(slices.Clone(*k.values.Load()), known)
	k.values.Store(&values)
	k.bind(policy.Binding{Name: name, Placeholder: st, Hosts: hosts})
	return string(st)
}

func (k *keys) taken(name secret.Name) bool {
	_, vault := k.standins[name]
	return vault || slices.ContainsFunc(*k.values.Load(), func(v gateway.Known) bool { return v.Name == name })
}

// standin is what the sandbox sees of a secret of the vault.
func (k *keys) standin(name secret.Name) (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st, ok := k.standins[name]
	return st, ok
}

// lendKey makes stand-ins of lent keys the same in every session of a
// repository: programs remember which key they were allowed to use.
func (k *keys) lendKey() []byte {
	if k.s.plan {
		return k.local
	}
	file := filepath.Join(home.State(), "lend.key")
	if b, err := os.ReadFile(file); err == nil && len(b) == len(k.local) {
		return b
	}
	fresh := make([]byte, len(k.local))
	_, _ = rand.Read(fresh)
	if home.MakeDir(home.State()) != nil {
		return k.local
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return k.local
	}
	defer f.Close()
	if _, err := f.Write(fresh); err != nil {
		return k.local
	}
	return fresh
}
