package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// minHidden is the shortest value, in bytes, that is looked for in the
// environment: shorter ones are ordinary words.
const minHidden = 8

// keys holds what this session knows of secrets: the stand-ins that the
// sandbox sees, where each may go, and, while the vault is open, the values.
type keys struct {
	client  *api.Client
	project string
	s       *Session
	local   []byte // key for stand-ins of values that no vault knows

	bindings atomic.Pointer[[]policy.Binding]
	values   atomic.Pointer[[]gateway.Known]

	mu       sync.Mutex
	standins map[secret.Name]string // what the sandbox sees; missing = nothing
	seen     []gateway.Known        // values of files in the project, and lent ones
	kept     []policy.Binding       // of seen
	open     bool
}

// newKeys asks the vault for the project's names and stand-ins. Without a
// vault, or in a project that it doesn't know, there are none.
func newKeys(ctx context.Context, s *Session) (*keys, error) {
	k := &keys{client: s.opts.Client, s: s, standins: map[secret.Name]string{}, local: make([]byte, 32)}
	_, _ = rand.Read(k.local)
	k.bindings.Store(&[]policy.Binding{})
	k.values.Store(&[]gateway.Known{})
	project, ok := manifest.Bound(s.root)
	if k.client == nil || !ok {
		return k, nil
	}
	k.project = project
	k.client = k.client.WithSession(s.ID)
	if err := k.load(ctx); err != nil {
		return nil, err
	}
	k.client = s.opts.Background.WithSession(s.ID)
	return k, nil
}

func (k *keys) ref() api.Ref {
	return api.Ref{Project: k.project, Environment: k.s.opts.Environment, Path: k.folder()}
}

// folder is the vault's folder for the directory the command starts in.
func (k *keys) folder() string {
	if k.s.manifest == nil {
		return "/"
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(k.s.opts.Dir, k.s.root), "/")
	return k.s.manifest.Folder(rel)
}

// load fetches values and stand-ins; it is called again after an unlock.
func (k *keys) load(ctx context.Context) error {
	list, err := k.client.Resolved(ctx, k.ref(), false)
	if err != nil {
		return err
	}
	values := map[secret.Name]secret.Value{}
	q := api.PlaceholderQuery{Project: k.project, Environment: k.s.opts.Environment, Path: k.folder(), Profile: k.s.profile.Name}
	for _, item := range list {
		v, err := api.Unwire(item.Plain, item.Base64)
		if err != nil {
			return err
		}
		values[item.Key] = v
		if kind := k.kind(item.Key, v); kind != manifest.AgentNone {
			q.Names = append(q.Names, api.Wanted{Name: item.Key, Kind: kind})
		}
	}
	standins, err := k.client.Placeholders(ctx, q)
	if err != nil {
		return err
	}
	return k.install(values, standins)
}

// kind is what the sandbox sees of a secret: what the manifest says, else a
// placeholder, else, for an address that is bound to no host, one of the same
// form, because programs refuse to start with anything else.
func (k *keys) kind(name secret.Name, v secret.Value) string {
	var said manifest.Secret
	if k.s.manifest != nil {
		said = k.s.manifest.Secrets[name]
	}
	if said.Agent == "" && len(said.Hosts) == 0 && localForm(name, v) {
		return api.KindFake
	}
	return said.Kind()
}

// localForm is true for what is used by the code itself, not sent to an API.
func localForm(name secret.Name, v secret.Value) bool {
	return adoption.Known(name).Agent == manifest.AgentFake || bytes.Contains(v.Reveal(), []byte("://"))
}

func (k *keys) install(values map[secret.Name]secret.Value, standins []api.Standin) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := append([]gateway.Known{}, k.seen...)
	bindings := slices.Clone(k.kept)
	for _, st := range standins {
		k.standins[st.Name] = st.Placeholder
		known = append(known, gateway.Known{Name: st.Name, Placeholder: secret.Placeholder(st.Placeholder), Value: values[st.Name]})
		placeholder := k.kind(st.Name, values[st.Name]) == api.KindPlaceholder
		delete(values, st.Name)
		if !placeholder {
			continue
		}
		b := policy.Binding{Name: st.Name, Placeholder: secret.Placeholder(st.Placeholder)}
		if k.s.manifest != nil {
			hosts, err := k.s.manifest.Hosts(st.Name)
			if err != nil {
				return err
			}
			b.Hosts = hosts
		}
		bindings = append(bindings, b)
	}
	for name, v := range values { // those the sandbox sees nothing of
		known = append(known, gateway.Known{Name: name, Value: v})
	}
	k.bindings.Store(&bindings)
	k.values.Store(&known)
	k.open = true
	return nil
}

