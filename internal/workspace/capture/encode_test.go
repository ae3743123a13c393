package capture

import (
	"bytes"
	"io/fs"
	"reflect"
	"testing"

	"github.com/bailey-project/bailey/internal/safefs"
)

// decode∘encode is the identity, whatever the names are.
func FuzzEncode(f *testing.F) {
	f.Add("a", "b", "git:00", int64(1), uint32(0o644))
	f.Add("line\nbreak \"quoted\" \xff\xfe", "\x00\u2028", "", int64(-1), uint32(0o7777))
	f.Add("end", "hidden \"x\"", "bailey tree 1", int64(1)<<62, uint32(0))
	f.Fuzz(func(t *testing.T, name, link, object string, n int64, perm uint32) {
		if len(name)+len(link)+len(object) > 4096 {
			return
		}
		was := New()
		was.Complete = n%2 == 0
		was.Filter = Filter{Left: []string{name}, Hidden: []string{link, object}}
		for i, kind := range []fs.FileMode{0, fs.ModeDir, fs.ModeSymlink} {
			p := name + string(rune('0'+i))
			was.Entries[p] = Entry{Path: p, Link: link, Object: object, Stat: safefs.Stat{Type: kind, Perm: perm, UID: perm, GID: 1,
				Size: n, Modified: -n, Changed: n / 3, Ino: uint64(n), Links: 2}}
		}
		var b bytes.Buffer
		if err := was.Encode(&b); err != nil {
			t.Fatal(err)
		}
		whole := b.Bytes()
		is, err := Decode(bytes.NewReader(whole))
		if err != nil || !reflect.DeepEqual(was, is) {
			t.Errorf("%+v became %+v: %v", was, is, err)
		}
		if _, err := Decode(bytes.NewReader(whole[:len(whole)-4])); err == nil {
			t.Error("a cut description was believed")
		}
	})
}
