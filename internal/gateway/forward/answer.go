package forward

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/secret"
)

// maxShort is the longest answer that is read whole before its head is written,
// so that its length and tags can follow what was taken out.
const maxShort = 32 << 10

// reply passes an answer back, without the values in it. A compressed one that
// the program would unpack is unpacked here and searched, or refused; one that it
// did not ask for is a file like any other to it, and must arrive as it is.
func (x *exchange) reply(resp *http.Response) {
	defer func() { _ = resp.Body.Close() }()
	found := x.copyHead(resp)
	defer func() { x.scrubbed(found) }()
	packed := codingOf(resp.Header)
	undone := packed != "" && (x.bound() || accepts(x.accepted, packed)) // by us, or else by the program
	partial := resp.StatusCode == http.StatusPartialContent && ofBytes(resp.Header)
	hasBody := x.r.Method != http.MethodHead && resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified && resp.ContentLength != 0
	switch {
	case x.tables.in == nil:
		x.pass(resp)
	case partial && (packed != "" || x.torn(resp)):
		x.refuse(&refusal{status: http.StatusForbidden, advice: adviceNoRetry,
			reason: "the host answered with a part of something that cannot be searched for secrets as a part; ask for all of it"})
	case packed.readable() && undone:
		found = append(found, x.unzip(resp, packed, hasBody)...)
	case !hasBody:
		x.pass(resp)
	case packed.readable() && resp.ContentLength <= maxShort && x.hides(resp, packed):
		x.refuse(&refusal{status: http.StatusForbidden, advice: adviceNoRetry,
			reason: "the host answered, compressed without being asked to, with something that holds a secret; accept gzip, and it arrives without"})
	case packed != "" && x.bound(), packed.opaque() && undone:
		x.refuse(&refusal{status: http.StatusBadGateway, advice: adviceNoRetry,
			reason: "the host answered in an encoding that cannot be searched for secrets, although it was asked not to"})
	case !partial && resp.ContentLength > 0 && resp.ContentLength <= maxShort:
		found = append(found, x.short(resp)...)
	default:
		found = append(found, x.long(resp, resp.Body, resp.ContentLength)...)
	}
}

// hides reports whether a value is in a compressed answer of known length, which
// otherwise goes on as it is.
func (x *exchange) hides(resp *http.Response, c coding) bool {
	if resp.ContentLength < 0 { // a stream: waiting for its end could take for ever
		return false
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, resp.ContentLength))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(raw), resp.Body}
	text, err := c.unpack(bytes.NewReader(raw))
	if err != nil {
		return false
	}
	a := x.f.answers.Get().(*swap.Answer)
	defer x.f.answers.Put(a)
	a.Reset(io.LimitReader(text, maxUnpacked), x.tables.in, false)
	_, _ = io.Copy(io.Discard, a)
	x.scrubbed(a.Found())
	return len(a.Found()) > 0
}

// ofBytes tells a part of a file from a page of a list, which some APIs send with
// the same status.
func ofBytes(h http.Header) bool {
	unit := h.Get("Content-Range")
	return unit == "" || len(unit) >= 5 && strings.EqualFold(unit[:5], "bytes")
}

// torn reports whether a part of something begins inside a value, of which more
// than a few bytes would be shown.
func (x *exchange) torn(resp *http.Response) bool {
	b := bufio.NewReaderSize(resp.Body, x.tables.in.Longest())
	begin, _ := b.Peek(x.tables.in.Longest())
	resp.Body = struct {
		io.Reader
		io.Closer
	}{b, resp.Body}
	return x.tables.in.Torn(begin)
}

// scrubbed reports the secrets that were taken out of an answer.
func (x *exchange) scrubbed(found []secret.Name) {
	for i, n := range found {
		if !slices.Contains(found[:i], n) {
			x.event(event.Event{Kind: event.Scrubbed, Secret: n})
		}
	}
}

