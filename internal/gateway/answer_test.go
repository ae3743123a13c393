package gateway

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// echoing answers with what it was told to; the client's placeholder arrives
// there as the value.
func echoing(rw http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	text := "before " + key + " after"
	rw.Header().Set("ETag", `"abc"`)
	rw.Header().Set("Content-MD5", "xxx")
	switch r.URL.Path {
	case "/plain":
		_, _ = io.WriteString(rw, text)
	case "/forms":
		_, _ = fmt.Fprintf(rw, "%s|%s|%x|%X", base64.StdEncoding.EncodeToString([]byte("u:"+key)), base64.RawURLEncoding.EncodeToString([]byte(key)), key, key)
	case "/long":
		pad := strings.Repeat("-", 100000)
		rw.Header().Set("Content-Length", strconv.Itoa(2*len(pad)+len(text)))
		_, _ = io.WriteString(rw, pad+text+pad)
	case "/pieces":
		for i := range len(text) {
			_, _ = rw.Write([]byte{text[i]})
			rw.(http.Flusher).Flush()
		}
	case "/gzip":
		rw.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(rw)
		_, _ = io.WriteString(zw, strings.Repeat("-", 100000)+text)
		_ = zw.Close()
	case "/header":
		rw.Header().Set("X-Echo", text)
		rw.Header().Set("Location", "https://docs.test/?k="+key)
		rw.Header().Set("Set-Cookie", "k="+key)
		rw.WriteHeader(http.StatusFound)
	case "/trailer":
		rw.Header().Set("Trailer", "X-End")
		_, _ = io.WriteString(rw, "body")
		rw.Header().Set("X-End", text)
	case "/deflate", "/br", "/gzip, gzip":
		rw.Header().Set("Content-Encoding", r.URL.Path[1:])
		zw, _ := flate.NewWriter(rw, 6)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
	case "/zlib":
		rw.Header().Set("Content-Encoding", "deflate")
		zw := zlib.NewWriter(rw)
		_, _ = io.WriteString(zw, text)
		_ = zw.Close()
	case "/badgzip":
		rw.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(rw, text)
	}
}

func TestScrubbing(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(echoing))
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, tc := range []struct {
			path   string
			status int
			want   string
		}{
			{"/plain", 200, "before " + payPlace + " after"},
			{"/long", 200, strings.Repeat("-", 100000) + "before " + payPlace + " after" + strings.Repeat("-", 100000)},
			{"/pieces", 200, "before " + payPlace + " after"},
			{"/gzip", 200, strings.Repeat("-", 100000) + "before " + payPlace + " after"},
			{"/trailer", 200, "body"},
			{"/deflate", 200, "before " + payPlace + " after"},
			{"/zlib", 200, "before " + payPlace + " after"},
			{"/br", 502, "cannot be searched"},
			{"/gzip,%20gzip", 502, "cannot be searched"},
			{"/badgzip", 502, "not the gzip"},
		} {
			resp, body := do(t, c, "GET", "https://pay.test"+tc.path, "", "Authorization", "Bearer "+payPlace, "Accept-Encoding", "br, gzip, deflate")
			if resp.StatusCode != tc.status || tc.status == 200 && body != tc.want || !strings.Contains(body, tc.want) {
				t.Errorf("h2 %v, %s: %d %.80q", http2, tc.path, resp.StatusCode, body)
			}
			checkClean(t, tc.path, resp, body)
			if tc.path == "/plain" && (resp.Header.Get("Etag") != "" || resp.Header.Get("Content-Md5") != "" || resp.ContentLength != int64(len(body))) {
				t.Errorf("head of a changed answer: %v", resp.Header)
			}
			if tc.path == "/gzip" && resp.Header.Get("Content-Encoding") != "" {
				t.Errorf("%v", resp.Header)
			}
			if tc.path == "/trailer" && resp.Trailer.Get("X-End") != "before "+payPlace+" after" {
				t.Errorf("h2 %v, trailers %v", http2, resp.Trailer)
			}
		}
		resp, body := do(t, c, "GET", "https://pay.test/header", "", "Authorization", "Bearer "+payPlace)
		checkClean(t, "/header", resp, body)
		if resp.Header.Get("Location") != "https://docs.test/?k="+payPlace || !strings.Contains(resp.Header.Get("Set-Cookie"), payPlace) {
			t.Errorf("%v", resp.Header)
		}
		resp, body = do(t, c, "GET", "https://pay.test/forms", "", "Authorization", "Bearer "+payPlace)
		checkClean(t, "/forms", resp, body)
	}
	w.event(Scrubbed, "PAY_KEY")
	w.noValues()
}

