package forward

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// A body whose length is known to be at most maxWhole is judged whole before
// anything is sent, as long as all requests together hold at most maxHeld bytes
// of such bodies. Others are judged as they pass.
const (
	maxWhole = 1 << 20
	maxHeld  = 64 << 20
)

// upload is a request's body on its way out.
type upload struct {
	x      *exchange
	whole  []byte
	held   int64
	stream io.Reader // nil: whole, or nothing
	length int64     // -1: unknown
	stop   atomic.Pointer[swap.Stop]
}

// body prepares the request's body. A small one is read here, so that a refusal
// comes before anything is sent.
func (x *exchange) body() (*upload, error) {
	u := &upload{x: x, length: x.r.ContentLength}
	packed := codingOf(x.r.Header)
	switch {
	case x.r.Body == nil || x.r.Body == http.NoBody || u.length == 0:
		return &upload{}, nil
	case x.tables.out == nil, packed.opaque() && x.told(): // what a model is told raises no alarm, and nothing is put in
		u.stream = x.r.Body
	case packed.readable() || packed.opaque():
		return u, u.readPacked(packed)
	case u.length > 0 && u.length <= maxWhole && u.hold(u.length):
		return u, u.readWhole()
	case x.told():
		u.stream = x.without(x.r.Body, u.length > 0)
	default:
		u.stream = x.tables.out.Check(x.r.Body, x.destination())
	}
	if x.r.ProtoMajor == 1 { // the answer may begin before the body ends
		_ = http.NewResponseController(x.w).EnableFullDuplex()
	}
	return u, nil
}

// told reports whether the destination is told what the agent sees.
func (x *exchange) told() bool {
	return x.scheme == "https" && x.f.cfg.Confidants != nil &&
		slices.ContainsFunc(x.f.cfg.Confidants(), func(h policy.Host) bool { return h.Matches(x.to.Name, x.to.Port) })
}

// without is a body in which placeholders stand where values stood.
func (x *exchange) without(body io.Reader, fixed bool) io.Reader {
	if x.tables.in == nil {
		return body
	}
	a := &swap.Answer{}
	a.Reset(body, x.tables.in, fixed)
	a.LiveStream()
	a.OnFound = func(n secret.Name) {
		x.event(event.Event{Kind: event.Scrubbed, Secret: n, Reason: "the real value was in the body of the request"})
	}
	return a
}

func (u *upload) hold(n int64) bool {
	if u.x.f.held.Add(n) > maxHeld {
		u.x.f.held.Add(-n)
		return false
	}
	u.held = n
	return true
}

func (u *upload) release() {
	if u.held > 0 {
		u.x.f.held.Add(-u.held)
		u.held = 0
	}
}

func (u *upload) readWhole() (err error) {
	x, body, told := u.x, io.Reader(u.x.r.Body), u.x.told()
	if told {
		body = x.without(body, false)
	}
	b := bytes.NewBuffer(make([]byte, 0, u.length+bytes.MinRead))
	if _, err = b.ReadFrom(body); err == nil && !told {
		u.whole, err = x.tables.out.Whole(b.Bytes(), x.r.Header.Get("Content-Type"), x.destination(), x.lookup)
	} else {
		u.whole = b.Bytes()
	}
	if err != nil {
		u.release()
		return err
	}
	u.length = int64(len(u.whole))
	delete(x.r.Header, "Expect")
	return nil
}

// attach puts the body into the request that is sent.
func (u *upload) attach(out *http.Request) {
	switch {
	case u.stream != nil:
		out.Body, out.ContentLength = u, u.length
	case len(u.whole) > 0:
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(u.whole)), nil }
		out.Body, _ = out.GetBody()
		out.ContentLength = u.length
	}
}

// Read implements io.Reader for the transport.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.stream.Read(p)
	if stop, ok := errors.AsType[*swap.Stop](err); ok && u.stop.CompareAndSwap(nil, stop) {
		u.x.alarm(stop)
	}
	return n, err
}

// Close implements io.Closer for the transport.
func (u *upload) Close() error { return u.x.r.Body.Close() }
