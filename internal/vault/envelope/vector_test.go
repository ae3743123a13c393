package envelope

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

func TestVectors(t *testing.T) {
	doc := vectors(t)
	root := make([]byte, KeySize)
	for i := range root {
		root[i] = byte(i)
	}
	want(t, doc, "root key", hex.EncodeToString(root))
	k, err := NewKey(root)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for name, purpose := range map[string]string{"top key": "bailey vault 1 top", "audit start key": "bailey audit 1 start", "audit seal key": "bailey audit 1 seal",
		"placeholder key": "bailey placeholder 1 00112233-4455-4677-8899-aabbccddeeff"} {
		key, err := k.Derive(purpose)
		if err != nil {
			t.Fatal(err)
		}
		want(t, doc, name, hex.EncodeToString(key[:]))
	}
	var dataKey [KeySize]byte
	for i := range dataKey {
		dataKey[i] = byte(0xa0 + i)
	}
	want(t, doc, "data key", hex.EncodeToString(dataKey[:]))
	box := NewBox(dataKey)
	l := Label{
		Scope:   UUID{0x10, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15},
		Parent:  UUID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		Kind:    5,
		ID:      UUID{0x20, 1, 2, 3, 4, 5, 0x46, 7, 0x88, 9, 10, 11, 12, 13, 14, 15},
		Version: 3,
		Lookup:  box.Lookup(5, "/api", "STRIPE_SECRET_KEY"),
	}
	want(t, doc, "lookup", hex.EncodeToString(l.Lookup[:]))
	want(t, doc, "associated data", hex.EncodeToString(l.bytes()))
	plain := doc["plaintext"]
	sealed := box.seal([nonceSize]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, l, []byte(plain))
	want(t, doc, "sealed", hex.EncodeToString(sealed))
	got, err := box.Open(l, sealed)
	if err != nil || plain == "" || strings.TrimRight(string(got), " ") != plain {
		t.Errorf("%q %v", got, err)
	}
}

func want(t *testing.T, doc map[string]string, name, value string) {
	t.Helper()
	if doc[name] != value {
		t.Errorf("doc/format.md is wrong about\n    %s = %s", name, value)
	}
}