// checkClean looks for the value's middle in every form that is made here.
func checkClean(t *testing.T, what string, resp *http.Response, body string) {
	t.Helper()
	core := payValue[8 : len(payValue)-3] // without the prefix that both share, and a margin for base64
	all := fmt.Sprint(resp.Header, resp.Trailer, body)
	for _, form := range []string{core, hex.EncodeToString([]byte(core)), strings.ToUpper(hex.EncodeToString([]byte(core)))} {
		if strings.Contains(all, form) {
			t.Errorf("%s shows the value: %.200q", what, all)
		}
	}
	for i := range 3 {
		if enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + core)); strings.Contains(all, enc[4:len(enc)-5]) {
			t.Errorf("%s shows the value in base64: %.200q", what, all)
		}
	}
}

// A value of another length: an answer that announced its length keeps it.
func TestScrubbingOtherLength(t *testing.T) {
	pad := strings.Repeat("-", 50000)
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text := pad + dbValue + pad
		if r.URL.Path == "/short" {
			text = dbValue
		}
		rw.Header().Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = io.WriteString(rw, text)
	}))
	w.mu.Lock()
	w.known = []Known{{Name: "DATABASE_URL", Placeholder: "postgres://placeholder", Value: w.known[0].Value}}
	w.mu.Unlock()
	c := w.client(false)
	if resp, body := do(t, c, "GET", "https://docs.test/long", ""); len(body) != 2*len(pad)+len(dbValue) || strings.Contains(body, "Zq8") || int(resp.ContentLength) != len(body) {
		t.Errorf("%d bytes", len(body))
	}
	if resp, body := do(t, c, "GET", "https://docs.test/short", ""); body != "postgres://placeholder" || int(resp.ContentLength) != len(body) {
		t.Errorf("%q", body)
	}
}

