package scrub

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// naive is the specification: leftmost, then longest.
func naive(text []byte, patterns, stands [][]byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		best := -1
		for j, p := range patterns {
			if bytes.HasPrefix(text[i:], p) && (best < 0 || len(p) > len(patterns[best])) {
				best = j
			}
		}
		if best < 0 {
			out = append(out, text[i])
			i++
			continue
		}
		out = append(out, stands[best]...)
		i += len(patterns[best])
	}
	return out
}

func swapWith(stands [][]byte) Swap {
	return func(p int) ([]byte, error) { return stands[p], nil }
}

func TestFind(t *testing.T) {
	s := Compile([][]byte{[]byte("secret-one"), []byte("secret-one-longer"), []byte("another1"), []byte("ret-one-long")})
	for _, tc := range []struct {
		text    string
		pattern int
		start   int
	}{
		{"", -1, 0}, {"secret", -1, 0}, {"secret-one", 0, 0}, {"xxsecret-one-longe", 0, 2}, {"xxsecret-one-longer", 1, 2},
		{"secret-onanother1secret-one", 2, 9}, {"ret-one-long", 3, 0}, {strings.Repeat("x", 1000) + "another1", 2, 1000},
	} {
		p, at := s.Find([]byte(tc.text))
		if p != tc.pattern || p >= 0 && at != tc.start {
			t.Errorf("Find(%.40q) = %d at %d, want %d at %d", tc.text, p, at, tc.pattern, tc.start)
		}
	}
	if p, _ := (*Set)(nil).Find([]byte("x")); p != -1 {
		t.Error("a nil Set matches")
	}
}

// chunked reads at most n bytes at a time, n chosen anew for each Read.
type chunked struct {
	r   io.Reader
	rng *rand.Rand
}

func (c chunked) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), c.rng.IntN(9)+c.rng.IntN(2)*c.rng.IntN(5000)+1)])
}

// FuzzChunks: whatever the pieces, the result is that of the specification on
// the whole text.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("xxsecret-one-longer"), uint64(1))
	f.Add([]byte("ababababababab"), uint64(2))
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var patterns, stands [][]byte
		for range rng.IntN(8) + 1 { // patterns over a tiny alphabet overlap and nest
			p := make([]byte, MinPattern+rng.IntN(14))
			for i := range p {
				p[i] = "ab"[rng.IntN(2)]
			}
			patterns, stands = append(patterns, p), append(stands, []byte(strings.Repeat("#", rng.IntN(20))))
		}
		for range 20 { // sow some whole and some cut ones
			p := patterns[rng.IntN(len(patterns))]
			text = append(text, p[:rng.IntN(len(p)+1)]...)
		}
		want := naive(text, patterns, stands)
		set := Compile(patterns)
		r := NewReader(chunked{bytes.NewReader(text), rng}, set, swapWith(stands))
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("patterns %q\ntext %q\ngot  %q\nwant %q, %v", patterns, text, got, want, err)
		}
		if whole, err := set.Replace(text, swapWith(stands)); err != nil || !bytes.Equal(whole, want) {
			t.Fatalf("Replace: patterns %q\ntext %q\ngot  %q\nwant %q, %v", patterns, text, whole, want, err)
		}
	})
}

func TestChunksOfLargeText(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	secret, stand := []byte("sk_live_4eC39HqLyjWDarjtT1zdp7dc"), []byte("sk_live_XXXXXXXXXXXXXXXXXXXXXXXX")
	text := make([]byte, 300<<10)
	for i := range text {
		text[i] = byte(rng.IntN(256))
	}
	for i := 1000; i < len(text)-100; i += 4093 {
		copy(text[i:], secret)
	}
	copy(text[len(text)-len(secret):], secret)
	set := Compile([][]byte{secret})
	got, err := io.ReadAll(NewReader(chunked{bytes.NewReader(text), rng}, set, swapWith([][]byte{stand})))
	if want := bytes.ReplaceAll(text, secret, stand); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v, equal %v", err, bytes.Equal(got, want))
	}
}

// A server-sent event must not wait for the next one: what cannot belong to a
// match is released by the read that brought it.
func TestReaderReleasesAtOnce(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr, Compile([][]byte{[]byte("secret-one")}), swapWith([][]byte{[]byte("PLACEHOLD!")}))
	for _, step := range []struct{ in, out string }{
		{"data: hello\n\n", "data: hello\n\n"}, {"data: sec", "data: "}, {"ond\n", "second\n"}, {"xsecret-one", "xPLACEHOLD!"},
	} {
		go func() { _, _ = pw.Write([]byte(step.in)) }()
		piece, err := r.Next()
		if err != nil || string(piece) != step.out {
			t.Fatalf("after %q came %q, %v, want %q", step.in, piece, err, step.out)
		}
	}
}

