package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds what a server can make the client hold.
const maxAnswer = 64 << 20

// Client speaks to a server. It is safe for concurrent use and holds no
// state but its transport.
type Client struct {
	transport http.RoundTripper
	base      string
	session   string
	repeat    bool // what is asked may be asked twice
}

// New speaks to the server at base, such as "https://keep.example", over rt.
func New(rt http.RoundTripper, base string) *Client {
	return &Client{transport: rt, base: strings.TrimRight(base, "/")}
}

// LocalBase is the address that stands for a daemon behind a Unix socket or a
// handler in the same process.
const LocalBase = "http://bailey"

// Dial speaks to the daemon behind a Unix socket. Nothing is connected yet.
func Dial(socket string) *Client { return New(UnixTransport(socket), LocalBase) }

// UnixTransport connects every request to one Unix socket.
func UnixTransport(socket string) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
		MaxIdleConns:       4,
		IdleConnTimeout:    time.Minute,
	}
}

// WithSession asks on behalf of an agent session: the server records it.
func (c *Client) WithSession(id string) *Client {
	d := *c
	d.session = id
	return &d
}

// repeatable marks a request that does the same when it is sent twice, so that
// a transport may do so when a connection breaks.
func (c *Client) repeatable() *Client {
	d := *c
	d.repeat = true
	return &d
}

// call sends in as JSON (nil: no body) and reads the answer into out (nil:
// ignored). Every error is an *Error or one of context's.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return transportError(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		return errorFrom(resp.StatusCode, body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return Errorf(Internal, "the server's answer is not what was asked for")
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.session != "" {
		req.Header.Set(HeaderSession, c.session)
	}
	if c.repeat {
		// net/http's sign for a request that may be sent again; with no value
		// it is not sent at all.
		req.Header["Idempotency-Key"] = []string{}
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, transportError(ctx, err)
	}
	return resp, nil
}

// transportError keeps an *Error that a transport answered with (asking for
// a passphrase may fail) and a cancelled context; the rest is Unavailable.
func transportError(ctx context.Context, err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrInterrupted):
		return ErrInterrupted
	}
	return Errorf(Unavailable, "no answer from the server: %s", err)
}

// errorFrom reads an error answer, also one of a server that knows no codes.
func errorFrom(status int, body []byte) error {
	var wire struct {
		Message json.RawMessage `json:"message"`
		Name    string          `json:"error"`
		Code    Code            `json:"code"`
		Hint    string          `json:"hint"`
	}
	e := &Error{Status: status}
	if json.Unmarshal(body, &wire) == nil {
		e.Name, e.Code, e.Advice = wire.Name, wire.Code, wire.Hint
		readMessage(e, wire.Message)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the server answered %d", status)
	}
	if _, ok := statuses[e.Code]; !ok {
		e.Code = codeOfStatus(status)
	}
	return e
}

func readMessage(e *Error, raw json.RawMessage) {
	if json.Unmarshal(raw, &e.Message) == nil {
		return
	}
	if json.Unmarshal(raw, &e.Issues) == nil && len(e.Issues) > 0 {
		i := e.Issues[0]
		e.Message = strings.TrimSpace(strings.Join(i.Path, ".") + ": " + i.Message)
	}
}

func codeOfStatus(status int) Code {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound || status == http.StatusGone:
		return Missing
	case status == http.StatusLocked:
		return Locked
	case status >= 500 || status == http.StatusTooManyRequests:
		return Unavailable
	}
	return Invalid
}

// query builds "?a=b&…" of pairs, leaving out the empty.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}