func (k *keys) currentBindings() []policy.Binding { return *k.bindings.Load() }

func (k *keys) known() []gateway.Known { return *k.values.Load() }

// value answers the gateway from memory; a locked vault means no value.
func (k *keys) value(_ context.Context, name secret.Name, _ policy.Host) (secret.Value, error) {
	for _, v := range k.known() {
		if v.Name == name && v.Value.Len() > 0 {
			return v.Value, nil
		}
	}
	return secret.Value{}, gateway.ErrLocked
}

// substitute is what stands in a .env file in place of a value. A name that
// the vault knows keeps its stand-in, so that file and environment agree.
func (k *keys) substitute(name string, value []byte, file string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.manifest != nil && k.s.manifest.Public[name] == string(value) {
		return string(value)
	}
	if st, ok := k.standins[secret.Name(name)]; ok {
		k.see(name, st, value)
		return st
	}
	v := secret.NewValue(bytes.Clone(value))
	if adoption.Public(name, v) {
		return string(value) // a port or a switch: programs need the real one
	}
	if localForm(secret.Name(name), v) {
		return string(secret.Fake(k.local, secret.Name(name), file, v).Reveal())
	}
	st := string(secret.NewPlaceholder(k.local, secret.Name(name), file, k.s.ID, v))
	k.see(name, st, value)
	return st
}

// see remembers a value that lies in the project, so that the gateway stops it
// on its way out. It is bound to no host.
func (k *keys) see(name, standin string, value []byte) {
	known := gateway.Known{Name: secret.Name(name), Placeholder: secret.Placeholder(standin), Value: secret.NewValue(bytes.Clone(value))}
	k.seen = append(k.seen, known)
	values := append(append([]gateway.Known{}, *k.values.Load()...), known)
	k.values.Store(&values)
	for _, b := range *k.bindings.Load() {
		if string(b.Placeholder) == standin {
			return
		}
	}
	k.bind(policy.Binding{Name: known.Name, Placeholder: known.Placeholder})
}

// bind adds a binding that no vault knows of.
func (k *keys) bind(b policy.Binding) {
	k.kept = append(k.kept, b)
	bindings := append(slices.Clone(*k.bindings.Load()), b)
	k.bindings.Store(&bindings)
}

// environment are the stand-ins as variables. What the manifest calls public
// is not among them.
func (k *keys) environment() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var env []string
	if k.project == "" {
		return nil
	}
	for name, st := range k.standins {
		if k.s.manifest != nil && k.s.manifest.Public[string(name)] != "" {
			continue
		}
		env = append(env, string(name)+"="+st)
	}
	return env
}

// holds says whether b contains a value that must not go in.
func (k *keys) holds(b []byte) bool {
	for _, v := range k.known() {
		if v.Value.Len() >= minHidden && bytes.Contains(b, v.Value.Reveal()) {
			return true
		}
	}
	return false
}

// follow ties the values to the vault's being open: when it locks they are
// forgotten and injection stops; when it opens again they come back.
func (k *keys) follow(ctx context.Context) {
	if k.project == "" {
		return
	}
	for ctx.Err() == nil {
		lease, err := k.client.Lease(ctx)
		if err == nil {
			if !k.open {
				err = k.load(ctx)
			}
			if err == nil {
				_ = lease.Wait()
			}
		}
		k.forget()
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (k *keys) forget() {
	k.mu.Lock()
	k.open = false
	seen := append([]gateway.Known{}, k.seen...)
	k.mu.Unlock()
	k.values.Store(&seen)
	k.s.gate.Forget()
}
