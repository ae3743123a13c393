// Package sourcetest is the one suite that every kind of source passes.
//
// It is not for the program. Its invariant: it knows a place only through
// source.Source and what the caller says of it, so what one kind passes means
// the same as for any other.
package sourcetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source"
)

// Place is one kind of source in a test.
type Place struct {
	// Source is one with nothing in it.
	Source source.Writer
	// Again opens the same place as another process would.
	Again func() source.Source
	// Text says that it holds UTF-8 only.
	Text bool
}

// Canary stands in every value of the suite.
const Canary = "hunter2canary"

// Awkward are values that quoting, trimming or expanding would change.
var Awkward = []string{
	Canary, "", " " + Canary + " ", Canary + "\n", "a\nb\r\n" + Canary, `"` + Canary + `'`, Canary + `\n\`, "$" + Canary, "${A}" + Canary, "#" + Canary,
	"ünï💥" + Canary, "=" + Canary + "==", "true", "0123", "null", "-----BEGIN KEY-----\n" + Canary + "\n-----END KEY-----\n", strings.Repeat(Canary, 500),
}

// Item makes one.
func Item(name, value string) exchange.Item {
	return exchange.Item{Name: secret.Name(name), Value: secret.NewValue([]byte(value))}
}

// Run holds a place that can be written against the contract of source.Writer.
func Run(t *testing.T, p Place) {
	t.Helper()
	if items, err := p.Source.Read(t.Context()); err != nil && !api.IsCode(err, api.Missing) || len(items) > 0 {
		t.Fatalf("a new place: %d items, %v", len(items), err)
	}
	want := awkward()
	mustWrite(t, p.Source, want)
	expect(t, p, want)

	change := []exchange.Item{Item("K00", "changed "+Canary), Item("NEW", "added "+Canary)}
	mustWrite(t, p.Source, change)
	want[0] = change[0]
	want = append(want, change[1])
	expect(t, p, want)

	mustWrite(t, p.Source, change) // what is there already may be written again
	expect(t, p, want)
	refusesBytes(t, p, want)
	endsWithItsContext(t, p.Source)
}

func awkward() (items []exchange.Item) {
	for i, v := range Awkward {
		items = append(items, Item("K"+string(rune('0'+i/10))+string(rune('0'+i%10)), v))
	}
	return items
}

func mustWrite(t *testing.T, w source.Writer, items []exchange.Item) {
	t.Helper()
	if err := w.Write(t.Context(), items); err != nil {
		t.Fatalf("writing: %v", err)
	}
}

// expect reads twice: through the source that wrote, and as somebody else.
func expect(t *testing.T, p Place, want []exchange.Item) {
	t.Helper()
	for _, s := range []source.Source{p.Source, p.Again()} {
		have, err := s.Read(t.Context())
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if source.Same(have, want) {
			continue
		}
		for i := range min(len(have), len(want)) {
			if have[i].Name != want[i].Name || !have[i].Value.Equal(want[i].Value) {
				t.Errorf("%s = %q, want %s = %q", have[i].Name, have[i].Value.Reveal(), want[i].Name, want[i].Value.Reveal())
			}
		}
		t.Fatalf("%d items, want %d", len(have), len(want))
	}
}

// refusesBytes: a place for text takes bytes whole or refuses them, by name,
// without the value, and with nothing written.
func refusesBytes(t *testing.T, p Place, want []exchange.Item) {
	t.Helper()
	bytes := Item("BYTES", "\xff\xfe"+Canary)
	err := p.Source.Write(t.Context(), []exchange.Item{bytes, Item("K01", "with it")})
	switch {
	case err == nil && p.Text:
		t.Error("bytes that are not text were taken")
	case err == nil:
		want = append([]exchange.Item{bytes}, want...)
		want[2] = Item("K01", "with it")
	case strings.Contains(err.Error(), Canary), !strings.Contains(err.Error(), "BYTES"):
		t.Errorf("the refusal of bytes: %v", err)
	}
	expect(t, p, want)
}

// endsWithItsContext: whatever it does when nobody waits any more, it ends.
func endsWithItsContext(t *testing.T, s source.Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	_, _ = s.Read(ctx)
	if time.Since(start) > 5*time.Second {
		t.Error("reading goes on after its context ended")
	}
}