// Answers of hosts to which nothing is bound are searched as well, unless that
// would spoil a file: what the program did not ask to be compressed arrives as it
// is, and a download can be resumed where no value is cut in two.
func TestUnboundHosts(t *testing.T) {
	var asked http.Header
	text := "0123456789" + payValue + strings.Repeat("abcdef", 10)
	packed, file := zipped(text), zipped(text[:10])
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		switch c := strings.TrimPrefix(r.URL.Path, "/"); c {
		case "page":
			rw.Header().Set("Content-Range", "0-1/*")
			rw.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(rw, r.Header.Get("Range")+text)
		case "br":
			rw.Header().Set("Content-Encoding", c)
			_, _ = io.WriteString(rw, "not really br")
		case "file", "stream":
			rw.Header().Set("Content-Encoding", "gzip")
			if c == "stream" {
				rw.(http.Flusher).Flush()
			}
			_, _ = io.WriteString(rw, file)
		case "gzip", "utf-8":
			rw.Header().Set("Content-Encoding", c)
			body := map[string]string{"gzip": packed, "utf-8": text}[c]
			_, _ = io.WriteString(rw, body)
		default:
			http.ServeContent(rw, r, "x", time.Time{}, strings.NewReader(text))
		}
	}))
	w.mu.Lock()
	w.known = []Known{{Name: "PAY_KEY", Placeholder: payPlace, Value: secret.NewValue([]byte(payValue))}}
	w.mu.Unlock()
	c := w.client(false)
	at := func(n int) string { return "bytes=" + strconv.Itoa(n) + "-" }
	clean := strings.ReplaceAll(text, payValue, payPlace)
	for _, tc := range []struct {
		path, accept, ranges string
		status               int
		want                 string
	}{
		{"/", "", "", 200, clean},
		{"/br", "", "", 200, "not really br"},
		{"/br", "gzip, br", "", 502, "cannot be searched"},
		{"/br", "*", "", 502, "cannot be searched"},
		{"/br", "br;q=0", "", 200, "not really br"},
		{"/gzip", "", "", 403, "accept gzip"},
		{"/gzip", "gzip;q=0", "", 403, "accept gzip"},
		{"/file", "", "", 200, file},
		{"/file", "br", "", 200, file},
		{"/stream", "", "", 200, file},
		{"/file", "gzip", "", 200, clean[:10]},
		{"/gzip", "deflate, gzip;q=0.5", "", 200, clean},
		{"/utf-8", "gzip", "", 200, clean},
		{"/", "", "bytes=2-5", 200, clean}, // as if it were not understood
		{"/", "", "bytes=0-1,4-5", 200, clean},
		{"/", "gzip", at(5), 206, clean[5:]},
		{"/", "gzip", at(len(text) - 4), 206, text[len(text)-4:]},
		{"/", "", "bytes=-4", 206, text[len(text)-4:]},
		{"/", "", at(11), 403, "as a part"},
		{"/", "", at(10 + len(payValue) - 8), 403, "as a part"},
		{"/", "", at(10 + len(payValue) - 7), 206, text[10+len(payValue)-7:]},
	} {
		header := []string{"Accept-Encoding", tc.accept}
		if tc.ranges != "" {
			header = append(header, "Range", tc.ranges)
		}
		resp, body := do(t, c, "GET", "https://docs.test"+tc.path, "", header...)
		if resp.StatusCode != tc.status || tc.status < 300 && body != tc.want || !strings.Contains(body, tc.want) {
			t.Errorf("%v: %d %.100q", tc, resp.StatusCode, body)
		}
		if tc.status < 300 && strings.HasPrefix(tc.ranges, "bytes=") && asked.Get("Accept-Encoding") != "identity" {
			t.Errorf("%v: asked %v", tc, asked)
		}
	}
	if resp, body := do(t, c, "GET", "https://pay.test/page", "", "Range", "0-1"); resp.StatusCode != 206 || body != "0-1"+clean {
		t.Errorf("a page of a list: %d %q", resp.StatusCode, body)
	}
	resp, body := do(t, c, "GET", "https://pay.test/", "", "Range", "bytes=2-", "Accept-Encoding", "br")
	if resp.StatusCode != 200 || body != clean || resp.Header.Get("Accept-Ranges") != "" {
		t.Errorf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
	if asked.Get("Accept-Encoding") != "identity" || asked.Get("Range") != "" {
		t.Errorf("the outside was asked %v", asked)
	}
}

// zipped is a text as gzip writes it.
func zipped(text string) string {
	var b strings.Builder
	zw := gzip.NewWriter(&b)
	_, _ = io.WriteString(zw, text)
	_ = zw.Close()
	return b.String()
}

// Random data and a real archive arrive bit by bit as they were, with and
// without a length, compressed and not, on bound and other hosts.
func TestDownloadsAreNotCorrupted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 3<<20)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	var archive bytes.Buffer
	zw := gzip.NewWriter(&archive)
	_, _ = zw.Write(bytes.Repeat([]byte("some text that compresses "), 50000))
	_ = zw.Close()
	files := map[string][]byte{"/random": data, "/archive.tgz": archive.Bytes(), "/empty": nil, "/one": {0}}
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b := files[r.URL.Path]
		rw.Header().Set("Content-Type", "application/octet-stream")
		switch r.URL.RawQuery {
		case "length":
			rw.Header().Set("Content-Length", strconv.Itoa(len(b)))
		case "gzip":
			rw.Header().Set("Content-Encoding", "gzip")
			zw := gzip.NewWriter(rw)
			_, _ = zw.Write(b)
			_ = zw.Close()
			return
		}
		_, _ = rw.Write(b)
	}))
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, host := range []string{"pay.test", "docs.test"} {
			for path, want := range files {
				for _, how := range []string{"length", "chunked", "gzip"} {
					_, body := do(t, c, "GET", "https://"+host+path+"?"+how, "", "Accept-Encoding", "gzip")
					if sha256.Sum256([]byte(body)) != sha256.Sum256(want) {
						t.Errorf("h2 %v, %s%s %s: %d bytes of %d", http2, host, path, how, len(body), len(want))
					}
				}
			}
		}
	}
	if w.count(Scrubbed) != 0 {
		t.Error("something was scrubbed")
	}
}

