package gateway

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
)

func basicAuth(userinfo string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userinfo))
}

func TestInjection(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, tc := range []struct {
			name, method, url, body string
			header                  []string
			check                   func(r *http.Request, body string) string
			want                    string
		}{
			{"bearer", "GET", "https://pay.test/", "", []string{"Authorization", "Bearer " + payPlace},
				func(r *http.Request, _ string) string { return r.Header.Get("Authorization") }, "Bearer " + payValue},
			{"key header, other length", "GET", "https://mail.test/", "", []string{"X-Api-Key", mailPlace},
				func(r *http.Request, _ string) string { return r.Header.Get("X-Api-Key") }, mailValue},
			{"basic", "GET", "https://pay.test/", "", []string{"Authorization", basicAuth(payPlace + ":")},
				func(r *http.Request, _ string) string { return r.Header.Get("Authorization") }, basicAuth(payValue + ":")},
			{"query", "GET", "https://mail.test/send?a=b&key=" + mailPlace, "", nil,
				func(r *http.Request, _ string) string { return r.RequestURI }, "/send?a=b&key=" + url.QueryEscape(mailValue)},
			{"path", "GET", "https://mail.test/bot" + mailPlace + "/send", "", nil,
				func(r *http.Request, _ string) string { return r.RequestURI }, "/bot" + url.PathEscape(mailValue) + "/send"},
			{"json", "POST", "https://mail.test/", `{"key":"` + mailPlace + `"}`, []string{"Content-Type", "application/json"},
				func(r *http.Request, b string) string { return fmt.Sprint(r.ContentLength == int64(len(b))) + " " + b }, `true {"key":"re_\"Re&al\"+Mail/222 2222%"}`},
			{"form", "POST", "https://mail.test/", "key=" + mailPlace + "&x=y", []string{"Content-Type", "application/x-www-form-urlencoded"},
				func(_ *http.Request, b string) string { return b }, "key=" + url.QueryEscape(mailValue) + "&x=y"},
			{"nothing", "POST", "https://pay.test/", "plain", nil,
				func(_ *http.Request, b string) string { return b }, "plain"},
		} {
			resp, _ := do(t, c, tc.method, tc.url, tc.body, tc.header...)
			r, body := out.last()
			if got := tc.check(r, body); resp.StatusCode != 200 || got != tc.want {
				t.Errorf("h2 %v, %s: %d, outside got %q, want %q", http2, tc.name, resp.StatusCode, got, tc.want)
			}
		}
	}
	e := w.event(Injected, "PAY_KEY")
	if e.Host != "pay.test" || e.Port != 443 {
		t.Errorf("%+v", e)
	}
	w.noValues()
}

// A long body is judged as it passes, and stays what it is.
func TestLongBodies(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	pad := strings.Repeat("x", 3<<20)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		post := func(url string, body io.Reader) (*http.Response, error) {
			resp, err := c.Post(url, "text/plain", body)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			return resp, err
		}
		for _, body := range []io.Reader{strings.NewReader(pad + payPlace + pad), io.MultiReader(strings.NewReader(pad+payPlace[:9]), strings.NewReader(payPlace[9:]+pad))} {
			resp, err := post("https://pay.test/", body)
			if _, got := out.last(); err != nil || resp.StatusCode != 200 || got != pad+payPlace+pad {
				t.Errorf("h2 %v: %v, %d bytes came", http2, err, len(got))
			}
		}
		before := out.count()
		for _, text := range []string{payPlace, dbValue} {
			resp, err := post("https://mail.test/", strings.NewReader(pad+text+pad))
			if err == nil && resp.StatusCode != 403 {
				t.Errorf("h2 %v, foreign in the middle: %d", http2, resp.StatusCode)
			}
		}
		if out.count() != before {
			t.Errorf("h2 %v: a stopped body came whole", http2)
		}
	}
	w.event(Alarm, "PAY_KEY")
	w.event(Alarm, "DATABASE_URL")
	w.noValues()
}

// The model's API hears of placeholders and never of values: a file that the
// agent read must not end its conversation.
func TestConfidant(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	w.mu.Lock()
	w.confidants = []policy.Host{{Name: "mail.test"}}
	w.mu.Unlock()
	long := strings.Repeat("-", 2<<20)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, pad := range []string{"", long} {
			sent := `{"api_key":"` + mailPlace + `","content":"PAY=` + payPlace + ` DB=` + dbValue + pad + `"}`
			resp, _ := do(t, c, "POST", "https://mail.test/v1/messages", sent, "Content-Type", "application/json", "X-Api-Key", mailPlace)
			r, got := out.last()
			want := strings.Replace(sent, dbValue, strings.Repeat("*", len(dbValue)), 1)
			if resp.StatusCode != 200 || got != want || r.Header.Get("X-Api-Key") != mailValue {
				t.Errorf("h2 %v: %d, %.300q, %v", http2, resp.StatusCode, got, r.Header)
			}
		}
		if resp, _ := do(t, c, "GET", "https://mail.test/?k="+payPlace, ""); resp.StatusCode != 403 {
			t.Errorf("in the query: %d", resp.StatusCode)
		}
	}
	if w.count(Alarm) != 1 {
		t.Errorf("%v", w.events())
	}
	w.event(Scrubbed, "DATABASE_URL")
	w.noValues()
}