// When the source breaks off, the beginning of a secret is not shown.
func TestReaderDropsPartOnError(t *testing.T) {
	src := io.MultiReader(strings.NewReader("ok secret-on"), iotest.ErrReader(io.ErrUnexpectedEOF))
	got, err := io.ReadAll(NewReader(src, Compile([][]byte{[]byte("secret-one")}), swapWith([][]byte{nil})))
	if string(got) != "ok " || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %q, %v", got, err)
	}
	got, err = io.ReadAll(NewReader(strings.NewReader("ok secret-on"), Compile([][]byte{[]byte("secret-one")}), swapWith([][]byte{nil})))
	if string(got) != "ok secret-on" || err != nil {
		t.Fatalf("at a clean end: %q, %v", got, err)
	}
}

func TestReaderSwapError(t *testing.T) {
	stop := errors.New("stop")
	r := NewReader(strings.NewReader("before secret-one after"), Compile([][]byte{[]byte("secret-one")}), func(int) ([]byte, error) { return nil, stop })
	got, err := io.ReadAll(r)
	if string(got) != "before " || !errors.Is(err, stop) {
		t.Fatalf("got %q, %v", got, err)
	}
}

const awkward = `p@ss/w"ör<d>&'+ \x` + "\n" + `%2F=end🔑`

func TestForms(t *testing.T) {
	for _, secret := range []string{"sk_live_4eC39HqLyjWDarjtT1zdp7dc", awkward, strings.Repeat("k", 15) + "\x00\xff"} {
		b, _ := json.Marshal(secret)
		for _, wrapped := range []string{
			secret, strings.Trim(string(b), `"`), url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
			hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte("x" + secret)),
			base64.StdEncoding.EncodeToString([]byte("xy" + secret + "z")), base64.StdEncoding.EncodeToString([]byte("xyz" + secret + "zz")),
			strings.ToLower(url.QueryEscape("p@ss")) + url.QueryEscape(secret), // a neighbour in another spelling
		} {
			if strings.Contains(wrapped, `\ufffd`) { // JSON cannot carry bytes that are no text
				continue
			}
			got := scrubAll(t, secret, "PLACEHOLDER", "<<"+wrapped+">>")
			if strings.Contains(got, wrapped) || len(longestCommon(got, wrapped)) > 6 {
				t.Errorf("%q left %q", wrapped, got)
			}
		}
	}
}

func scrubAll(t *testing.T, secret, stand, text string) string {
	t.Helper()
	var patterns, stands [][]byte
	for _, w := range Forms([]byte(secret), []byte(stand)) {
		patterns, stands = append(patterns, w.Text), append(stands, w.Stand)
	}
	got, err := Compile(patterns).Replace([]byte(text), swapWith(stands))
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func longestCommon(a, b string) (best string) {
	for i := range b {
		for j := i + len(best) + 1; j <= len(b) && strings.Contains(a, b[i:j]); j++ {
			best = b[i:j]
		}
	}
	return best
}

// A placeholder of the same length comes out of base64 as itself, but for the
// outermost bits, and its neighbours are untouched.
func TestFormsBase64RoundTrip(t *testing.T) {
	secret, stand := "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_AbCdEfGhIjKlMnOpQrStUvWx"
	for before := range 4 {
		for after := range 4 {
			pre, post := strings.Repeat("<", before), strings.Repeat(">", after)
			got := scrubAll(t, secret, stand, base64.StdEncoding.EncodeToString([]byte(pre+secret+post)))
			raw, err := base64.StdEncoding.DecodeString(got)
			if err != nil {
				t.Fatal(err)
			}
			inner := string(raw[before : before+len(secret)])
			if string(raw[:before]) != pre || string(raw[before+len(secret):]) != post || inner[1:len(inner)-1] != stand[1:len(stand)-1] {
				t.Errorf("%d before, %d after: %q", before, after, raw)
			}
		}
	}
}

func TestJSONFormIsJSON(t *testing.T) {
	for _, w := range Forms([]byte(awkward), []byte("x")) {
		if w.Form != JSON {
			continue
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+string(w.Text)+`"`), &back); err != nil || back != awkward {
			t.Errorf("%q reads as %q, %v", w.Text, back, err)
		}
	}
}

