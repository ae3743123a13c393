package vault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

// model is what a vault should be: the versions of each secret, nil for a
// deletion.
type model map[string][]*string

func (m model) show() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if vs := m[name]; vs[len(vs)-1] != nil {
			out = append(out, fmt.Sprintf("/%s=%s@%d", name, *vs[len(vs)-1], len(vs)))
		}
	}
	return strings.Join(out, " ")
}

// FuzzModel does what the bytes say to a vault and to a map: after every step
// both hold the same, also after closing and opening.
func FuzzModel(f *testing.F) {
	f.Add([]byte{0, 1, 2, 10, 20, 30, 40, 50})
	f.Add([]byte{0x00, 0x10, 0x80, 0x00, 0xc1, 0x40, 0x00, 0xf0, 0x81, 0xc0})
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		steps := make([]byte, 40)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 40 {
			return
		}
		h := newHome(t)
		m := model{}
		for i, b := range steps {
			name := fmt.Sprint("N", b&3)
			arg := int(b>>2) & 7
			step(t, h.vault, m, name, b>>5, arg, i)
			if b == 0xff {
				h.close()
				h = mustReopen(t, h.dir)
			}
			if got, want := list(t, h.vault, here), m.show(); got != want {
				t.Fatalf("step %d (%#x): %q, want %q", i, b, got, want)
			}
		}
		if err := h.vault.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.close()
		if got, want := list(t, mustReopen(t, h.dir).vault, here), m.show(); got != want {
			t.Fatalf("reopened: %q, want %q", got, want)
		}
	})
}

func step(t *testing.T, v *Vault, m model, name string, op byte, arg, i int) {
	t.Helper()
	vs := m[name]
	there := len(vs) > 0 && vs[len(vs)-1] != nil
	switch op {
	case 0, 1, 2, 3: // set
		val := fmt.Sprint("v", arg)
		if !there || *vs[len(vs)-1] != val {
			m[name] = append(vs, &val)
		}
		set(t, v, here, name, val)
	case 4: // delete
		_, err := v.Delete(t.Context(), me, here, secret.Name(name))
		if there != (err == nil) {
			t.Fatalf("step %d: deleting gave %v", i, err)
		}
		if there {
			m[name] = append(vs, nil)
		}
	case 5: // restore
		_, err := v.Restore(t.Context(), me, ref("shop", "development", "/", name), arg)
		ok := arg >= 1 && arg <= len(vs) && vs[arg-1] != nil
		if ok != (err == nil) {
			t.Fatalf("step %d: restoring version %d of %d gave %v", i, arg, len(vs), err)
		}
		if ok {
			m[name] = append(vs, vs[arg-1])
		}
	default: // a batch that fails as a whole
		_, err := v.SetMany(t.Context(), me, here, []Change{{Name: "N0", Value: value("lost")}, {Name: "N1", Value: value("lost")}, {Name: "NONE", Mode: UpdateOnly}})
		if !errors.Is(err, ErrMissing) {
			t.Fatalf("step %d: %v", i, err)
		}
	}
}