// A server-sent event arrives when it is sent, though the answer has no end.
func TestServerSentEvents(t *testing.T) {
	next, gone := make(chan string), make(chan bool)
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { gone <- true }()
		rw.Header().Set("Content-Type", "text/event-stream")
		var to io.Writer = rw
		var zw *gzip.Writer
		if r.URL.Path == "/gzip" {
			rw.Header().Set("Content-Encoding", "gzip")
			zw = gzip.NewWriter(rw)
			to = zw
		}
		rw.(http.Flusher).Flush()
		for {
			select {
			case s := <-next:
				_, _ = io.WriteString(to, s)
			case <-r.Context().Done():
				return
			}
			if zw != nil {
				_ = zw.Flush()
			}
			rw.(http.Flusher).Flush()
		}
	}))
	for _, http2 := range []bool{false, true} {
		for _, path := range []string{"/", "/gzip"} {
			c := w.client(http2)
			if path == "/gzip" { // its header must come before ours
				go func() { next <- "data: 0\n\n" }()
			}
			req, _ := http.NewRequest("GET", "https://pay.test"+path, nil)
			req.Header.Set("Authorization", "Bearer "+payPlace)
			req.Header.Set("Accept-Encoding", "gzip")
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(resp.Body)
			if path == "/gzip" {
				_, _ = lines.ReadString('\n')
				_, _ = lines.ReadString('\n')
			}
			for i, sent := range []string{"data: one\n\n", "data: " + payValue + "\n\n"} {
				next <- sent
				got, err := lines.ReadString('\n')
				_, _ = lines.ReadString('\n')
				if want := strings.ReplaceAll(sent, payValue, payPlace); err != nil || got+"\n" != want {
					t.Errorf("h2 %v, %s, event %d: %q, %v", http2, path, i, got, err)
				}
			}
			_ = resp.Body.Close()
			<-gone
		}
	}
}

// A few kilobytes that become a gigabyte use no memory here.
func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	zero := make([]byte, 1<<20)
	for range 256 {
		_, _ = zw.Write(zero)
	}
	_ = zw.Close()
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		_, _ = rw.Write(bomb.Bytes())
	}))
	req, _ := http.NewRequest("GET", "https://pay.test/", nil)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := w.client(false).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.Copy(io.Discard, resp.Body)
	runtime.ReadMemStats(&after)
	if n != 256<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// When the outside breaks off, so does the answer inside: half a file must not
// look like a whole one.
func TestBrokenAnswer(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, strings.Repeat("x", 40000))
		rw.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	for _, http2 := range []bool{false, true} {
		resp, err := w.client(http2).Get("https://docs.test/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("h2 %v: the answer ends cleanly", http2)
		}
		_ = resp.Body.Close()
	}
}

func TestAltSvcDropped(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Alt-Svc", `h3=":443"`)
		rw.Header().Set("X-Hop", "1")
		rw.Header().Set("Connection", "X-Hop")
	}))
	resp, _ := do(t, w.client(false), "GET", "https://docs.test/", "")
	if resp.Header.Get("Alt-Svc") != "" || resp.Header.Get("X-Hop") != "" {
		t.Errorf("%v", resp.Header)
	}
}
