package gateway

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
)

// packers write the encodings that are undone.
var packers = map[string]func(string) string{
	"gzip": zipped,
	"deflate": func(text string) string {
		var b bytes.Buffer
		zw := zlib.NewWriter(&b)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
		return b.String()
	},
	"Deflate": func(text string) string {
		var b bytes.Buffer
		zw, _ := flate.NewWriter(&b, 6)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
		return b.String()
	},
}

// A compressed request is judged by what is in it, and arrives as it was.
func TestPackedRequests(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	pad := strings.Repeat("x", 100000)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for name, pack := range packers {
			for _, tc := range []struct{ url, text, want string }{
				{"https://mail.test/", pad + "harmless", ""},
				{"https://pay.test/", `{"key":"` + payPlace + `"}`, ""},
				{"https://mail.test/", pad + payPlace + pad, "holds the placeholder of PAY_KEY"},
				{"https://pay.test/", pad + dbValue + pad, "real value of DATABASE_URL"},
			} {
				body, before := pack(tc.text), out.count()
				resp, got := do(t, c, "POST", tc.url, body, "Content-Encoding", name)
				r, sent := out.last()
				if tc.want == "" && (resp.StatusCode != 200 || sent != body || r.Header.Get("Content-Encoding") != name) {
					t.Errorf("h2 %v, %s: %d, %d bytes became %d, %v", http2, name, resp.StatusCode, len(body), len(sent), r.Header)
				}
				if tc.want != "" && (resp.StatusCode != 403 || !strings.Contains(got, tc.want) || out.count() != before) {
					t.Errorf("h2 %v, %s: %d %q", http2, name, resp.StatusCode, got)
				}
			}
		}
	}
	w.event(Alarm, "DATABASE_URL")
	w.noValues()
}

// What cannot be judged as a whole goes nowhere, with or without a length.
func TestPackedRequestsRefused(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	var comment bytes.Buffer
	zw := gzip.NewWriter(&comment)
	zw.Comment = dbValue
	_ = zw.Close()
	whole := zipped("harmless")
	for _, tc := range []struct {
		name, coding, body string
		status             int
	}{
		{"no gzip", "gzip", "harmless", 400},
		{"cut", "gzip", whole[:len(whole)-5], 400},
		{"more behind it", "gzip", whole + dbValue, 403},
		{"more behind it", "deflate", packers["deflate"]("harmless") + "x", 400},
		{"a second one", "gzip", whole + zipped(dbValue), 403},
		{"in its comment", "gzip", comment.String(), 403},
		{"br", "br", "whatever", 415},
		{"twice", "gzip, gzip", zipped(whole), 415},
		{"large", "gzip", strings.Repeat("x", 8<<20+1), 413},
	} {
		for _, http2 := range []bool{false, true} {
			c := w.client(http2)
			for _, body := range []io.Reader{strings.NewReader(tc.body), io.MultiReader(strings.NewReader(tc.body))} {
				if status := post(t, c, "https://mail.test/", tc.coding, body); status != tc.status {
					t.Errorf("h2 %v, %s: %d, want %d", http2, tc.name, status, tc.status)
				}
			}
		}
	}
	bomb := zipped(strings.Repeat("\x00", 128<<20+1))
	if status := post(t, w.client(true), "https://mail.test/", "gzip", strings.NewReader(bomb)); status != 413 {
		t.Errorf("a bomb: %d", status)
	}
	if out.count() != 0 {
		t.Errorf("%d came through", out.count())
	}
}

// Toward the API of its model an agent's conversation goes on, without values.
func TestPackedConfidant(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	w.mu.Lock()
	w.confidants = []policy.Host{{Name: "mail.test"}}
	w.mu.Unlock()
	c := w.client(true)
	clean := zipped("PAY=" + payPlace)
	if resp, _ := do(t, c, "POST", "https://mail.test/", clean, "Content-Encoding", "gzip"); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	if _, sent := out.last(); sent != clean {
		t.Errorf("%q", sent)
	}
	do(t, c, "POST", "https://mail.test/", zipped("DB="+dbValue), "Content-Encoding", "gzip")
	if r, sent := out.last(); sent != "DB="+strings.Repeat("*", len(dbValue)) || r.Header.Get("Content-Encoding") != "" {
		t.Errorf("%q %v", sent, r.Header)
	}
	w.mu.Lock()
	w.known = nil // as after the vault was locked
	w.mu.Unlock()
	w.Forget()
	if resp, _ := do(t, w.client(true), "POST", "https://mail.test/", clean, "Content-Encoding", "gzip"); resp.StatusCode != 200 {
		t.Errorf("without values: %s", resp.Status)
	}
	c = w.client(true)
	if resp, _ := do(t, c, "POST", "https://mail.test/", "opaque", "Content-Encoding", "zstd"); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	w.event(Scrubbed, "DATABASE_URL")
	w.noValues()
}

func post(t *testing.T, c *http.Client, url, coding string, body io.Reader) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Encoding", coding)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}
