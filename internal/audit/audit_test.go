package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

var testKeys = Keys{Start: [32]byte{1, 2, 3}, Seal: [32]byte{4, 5, 6}}

// TestMain is also the child of the tests that need another process.
func TestMain(m *testing.M) {
	if dir := os.Getenv("AUDIT_TEST_CHILD"); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

func open(t testing.TB, dir string, from Head) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if _, err := l.Unlock(t.Context(), testKeys, from); err != nil {
		t.Fatal(err)
	}
	return l
}

// filled makes a closed log of n records in a new directory.
func filled(t testing.TB, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir, Head{})
	for i := range n {
		e := Event{Actor: "cli", Action: "secret.get", Project: "shop", Name: "KEY_" + strconv.Itoa(i+1), Outcome: OutcomeDone}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// check opens, unlocks and verifies, and returns the first error with the
// records that can be listed.
func check(t testing.TB, dir string, from Head) ([]Record, error) {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	_, uerr := l.Unlock(t.Context(), testKeys, from)
	_, verr := l.Verify(t.Context())
	if uerr == nil {
		uerr = verr
	}
	recs, err := l.List(t.Context(), Filter{})
	return recs, errors.Join(uerr, err)
}

func TestRoundTrip(t *testing.T) {
	dir := filled(t, 5)
	recs, err := check(t, dir, Head{})
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) != 5 || recs[4].Seq != 5 || recs[4].Name != "KEY_5" || recs[4].Time.IsZero() || recs[4].Locked {
		t.Fatalf("records: %+v", recs)
	}
	for _, name := range []string{logName, headName} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode() != 0o600 {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
	if st, _ := os.Stat(dir); st.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v", st.Mode())
	}
}

