// Package source reads and writes environments that do not live in Bailey's
// own vault: a server of OpenBao, HashiCorp Vault or Infisical, an item of
// 1Password, a file of dotenv, age or sops, the process environment, a command.
//
// It keeps nothing, asks nobody and caches nothing; whoever calls it does. Its
// invariants: a token goes to the host of the address and nowhere else, also
// when that host redirects; no value that is read or written stands in an
// argument list or an error; and whatever a place answers, the work on it is bounded.
package source

import (
	"context"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
)

// Source is a place with names and values. It must be safe to use again after
// an error, and must return when ctx ends. Errors are *api.Error: Missing when
// nothing is there, Denied when the place refuses, Unavailable when it may
// answer later, Invalid for what asking again does not mend.
type Source interface {
	// Read returns every name with its value, sorted by name.
	Read(ctx context.Context) ([]exchange.Item, error)
}

// Writer is a Source that can be changed.
type Writer interface {
	Source
	// Write sets items and leaves every other name as it is. It makes the
	// place if there is none. All items are written or none, except to an
	// Infisical of before 2025, which takes new and changed ones apart.
	Write(ctx context.Context, items []exchange.Item) error
}

// Bounds of what a place can make this process hold.
const (
	maxBytes = 16 << 20
	maxItems = 10_000
)

// whole checks and sorts what a place gave.
func whole(where string, items []exchange.Item) ([]exchange.Item, error) {
	if len(items) > maxItems {
		return nil, api.Errorf(api.Invalid, "%s: more than %d names", where, maxItems)
	}
	for _, it := range items {
		if _, err := secret.ParseName(string(it.Name)); err != nil {
			return nil, api.Errorf(api.Invalid, "%s: %s", where, err)
		}
	}
	slices.SortStableFunc(items, func(a, b exchange.Item) int { return strings.Compare(string(a.Name), string(b.Name)) })
	for i := 1; i < len(items); i++ {
		if items[i].Name == items[i-1].Name {
			return nil, api.Errorf(api.Invalid, "%s: %s stands there twice", where, items[i].Name)
		}
	}
	return items, nil
}

// merge is old with the items of changes in it, sorted.
func merge(old, changes []exchange.Item) []exchange.Item {
	out := slices.Clone(old)
	for _, c := range changes {
		i := slices.IndexFunc(out, func(it exchange.Item) bool { return it.Name == c.Name })
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i] = c
	}
	slices.SortStableFunc(out, func(a, b exchange.Item) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return out
}

// Same says whether two lists have the same names and values.
func Same(a, b []exchange.Item) bool {
	return slices.EqualFunc(a, b, func(x, y exchange.Item) bool { return x.Name == y.Name && x.Value.Equal(y.Value) })
}