// copyHead copies the answer's head but for what ends here: hop-by-hop headers
// and the offer of a way around the gateway.
func (x *exchange) copyHead(resp *http.Response) (found []secret.Name) {
	h := resp.Header
	dropHop(h)
	delete(h, "Alt-Svc")
	delete(h, "Alternate-Protocol")
	if x.bound() {
		delete(h, "Accept-Ranges")
	}
	to := x.w.Header()
	for name, values := range h {
		for i, v := range values {
			swapped, names := x.tables.in.Text(v)
			values[i], found = swapped, append(found, names...)
		}
		to[name] = values
	}
	if _, ok := to["Content-Type"]; !ok {
		to["Content-Type"] = nil // or net/http would guess one
	}
	if _, ok := to["Date"]; !ok {
		to["Date"] = nil
	}
	return found
}

// changed drops the headers that describe a body as it was before.
func changed(h http.Header) {
	for _, name := range [...]string{"Etag", "Digest", "Content-Digest", "Repr-Digest", "Content-Md5"} {
		delete(h, name)
	}
}

// pass copies an answer that is not searched.
func (x *exchange) pass(resp *http.Response) {
	x.w.WriteHeader(resp.StatusCode)
	buf := pieces.Get().(*[]byte)
	defer pieces.Put(buf)
	x.stream(resp, resp.ContentLength, func() ([]byte, error) {
		n, err := resp.Body.Read(*buf)
		return (*buf)[:n], err
	})
}

var pieces = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// short searches a whole answer before it passes its head on.
func (x *exchange) short(resp *http.Response) []secret.Name {
	a := x.f.answers.Get().(*swap.Answer)
	defer x.f.answers.Put(a)
	a.Reset(resp.Body, x.tables.in, false)
	body := make([]byte, 0, resp.ContentLength)
	for {
		piece, err := a.Next()
		body = append(body, piece...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if len(a.Found()) > 0 {
		changed(x.w.Header())
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(resp.StatusCode)
	_, _ = x.w.Write(body)
	x.trailers(resp)
	return a.Found()
}

// long searches an answer as it passes. When its length was announced it keeps
// it. Checksums of bodies from bound hosts are not passed on, because they are
// written before it is known whether they hold.
func (x *exchange) long(resp *http.Response, body io.Reader, length int64) []secret.Name {
	a := x.f.answers.Get().(*swap.Answer)
	defer x.f.answers.Put(a)
	a.Reset(body, x.tables.in, length >= 0)
	if length < 0 {
		a.LiveStream()
	}
	if h := x.w.Header(); x.bound() {
		tag := h["Etag"]
		changed(h)
		if tag != nil {
			h["Etag"] = tag
		}
	}
	x.w.WriteHeader(resp.StatusCode)
	x.stream(resp, length, a.Next)
	return a.Found()
}

// unzip passes a compressed answer on as plain text. Its memory is constant
// however much comes out of it.
func (x *exchange) unzip(resp *http.Response, c coding, hasBody bool) []secret.Name {
	h := x.w.Header()
	delete(h, "Content-Encoding")
	if !hasBody {
		delete(h, "Content-Length")
		x.w.WriteHeader(resp.StatusCode)
		return nil
	}
	zr, err := c.unpack(resp.Body)
	if err != nil {
		x.refuse(&refusal{status: http.StatusBadGateway, reason: "the host's answer is not the " + string(c) + " it says it is", advice: adviceWait})
		return nil
	}
	delete(h, "Content-Length")
	return x.long(resp, zr, -1)
}

// stream writes pieces as they come. In an answer without a length each is sent
// on at once, because one side may wait for the other; in one with a length when
// no more comes for a moment. When the outside breaks off, so does this.
func (x *exchange) stream(resp *http.Response, length int64, next func() ([]byte, error)) {
	w := &latency{w: x.w}
	defer w.stop()
	if length < 0 { // the head may be all for a long time
		w.flush()
	}
	for {
		piece, err := next()
		if len(piece) > 0 && w.write(piece, length < 0) != nil {
			panic(http.ErrAbortHandler)
		}
		if errors.Is(err, io.EOF) {
			w.stop()
			x.trailers(resp)
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// trailers passes on what came after the body, searched as the head was.
func (x *exchange) trailers(resp *http.Response) {
	for name, values := range resp.Trailer {
		for _, v := range values {
			swapped, found := x.tables.in.Text(v)
			x.w.Header().Add(http.TrailerPrefix+name, swapped)
			x.scrubbed(found)
		}
	}
}
