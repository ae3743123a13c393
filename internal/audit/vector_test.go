package audit

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"
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
	want := func(name, value string) {
		t.Helper()
		if doc[name] != value {
			t.Errorf("doc/format.md is wrong about\n    %s = %s", name, value)
		}
	}
	var keys Keys
	for name, key := range map[string]*[32]byte{"audit start key": &keys.Start, "audit seal key": &keys.Seal} {
		b, err := hex.DecodeString(doc[name])
		if err != nil || copy(key[:], b) != 32 {
			t.Fatalf("no %s in doc/format.md", name)
		}
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := Head{Key: keys.Start}
	for _, r := range []struct {
		line, next string
		keys       *Keys
		e          Event
	}{
		{"audit line 1", "ratchet key 2", &keys, Event{Time: at, Actor: "cli", Pid: 4711, Action: "secret.get", Project: "shop", Environment: "development", Path: "/api", Name: "STRIPE_SECRET_KEY", Outcome: OutcomeDone}},
		{"audit line 2", "ratchet key 3", nil, Event{Time: at, Actor: "cli", Action: "vault.unlock", Outcome: OutcomeDenied, Detail: "denied"}},
	} {
		line, next, err := encode(h, r.keys, Record{Event: r.e})
		if err != nil {
			t.Fatal(err)
		}
		want(r.line, strings.TrimSuffix(string(line), "\n"))
		want(r.next, hex.EncodeToString(next.Key[:]))
		if _, got, err := decode(h, &keys, line); err != nil || got != next {
			t.Errorf("%s: %v", r.line, err)
		}
		h = next
	}
	want("head slot", hex.EncodeToString(slot{gen: 1, head: h}.bytes()))
}
