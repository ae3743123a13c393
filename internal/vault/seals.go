package vault

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
)

// RemoveSeal removes a way to open the vault. ErrInvalid for the last one,
// ErrMissing when there is none of that kind. Whoever kept a copy of the file
// and has what opens it still has the root key: Rotate makes that worthless.
func (v *Vault) RemoveSeal(ctx context.Context, c Caller, kind string) error {
	p, err := v.public(ctx)
	if err != nil {
		return err
	}
	_, known := p.Seals[kind]
	switch {
	case known && len(p.Seals) == 1:
		return fault.New(ErrInvalid, "%s is the only way to open this vault", kind)
	case !known && !slices.Contains(seals.Kinds(v.dir), kind):
		return &Error{Kind: ErrMissing, Text: "this vault is not sealed with a " + kind,
			Hint: "it can be opened with: " + strings.Join(slices.Sorted(maps.Keys(p.Seals)), ", ")}
	case known:
		e := c.event("vault.unseal")
		e.Detail = kind
		// First the vault forgets it, then the file goes: what a crash leaves
		// is a file that opens nothing, and the next removal takes it along.
		if err := v.describe(ctx, &e, func(p *ledger.Public, _ int64) { delete(p.Seals, kind) }); err != nil {
			return err
		}
	}
	return seals.Remove(v.dir, kind)
}
