package ledger

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// vectors reads the lines "    name = value" of doc/format.md.
func vectors(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../../../doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(line, "    ") {
			out[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return out
}

func want(t *testing.T, doc map[string]string, name, value string) {
	t.Helper()
	if doc[name] != value {
		t.Errorf("doc/format.md is wrong about\n    %s = %s", name, value)
	}
}

func TestVectors(t *testing.T) {
	doc := vectors(t)
	id, ok := ParseID("20010203-0405-4607-8809-0a0b0c0d0e0f")
	if !ok {
		t.Fatal("id")
	}
	sealed, err := hex.DecodeString(doc["sealed"])
	if err != nil || len(sealed) == 0 {
		t.Fatal("no sealed record in doc/format.md")
	}
	lookup, err := hex.DecodeString(doc["lookup"])
	if err != nil || len(lookup) != 32 {
		t.Fatal("no lookup in doc/format.md")
	}
	r := Row{Kind: byte(Secret), ID: id, Version: 3, Lookup: [32]byte(lookup), Sealed: sealed}
	m := MarkOf(r)
	want(t, doc, "mark", hex.EncodeToString(m[:]))
	sc := newScope(UUID{}, UUID{}, make([]byte, 32), "")
	sc.set(r)
	list, root := sc.index()
	want(t, doc, "index", hex.EncodeToString(list))
	want(t, doc, "index root", hex.EncodeToString(root[:]))
	want(t, doc, "state", State{Counter: 41, Root: root}.String())
}

func TestIDs(t *testing.T) {
	for range 100 {
		id, err := NewUUID()
		if err != nil {
			t.Fatal(err)
		}
		s := IDOf(id)
		if back, ok := ParseID(s); !ok || back != id || s[14] != '4' || !strings.ContainsRune("89ab", rune(s[19])) {
			t.Errorf("%s %v", s, ok)
		}
		for _, bad := range []ID{s[1:], s + "0", ID(strings.ToUpper(string(s))) + "", ID(strings.ReplaceAll(string(s), "-", "_")), "{" + s[1:]} {
			if _, ok := ParseID(bad); ok && bad != s {
				t.Errorf("accepted %s", bad)
			}
		}
	}
}
