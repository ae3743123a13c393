package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
)

// web speaks JSON with one server.
type web struct {
	at     Address
	header map[string]string
	rt     http.RoundTripper
}

// answer is what a server said, whatever its status.
type answer struct {
	status int
	body   []byte
}

// call sends in as JSON (nil: no body). A redirect is an answer like another:
// following it would take the token to a host that nobody named.
func (w web) call(ctx context.Context, method, path string, in any) (answer, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, w.at.base()+path, body)
	if err != nil {
		return answer{}, api.Errorf(api.Invalid, "%s: it cannot be asked for that", w.at)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range w.header {
		if strings.ContainsAny(value, "\r\n") {
			return answer{}, api.Errorf(api.Invalid, "%s: its token has a line end", w.at)
		}
		req.Header.Set(name, value)
	}
	resp, err := w.transport().RoundTrip(req)
	if err != nil {
		return answer{}, w.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxBytes+1))
	switch {
	case err != nil:
		return answer{}, w.unreachable(ctx, err)
	case len(b) > maxBytes:
		return answer{}, api.Errorf(api.Invalid, "%s answered with more than %d bytes", w.at, maxBytes)
	}
	return answer{resp.StatusCode, b}, nil
}

func (w web) transport() http.RoundTripper {
	if w.rt != nil {
		return w.rt
	}
	// Its own, without kept connections: a command asks once or twice.
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, DisableKeepAlives: true,
	}
}

// unreachable is Unavailable, but for a certificate that is not to be trusted:
// that is no reason to go on with what was kept.
func (w web) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return api.Errorf(api.Unavailable, "%s did not answer in time", w.at)
	}
	if text := err.Error(); strings.Contains(text, "x509:") || strings.Contains(text, "tls:") {
		return api.Errorf(api.Denied, "%s: %s", w.at, err)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return api.Errorf(api.Unavailable, "%s does not answer: %s", w.at, err)
}

// failure is what a status other than 200 means. The server's own words are
// left out: some quote what they were sent.
func (w web) failure(a answer) error {
	switch {
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return api.Errorf(api.Denied, "%s refuses (%d): the token is not valid there, or may not do this", w.at, a.status)
	case a.status == http.StatusNotFound:
		return api.Errorf(api.Missing, "%s: nothing is there", w.at)
	case a.status == http.StatusTooManyRequests, a.status >= 500:
		return api.Errorf(api.Unavailable, "%s answers %d", w.at, a.status)
	case a.status >= 300 && a.status < 400:
		return api.Errorf(api.Denied, "%s sends elsewhere (%d), and its token goes nowhere else", w.at, a.status).
			WithHint("write the address that it sends to, when that is right")
	}
	return api.Errorf(api.Invalid, "%s answers %d", w.at, a.status)
}

// read parses a good answer.
func (w web) read(a answer, out any) error {
	if a.status != http.StatusOK {
		return w.failure(a)
	}
	if json.Unmarshal(a.body, out) != nil {
		return api.Errorf(api.Invalid, "%s: the answer is not what was asked for", w.at)
	}
	return nil
}