// TestTampering edits the lines of a log of 6 and expects the record named.
func TestTampering(t *testing.T) {
	tests := []struct {
		name string
		edit func(lines []string) []string
		want string
	}{
		{"first removed", func(l []string) []string { return l[1:] }, "record 1 is missing: record 2 stands in its place"},
		{"middle removed", func(l []string) []string { return append(l[:2:2], l[3:]...) }, "record 3 is missing: record 4 stands in its place"},
		{"last removed", func(l []string) []string { return l[:5] }, "record 6 is missing: the log ends before it"},
		{"last three removed", func(l []string) []string { return l[:3] }, "record 4 is missing: the log ends before it"},
		{"all removed", func(l []string) []string { return nil }, "record 1 is missing: the log ends before it"},
		{"swapped", func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, "record 2 is missing: record 3 stands in its place"},
		{"last two swapped", func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }, "record 5 is missing: record 6 stands in its place"},
		{"repeated", func(l []string) []string { return append(l[:3:3], l[2:]...) }, "record 4 is missing: record 3 is repeated in its place"},
		{"last repeated", func(l []string) []string { return append(l, l[5]) }, "record 7 is missing: record 6 is repeated"},
		{"changed", func(l []string) []string { l[3] = strings.Replace(l[3], "KEY_4", "KEY_9", 1); return l }, "record 4 is changed"},
		{"last changed", func(l []string) []string { l[5] = strings.Replace(l[5], "KEY_6", "KEY_9", 1); return l }, "record 6 is changed"},
		{"mac in capitals", func(l []string) []string {
			i := strings.Index(l[2], tailOpen)
			l[2] = l[2][:i+len(tailOpen)] + strings.ToUpper(l[2][i+len(tailOpen):len(l[2])-3]) + tailEnd
			return l
		}, "record 3 is not readable"},
		{"garbage", func(l []string) []string { l[0] = "hello\n"; return l }, "record 1 is not readable"},
		{"half a line at the end", func(l []string) []string { l[5] = l[5][:40]; return l }, "record 6 is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filled(t, 6)
			path := filepath.Join(dir, logName)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
			lines[5] += "\n"
			if err := os.WriteFile(path, []byte(strings.Join(tt.edit(lines), "")), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = check(t, dir, Head{})
			if !errors.Is(err, ErrTampered) || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestEveryFlip flips a bit of every byte of both files, the bit of a letter's
// case too: an error or the same records, nothing else.
func TestEveryFlip(t *testing.T) {
	dir := filled(t, 4)
	want, err := check(t, dir, Head{})
	if err != nil {
		t.Fatal(err)
	}
	silent := 0
	for _, name := range []string{logName, headName} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			if name == headName && i > slotSize && i < slotApart && i%64 != 0 {
				continue // of the gap between the slots a few bytes will do
			}
			for _, mask := range []byte{1 << (i % 8), 0x20} {
				b := bytes.Clone(whole)
				b[i] ^= mask
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				got, err := check(t, dir, Head{})
				if err == nil && !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: byte %d ^ %#x went unnoticed", name, i, mask)
				}
				if err == nil && name == logName {
					t.Fatalf("%s: byte %d ^ %#x gave no error", name, i, mask)
				}
				if err == nil {
					silent++
				}
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if limit := 2 * (slotApart/64 + slotSize); silent > limit { // the gap between the slots and the zeroed slot
		t.Errorf("%d flips gave no error, at most %d are in unused bytes", silent, limit)
	}
}

// TestRestoredFiles: log and head file put back together are older than what
// the vault knows.
func TestRestoredFiles(t *testing.T) {
	dir := filled(t, 3)
	saved := map[string][]byte{}
	for _, name := range []string{logName, headName} {
		saved[name], _ = os.ReadFile(filepath.Join(dir, name))
	}
	l := open(t, dir, Head{})
	if _, err := l.AppendSync(t.Context(), Event{Action: "secret.set"}); err != nil {
		t.Fatal(err)
	}
	head, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for name, b := range saved {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := check(t, dir, Head{}); err != nil {
		t.Fatalf("control: without the vault's head nothing shows, got %v", err)
	}
	if _, err := check(t, dir, head); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "record 4") {
		t.Errorf("got %v", err)
	}
	for name := range saved {
		os.Remove(filepath.Join(dir, name))
	}
	if _, err := check(t, dir, head); !errors.Is(err, ErrTampered) {
		t.Errorf("both files removed: %v", err)
	}
}

func TestMissingFile(t *testing.T) {
	for _, name := range []string{logName, headName} {
		dir := filled(t, 3)
		os.Remove(filepath.Join(dir, name))
		l, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := l.Append(t.Context(), Event{}); !errors.Is(err, ErrTampered) {
			t.Errorf("append without %s: %v", name, err)
		}
		if _, err := l.Unlock(t.Context(), testKeys, Head{}); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), name) {
			t.Errorf("unlock without %s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was made anew", name)
		}
	}
}

// TestDiskAlone: whoever reads the ratchet key off the disk can neither rewrite
// the past nor add a record that looks like one of an open vault.
func TestDiskAlone(t *testing.T) {
	dir := filled(t, 3)
	f, err := os.Open(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	s, err := readHead(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	forged, _, err := encode(s.head, &Keys{}, Record{Event: Event{Action: "secret.get", Outcome: OutcomeDone}})
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(dir, logName), forged)
	if _, err := check(t, dir, Head{}); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "record 4 is changed") {
		t.Errorf("got %v", err)
	}
}

func appendTo(t *testing.T, path string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

func TestLockedRecords(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), Event{}); !errors.Is(err, ErrLocked) {
		t.Fatalf("append before the first unlock: %v", err)
	}
	if _, err := l.Verify(t.Context()); !errors.Is(err, ErrLocked) {
		t.Fatalf("verify before the first unlock: %v", err)
	}
	l.Close()
	open(t, dir, Head{}).Close()
	l, err = Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.AppendSync(t.Context(), Event{Action: "vault.unlock", Outcome: OutcomeDenied}); err != nil {
		t.Fatal(err)
	}
	tail, err := l.Unlock(t.Context(), testKeys, Head{})
	if err != nil || len(tail) != 1 || !tail[0].Locked {
		t.Fatalf("%+v %v", tail, err)
	}
	if _, err := l.Append(t.Context(), Event{Action: "secret.get"}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	recs, err := check(t, dir, Head{})
	if err != nil || len(recs) != 2 || recs[1].Locked {
		t.Fatalf("%+v %v", recs, err)
	}
}

func TestTornLine(t *testing.T) {
	dir := filled(t, 3)
	torn := []byte(`{"seq":4,"time":"2026-`)
	appendTo(t, filepath.Join(dir, logName), torn)
	l := open(t, dir, Head{})
	rep, err := l.Verify(t.Context())
	if err != nil || rep.Records != 3 || !strings.Contains(rep.Notice, "after record 3 stand 22 bytes") {
		t.Fatalf("%+v %v", rep, err)
	}
	if _, err := l.Append(t.Context(), Event{Action: "secret.get", Name: "AFTER"}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	recs, err := check(t, dir, Head{})
	if err != nil || len(recs) != 5 || recs[3].Action != "audit.repair" || recs[4].Name != "AFTER" {
		t.Fatalf("%+v %v", recs, err)
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "torn-after-3")); !bytes.Equal(b, torn) {
		t.Errorf("put aside: %q", b)
	}
}

func TestChangedWhileOpen(t *testing.T) {
	tests := map[string]func(path string) error{
		"cut":      func(p string) error { return os.Truncate(p, 100) },
		"gone":     os.Remove,
		"replaced": func(p string) error { b, _ := os.ReadFile(p); os.Remove(p); return os.WriteFile(p, b, 0o600) },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filled(t, 3)
			l := open(t, dir, Head{})
			if err := edit(filepath.Join(dir, logName)); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Verify(t.Context()); !errors.Is(err, ErrTampered) {
				t.Errorf("verify: %v", err)
			}
			if _, err := l.Append(t.Context(), Event{}); !errors.Is(err, ErrTampered) {
				t.Errorf("append: %v", err)
			}
		})
	}
}

