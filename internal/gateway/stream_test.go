package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A conversation over one request, as gRPC has it: each message is answered
// before the next is sent.
func TestConversation(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		rw.WriteHeader(http.StatusOK)
		rw.(http.Flusher).Flush()
		buf := make([]byte, 1024)
		for {
			n, err := r.Body.Read(buf)
			_, _ = rw.Write(buf[:n])
			rw.(http.Flusher).Flush()
			if err != nil {
				rw.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
				return
			}
		}
	}))
	pr, pw := io.Pipe()
	req, _ := http.NewRequest("POST", "https://pay.test/", pr)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("TE", "trailers")
	resp, err := w.client(true).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{"s", "sk", "re_", "hello", payValue[:3], "\x00\x00\x00\x00\x05abcde", strings.Repeat("z", 1000)} {
		if _, err := io.WriteString(pw, message); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(message))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != message {
			t.Fatalf("%.20q came back as %.20q, %v", message, got, err)
		}
	}
	_ = pw.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err != nil || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("%v, trailers %v", err, resp.Trailer)
	}
}

// An answer that comes before the whole of a long body is passed on.
func TestEarlyAnswer(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.WriteHeader(http.StatusRequestEntityTooLarge)
	}))
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		c.Timeout = 5 * time.Second
		resp, err := c.Post("https://pay.test/", "text/plain", bytes.NewReader(make([]byte, 20<<20)))
		if err != nil { // HTTP/1 may see the connection close under its upload, as it may without a gateway
			if http2 || strings.Contains(err.Error(), "deadline") {
				t.Errorf("h2 %v: %v", http2, err)
			}
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("h2 %v: %d", http2, resp.StatusCode)
		}
	}
}

// When a program leaves in the middle, so does the request outside.
func TestProgramLeaves(t *testing.T) {
	left := make(chan bool, 1)
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.(http.Flusher).Flush()
		<-r.Context().Done()
		left <- true
	}))
	for _, http2 := range []bool{false, true} {
		resp, err := w.client(http2).Get("https://pay.test/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		select {
		case <-left:
		case <-time.After(5 * time.Second):
			t.Errorf("h2 %v: the request outside lives on", http2)
		}
	}
}