func TestPlaceholderTowardForeignHost(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	b64 := base64.StdEncoding.EncodeToString([]byte("x" + payPlace))
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, tc := range []struct {
			name, method, url, body string
			header                  []string
			text                    string
		}{
			{"header", "GET", "https://docs.test/", "", []string{"Authorization", "Bearer " + payPlace}, "bound to pay.test and not to docs.test"},
			{"another bound host", "GET", "https://mail.test/", "", []string{"X-Api-Key", payPlace}, "bound to pay.test"},
			{"basic", "GET", "https://docs.test/", "", []string{"Authorization", basicAuth("u:" + payPlace)}, "placeholder of PAY_KEY"},
			{"query", "GET", "https://docs.test/?x=" + payPlace, "", nil, "the query holds the placeholder"},
			{"path", "GET", "https://docs.test/" + payPlace, "", nil, "the path holds the placeholder"},
			{"body", "POST", "https://mail.test/", "x " + payPlace, nil, "the body holds the placeholder"},
			{"body in base64", "POST", "https://mail.test/", b64, nil, "the body holds the placeholder"},
			{"denied host", "POST", "https://docs.test/" + payPlace, "", nil, "read-only rule"},
			{"plain HTTP to its own host", "GET", "http://pay.test/", "", []string{"Authorization", "Bearer " + payPlace}, "never sent without TLS"},
			{"real value", "GET", "https://docs.test/?x=" + url.QueryEscape(dbValue), "", nil, "real value of DATABASE_URL"},
			{"real value in the body", "POST", "https://pay.test/", base64.StdEncoding.EncodeToString([]byte(dbValue)), nil, "real value of DATABASE_URL"},
			{"foreign key", "GET", "https://pay.test/", "", []string{"Authorization", "Bearer sk_live_attacker"}, "carries a key of its own"},
		} {
			resp, body := do(t, c, tc.method, tc.url, tc.body, tc.header...)
			if resp.StatusCode != 403 || !strings.Contains(body, tc.text) {
				t.Errorf("h2 %v, %s: %d %q", http2, tc.name, resp.StatusCode, body)
			}
			if strings.Contains(body, payPlace) || strings.Contains(body, dbValue) {
				t.Errorf("h2 %v, %s: the answer repeats it", http2, tc.name)
			}
		}
	}
	if out.count() != 0 {
		t.Error("the outside was reached")
	}
	w.event(Alarm, "PAY_KEY (the placeholder of PAY_KEY in the query is not bound to this host)")
	w.event(Alarm, "without TLS")
	w.event(Alarm, "DATABASE_URL")
	w.event(Alarm, "carries a key that is not a placeholder")
	w.event(Alarm, "POST https://docs.test PAY_KEY")
	for _, e := range w.events() {
		if strings.Contains(e.Path, payPlace) {
			t.Errorf("%v shows the placeholder", e)
		}
	}
	w.noValues()
}

// After the vault is locked placeholders stay placeholders; unlocking resumes
// without a restart.
func TestLocked(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	c := w.client(false)
	get := func() (*http.Response, string) {
		return do(t, c, "GET", "https://pay.test/", "", "Authorization", "Bearer "+payPlace)
	}
	if resp, _ := get(); resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	w.mu.Lock()
	w.locked, w.known = true, nil
	w.mu.Unlock()
	w.Forget()
	if w.forward.Leaks(payValue) {
		t.Error("values are still known")
	}
	resp, body := get()
	if resp.StatusCode != 503 || !strings.Contains(body, "bailey unlock") {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	w.event(Denied, "the vault is locked")
	w.mu.Lock()
	w.locked = false
	w.mu.Unlock()
	if resp, _ := get(); resp.StatusCode != 200 || out.count() != 2 {
		t.Errorf("after unlocking: %s, %d", resp.Status, out.count())
	}
}

// Uploads arrive as they were, whatever their size and framing.
func TestUploads(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, size := range []int{1, 1000, 64 << 10, 1 << 20, 1<<20 + 1, 5 << 20} {
			body := bytes.Repeat([]byte("0123456789abcdef\x00\xff"), size/18+1)[:size]
			for _, r := range []io.Reader{bytes.NewReader(body), io.MultiReader(bytes.NewReader(body))} { // with and without a length
				resp, err := c.Post("https://pay.test/", "application/octet-stream", r)
				if err != nil {
					t.Fatalf("h2 %v, %d bytes: %v", http2, size, err)
				}
				_ = resp.Body.Close()
				if _, got := out.last(); got != string(body) {
					t.Errorf("h2 %v: %d bytes became %d", http2, size, len(got))
				}
			}
		}
	}
}