func TestWorth(t *testing.T) {
	for _, tc := range []struct {
		secret string
		want   bool
	}{
		{"sk_live_4eC39HqLyjWDarjtT1zdp7dc", true},
		{"0123456789abcdef0123456789abcdef", true},
		{"correct horse battery staple", true},
		{"xK9#mP2$vL5q", true},
		{"gT7pQ2mX9kL4vB", true},
		{"password", false},
		{"Password123!", false},
		{"postgres", false},
		{"changeme", false},
		{"12345678901234", false},
		{"aaaaaaaaaaaaaaaaaaaaaaaa", false},
		{strings.Repeat("0", 64), false},
		{"", false},
		{strings.Repeat("gT7pQ2mX9kL4vB", 5000), false},
	} {
		if got := Worth([]byte(tc.secret)); got != tc.want {
			t.Errorf("Worth(%.30q) = %v (%.0f bits)", tc.secret, got, estimate([]byte(tc.secret)))
		}
	}
}

// Random data stays as it is: the chance to meet a pattern is nil.
func TestRandomDataUntouched(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var patterns, stands [][]byte
	for i := range 40 {
		for _, w := range Forms(fmt.Appendf(nil, "sk_live_%024x", rng.Uint64()+uint64(i)), []byte("STAND")) {
			patterns, stands = append(patterns, w.Text), append(stands, w.Stand)
		}
	}
	text := make([]byte, 4<<20)
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	got, err := io.ReadAll(NewReader(bytes.NewReader(text), Compile(patterns), swapWith(stands)))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatal("random data was changed", err)
	}
}

func BenchmarkNext(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	text := []byte(strings.Repeat("The quick brown fox jumps over the lazy dog, {\"id\": 12345, \"url\": \"https://example.test/a?b=c\"}\n", 40000))
	for _, secrets := range []int{1, 40} {
		var patterns [][]byte
		for range secrets {
			for _, w := range Forms(fmt.Appendf(nil, "sk_live_%x%x", rng.Uint64(), rng.Uint64()), []byte("STAND")) {
				patterns = append(patterns, w.Text)
			}
		}
		set := Compile(patterns)
		b.Run(fmt.Sprintf("secrets=%d,patterns=%d", secrets, len(patterns)), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			r := NewReader(nil, set, nil)
			for b.Loop() {
				r.Reset(bytes.NewReader(text), set, nil)
				for {
					if _, err := r.Next(); err != nil {
						break
					}
				}
			}
		})
	}
}

// A conversation never waits for a byte or three, and a match that is cut there
// shows no more than those.
func FuzzLiveStream(f *testing.F) {
	f.Add([]byte("abababab"), uint64(2))
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var patterns, stands [][]byte
		for range rng.IntN(5) + 1 {
			p := make([]byte, MinPattern+rng.IntN(9))
			for i := range p {
				p[i] = "ab"[rng.IntN(2)]
			}
			patterns, stands = append(patterns, p), append(stands, bytes.Repeat([]byte("#"), len(p)))
		}
		for range 10 {
			p := patterns[rng.IntN(len(patterns))]
			text = append(text, p[:rng.IntN(len(p)+1)]...)
		}
		want := naive(text, patterns, stands)
		r := NewReader(chunked{bytes.NewReader(text), rng}, Compile(patterns), swapWith(stands))
		r.LiveStream()
		got, err := io.ReadAll(r)
		if err != nil || len(got) != len(want) {
			t.Fatalf("patterns %q\ntext %q\ngot  %q\nwant %q, %v", patterns, text, got, want, err)
		}
		for i, shown := 0, 0; i < len(got); i++ {
			if got[i] == want[i] {
				shown = 0
				continue
			}
			if shown++; shown > Early || got[i] != text[i] {
				t.Fatalf("patterns %q\ntext %q\ngot  %q\nwant %q", patterns, text, got, want)
			}
		}
	})
}

func TestLiveStreamLetsNothingWait(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr, Compile([][]byte{[]byte("secret-one")}), swapWith([][]byte{[]byte("PLACEHOLD!")}))
	r.LiveStream()
	for _, step := range []struct{ in, out string }{
		{"says", "says"}, {"yes", "yes"}, {"xsec", "xsec"}, {"ret-one", "CEHOLD!"}, {"xsecr", "x"}, {"ets", "secrets"}, {"e", "e"},
	} {
		go func() { _, _ = pw.Write([]byte(step.in)) }()
		piece, err := r.Next()
		if err != nil || string(piece) != step.out {
			t.Fatalf("after %q came %q, %v, want %q", step.in, piece, err, step.out)
		}
	}
}