// TestSyncedSoon waits for the head file to follow an Append.
func TestSyncedSoon(t *testing.T) {
	dir := filled(t, 1)
	l := open(t, dir, Head{})
	start := time.Now()
	if _, err := l.Append(t.Context(), Event{Action: "secret.get"}); err != nil {
		t.Fatal(err)
	}
	for deadline := start.Add(5 * time.Second); ; {
		if s, err := readHead(l.head); err == nil && s.head.Seq == 2 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("head file did not follow")
		}
	}
}

func TestSeveralWriters(t *testing.T) {
	dir := filled(t, 0)
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for w := range writers {
		l := open(t, dir, Head{}) // an open file of its own each, as in other processes
		wg.Go(func() {
			for i := range each {
				add := l.Append
				if i%10 == 0 {
					add = l.AppendSync
				}
				if _, err := add(t.Context(), Event{Action: "secret.get", Session: strconv.Itoa(w), Count: i}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	recs, err := check(t, dir, Head{})
	if err != nil || len(recs) != writers*each {
		t.Fatalf("%d records: %v", len(recs), err)
	}
	next := map[string]int{}
	for _, r := range recs {
		if r.Count != next[r.Session] {
			t.Fatalf("record %d of writer %s: %d, want %d", r.Seq, r.Session, r.Count, next[r.Session])
		}
		next[r.Session]++
	}
}

// child appends for ever and prints each sequence number that it was given.
func child(dir string) int {
	l, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := l.Unlock(context.Background(), testKeys, Head{}); err != nil {
		fmt.Println(err)
		return 1
	}
	for i := 0; ; i++ {
		seq, err := l.Append(context.Background(), Event{Action: "secret.get", Count: i})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(seq)
	}
}

// TestKill kills writers at a random moment: what they were told is there.
func TestKill(t *testing.T) {
	dir := filled(t, 0)
	for round := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), "AUDIT_TEST_CHILD="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acked bytes.Buffer
		for acked.Len() < 200*(round+1) {
			b := make([]byte, 256)
			n, err := out.Read(b)
			acked.Write(b[:n])
			if err != nil {
				t.Fatalf("child ended: %s", acked.String())
			}
		}
		_ = cmd.Process.Kill()
		_, _ = acked.ReadFrom(out)
		_ = cmd.Wait()
		cancel()
		whole := acked.String()[:strings.LastIndexByte(acked.String(), '\n')]
		last, err := strconv.Atoi(whole[strings.LastIndexByte(whole, '\n')+1:])
		if err != nil {
			t.Fatalf("child said %q", whole)
		}
		recs, err := check(t, dir, Head{})
		if err != nil || len(recs) < last {
			t.Fatalf("round %d: acknowledged %d, there are %d: %v", round, last, len(recs), err)
		}
	}
}

func TestList(t *testing.T) {
	dir := filled(t, 0)
	l := open(t, dir, Head{})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 20 {
		e := Event{Time: start.Add(time.Duration(i) * time.Hour), Action: "secret.get", Project: "shop", Session: "s" + strconv.Itoa(i%2)}
		if i%5 == 0 {
			e.Action, e.Outcome = "vault.unlock", OutcomeDenied
		}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		f    Filter
		want string
	}{
		{Filter{Limit: 3}, "[18 19 20]"},
		{Filter{After: 17}, "[18 19 20]"},
		{Filter{Since: start.Add(18 * time.Hour)}, "[19 20]"},
		{Filter{Action: "vault."}, "[1 6 11 16]"},
		{Filter{Action: "vault"}, "[]"},
		{Filter{Outcome: OutcomeDenied, Session: "s0"}, "[1 11]"},
		{Filter{Project: "other"}, "[]"},
		{Filter{Action: "vault.unlock", Limit: 1}, "[16]"},
	}
	for _, tt := range tests {
		recs, err := l.List(t.Context(), tt.f)
		seqs := []Seq{}
		for _, r := range recs {
			seqs = append(seqs, r.Seq)
		}
		if err != nil || fmt.Sprint(seqs) != tt.want {
			t.Errorf("%+v: %v %v, want %s", tt.f, seqs, err, tt.want)
		}
	}
}

// TestHostileText: whatever a caller puts into an event is one line.
func TestHostileText(t *testing.T) {
	dir := filled(t, 0)
	l := open(t, dir, Head{})
	for _, s := range []string{"a\nb", "\x00\x1b[2J", "\xff\xfe", strings.Repeat("é", 40000), `","mac":"`} {
		if _, err := l.Append(t.Context(), Event{Action: s, Detail: s, Name: s}); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	recs, err := check(t, dir, Head{})
	if err != nil || len(recs) != 5 || recs[0].Detail != "a\nb" || len(recs[3].Detail) > maxField+3 {
		t.Fatalf("%d records, %v", len(recs), err)
	}
}

func FuzzDecode(f *testing.F) {
	line, head, err := encode(Head{Key: testKeys.Start}, &testKeys, Record{Event: Event{Action: "secret.get", Name: "A"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("{}\n"))
	f.Add([]byte(tailOpen + strings.Repeat("0", 64) + tailEnd))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, got, err := decode(Head{Key: testKeys.Start}, &testKeys, b)
		if err == nil && (!bytes.Equal(b, line) || got != head) {
			t.Fatalf("accepted %q", b)
		}
		_, _, _ = decode(Head{}, nil, b)
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("cli", "secret.get", "a\"b", 3, true)
	f.Fuzz(func(t *testing.T, actor, action, detail string, count int, locked bool) {
		keys := &testKeys
		if locked {
			keys = nil
		}
		e := clip(Event{Actor: actor, Action: action, Detail: detail, Count: count})
		line, head, err := encode(Head{Key: testKeys.Start}, keys, Record{Event: e})
		if err != nil {
			t.Fatal(err)
		}
		r, got, err := decode(Head{Key: testKeys.Start}, &testKeys, line)
		if err != nil || got != head || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%v: %q", err, line)
		}
		if r.Count != count || r.Locked != locked || utf8.ValidString(e.Detail) && r.Detail != e.Detail {
			t.Fatalf("%+v", r)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "audit"), Head{})
	for b.Loop() {
		if _, err := l.Append(b.Context(), Event{Actor: "cli", Action: "secret.get", Project: "shop", Name: "KEY"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSync(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "audit"), Head{})
	for b.Loop() {
		if _, err := l.AppendSync(b.Context(), Event{Actor: "cli", Action: "secret.get", Project: "shop", Name: "KEY"}); err != nil {
			b.Fatal(err)
		}
	}
}
