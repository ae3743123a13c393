package server

import (
	"context"
	"io"
	"net/http"
	"os"
)

// Transport is an http.RoundTripper that calls the server in this process; the
// peer is the process itself.
func (s *Server) Transport() http.RoundTripper { return served{s} }

type served struct{ s *Server }

// RoundTrip calls the handler; it never fails.
func (t served) RoundTrip(r *http.Request) (*http.Response, error) { return t.serve(r), nil }

// serve runs the handler beside the reader of its answer, so that a lease,
// which never ends, can be read.
func (t served) serve(r *http.Request) *http.Response {
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(WithPeer(ctx, Peer{UID: os.Getuid(), PID: os.Getpid()}))
	if in.Body == nil {
		in.Body = http.NoBody
	}
	body, w := io.Pipe()
	a := &answer{header: http.Header{}, body: w, ready: make(chan struct{})}
	go func() {
		t.s.ServeHTTP(a, in)
		a.WriteHeader(http.StatusOK)
		_ = w.Close()
	}()
	<-a.ready
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.sent, Body: &answerBody{PipeReader: body, cancel: cancel}, Request: r, ContentLength: -1,
	}
}

// answer is the http.ResponseWriter of served.
type answer struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	ready        chan struct{}
}

// Header is what will be sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader lets the reader of the answer begin.
func (a *answer) WriteHeader(status int) {
	if a.sent != nil {
		return
	}
	a.status, a.sent = status, a.header.Clone()
	close(a.ready)
}

// Write waits until the reader has taken b.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Flush has nothing to do: the pipe holds nothing back.
func (a *answer) Flush() {}

type answerBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close tells the handler that nobody reads any more.
func (b *answerBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
