package seal

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../../doc/format.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, " = "); ok && strings.HasPrefix(line, "    ") {
			doc[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	c, err := ParseCode(doc["recovery code"])
	if err != nil {
		t.Fatalf("recovery code of doc/format.md: %v", err)
	}
	if got := string(c.canonical().Reveal()); got != doc["recovery passphrase"] {
		t.Errorf("doc/format.md is wrong about\n    recovery passphrase = %s", got)
	}
	root, err := hex.DecodeString(doc["root key"])
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := base64.StdEncoding.DecodeString(doc["recovery.age"])
	got, err := Recovery(c).Open(sealed)
	if err != nil || string(got) != string(root) {
		fresh, _ := Recovery(c).Seal(root)
		t.Errorf("recovery.age of doc/format.md: %v; one that opens is\n    recovery.age = %s", err, base64.StdEncoding.EncodeToString(fresh))
	}
}
