// Package mirror keeps an environment of the vault like the place where it
// lives: what the place says now is written into the vault, so that everything
// that reads the vault reads it, sealed and recorded like any other value; and
// while the place does not answer, what it said last is still there.
//
// It asks nobody whether an address is to be trusted; whoever calls it has.
// Its invariants: nothing that was set in the vault by hand is overwritten or
// removed; what a place refuses is not served from the copy; and the copy of
// one address is never taken for another's.
package mirror

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source"
)

// Budgets of one look at a place.
const (
	// withCopy is how long a server may take while there is a copy.
	withCopy = 2 * time.Second
	// patience is for the first time, and for programs that ask a person.
	patience = 30 * time.Second
)

// Environment is a folder of an environment, in the vault and where it lives.
type Environment struct {
	Client *api.Client
	Ref    api.Ref
	World  source.World
	At     source.Address // of the folder
}

// State is what is in the vault now.
type State struct {
	Fetched time.Time     // when the place said so
	Why     error         // why it is not from now, nil if it is
	Left    []secret.Name // what the place has and nobody may be given, see harmless
}

// Update brings the vault up to date. A place that does not answer is no
// error while there is a copy.
func (e Environment) Update(ctx context.Context) (State, error) {
	n := e.note()
	items, err := e.read(ctx, n.whole())
	switch {
	case ctx.Err() != nil:
		return State{}, ctx.Err()
	case api.IsCode(err, api.Unavailable) && n.whole():
		return State{Fetched: n.Fetched, Why: err}, nil
	case err != nil:
		return State{}, advised(err, n)
	}
	items, left := harmless(items)
	if err := e.take(ctx, n, items); err != nil {
		return State{}, err
	}
	return State{Fetched: time.Now(), Left: left}, nil
}

// advised says that there is a copy, to who has nothing better to try.
func advised(err error, n note) error {
	var e *api.Error
	if !errors.As(err, &e) || e.Advice != "" {
		return err
	}
	e.Advice = "see: bailey help sources"
	if n.whole() && e.Code != api.Denied {
		e.Advice = "when it is known to be away: --offline uses what was there last"
	}
	return e
}

// Offline says how old the copy is, and asks nobody.
func (e Environment) Offline() (State, error) {
	n := e.note()
	if !n.whole() {
		return State{}, api.Errorf(api.Missing, "nothing of %s was fetched yet", e.At).WithHint("once without --offline")
	}
	return State{Fetched: n.Fetched, Why: api.Errorf(api.Unavailable, "--offline")}, nil
}

func (e Environment) read(ctx context.Context, haveCopy bool) ([]exchange.Item, error) {
	budget := patience
	if haveCopy && (e.At.Kind == source.Vault || e.At.Kind == source.Infisical) {
		budget = withCopy
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	s, err := e.World.Open(e.At)
	if err != nil {
		return nil, err
	}
	return s.Read(ctx)
}

// harmless leaves out names that decide which code a program runs: who may set
// keys in some other place was not asked whether he may do that here.
func harmless(items []exchange.Item) (ok []exchange.Item, left []secret.Name) {
	for _, it := range items {
		if manifest.Decides(string(it.Name)) {
			left = append(left, it.Name)
			continue
		}
		ok = append(ok, it)
	}
	return ok, left
}

// take writes what differs. The note of it is made before, for what is written
// is not to be taken for a person's when this process is killed.
func (e Environment) take(ctx context.Context, n note, items []exchange.Item) error {
	if err := adoption.MakeFolder(ctx, e.Client, e.Ref); err != nil {
		return err
	}
	have, err := e.Client.Secrets(ctx, e.Ref, false)
	if err != nil {
		return err
	}
	changed, gone := difference(have, items)
	if err := e.refuseForeign(n, have, changed, gone); err != nil {
		return err
	}
	names := make([]secret.Name, len(items))
	for i, it := range items {
		names[i] = it.Name
	}
	if len(changed)+len(gone) > 0 {
		// Until all is written, the names of before and after are ours.
		begun := note{Address: e.At.String(), Names: slices.Concat(names, n.Names)}
		if err := e.keep(begun); err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		if _, err := e.Client.Put(ctx, e.Ref, changed); err != nil {
			return err
		}
	}
	for _, name := range gone {
		ref := e.Ref
		ref.Name = name
		if _, err := e.Client.Delete(ctx, ref); err != nil && !api.IsCode(err, api.Missing) {
			return err
		}
	}
	return e.keep(note{Address: e.At.String(), Fetched: time.Now(), Names: names})
}

// difference is what has to be written and removed. A value that could be read
// with references replaced is not what the place said.
func difference(have []api.Secret, items []exchange.Item) (changed []api.Item, gone []secret.Name) {
	for _, it := range items {
		same := slices.ContainsFunc(have, func(s api.Secret) bool {
			exact := s.Literal || !bytes.Contains(it.Value.Reveal(), []byte("${"))
			return s.Key == it.Name && exact && s.Value().Equal(it.Value)
		})
		if !same {
			changed = append(changed, api.NewItem(it.Name, it.Value))
		}
	}
	for i := range have {
		if !slices.ContainsFunc(items, func(it exchange.Item) bool { return it.Name == have[i].Key }) {
			gone = append(gone, have[i].Key)
		}
	}
	return changed, gone
}

// refuseForeign keeps what was set in the vault and did not come from a place.
func (e Environment) refuseForeign(n note, have []api.Secret, changed []api.Item, gone []secret.Name) error {
	var foreign []string
	for i := range have {
		name := have[i].Key
		touched := slices.Contains(gone, name) || slices.ContainsFunc(changed, func(it api.Item) bool { return it.Name == name })
		if touched && !slices.Contains(n.Names, name) {
			foreign = append(foreign, string(name))
		}
	}
	if len(foreign) == 0 {
		return nil
	}
	return api.Errorf(api.Exists, "%s lives at %s, and the vault has these of its own: %s", e.Ref.Environment, e.At, strings.Join(foreign, ", ")).
		WithHint("take them there with: bailey secret transfer bailey:%s %s\nor remove them here with: bailey secret rm", e.Ref.Environment, e.At)
}
