package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/reach"
	"github.com/bailey-project/bailey/internal/gateway/swap"
)

// Limits of the connections to the outside. There is none for an answer to
// begin: a model may think for minutes.
const (
	maxIdlePerHost  = 64
	idleOutside     = 90 * time.Second
	maxAnswerHead   = 256 << 10
	continueTime    = 2 * time.Second
	shakeTime       = 15 * time.Second
	outsideSessions = 16 // TLS sessions kept for resumption, per host
)

// pool names a pool of connections to one destination. HTTP/2 is offered
// outside where the inside speaks it: translating one into the other costs time
// and is where requests get smuggled.
type pool struct {
	name   string
	port   uint16
	scheme string
	http2  bool
}

// pools holds one transport per pool. Their number is bounded by the table of
// names and the ports of the rules.
type pools struct {
	mu   sync.RWMutex
	list map[pool]*http.Transport
}

func (p *pools) get(f *Forwarder, key pool) *http.Transport {
	p.mu.RLock()
	t := p.list[key]
	p.mu.RUnlock()
	if t != nil {
		return t
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.list[key]; t != nil {
		return t
	}
	if p.list == nil {
		p.list = map[pool]*http.Transport{}
	}
	t = f.transport(key)
	p.list[key] = t
	return t
}

func (p *pools) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.list {
		t.CloseIdleConnections()
	}
	p.list = nil
}

// transport dials one destination, whatever the request says.
func (f *Forwarder) transport(p pool) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(p.http2 && p.scheme == "https")
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return f.cfg.Dial(ctx, p.name, p.port)
		},
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, ServerName: p.name, RootCAs: f.cfg.Roots(p.name, p.port),
			ClientSessionCache: tls.NewLRUClientSessionCache(outsideSessions),
		},
		Protocols:              &protocols,
		TLSHandshakeTimeout:    shakeTime,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleOutside,
		ExpectContinueTimeout:  continueTime,
		MaxResponseHeaderBytes: maxAnswerHead,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
	}
}

// unreachable answers when nothing came back from outside.
func (x *exchange) unreachable(err error, u *upload) {
	if stop := u.stop.Load(); stop != nil { // already reported
		x.answer(x.stopText(stop))
		return
	}
	if x.r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the program left
	}
	status, reason, advice := http.StatusBadGateway, explainOutside(err), adviceWait
	switch {
	case errors.Is(err, reach.ErrPrivate): // a rule, and programs retry a 502
		x.event(event.Event{Kind: event.Denied, Reason: reason})
		status, advice = http.StatusForbidden, adviceNoRetry+"\n"+advicePin
	case badCertificate(err):
		x.event(event.Event{Kind: event.TLS, Reason: reason})
		advice = adviceNoRetry
	}
	x.answer(&refusal{status: status, reason: reason, advice: advice})
}

func badCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// explainOutside says what went wrong without quoting the error, which may hold
// addresses of the host's network.
func explainOutside(err error) string {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate of the host " + explainCertificate(v.Err)
	}
	ne, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, reach.ErrPrivate):
		return "the name leads to an address that is not public, and no upstream of the user's configuration pins it"
	case errors.Is(err, reach.ErrUnresolved):
		return "the name cannot be resolved outside"
	case errors.Is(err, reach.ErrUnreachable):
		return "the host does not accept connections"
	case isNet && ne.Timeout():
		return "the host did not answer in time"
	}
	return "the connection to the host broke"
}

func explainCertificate(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "has expired or is not yet valid"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "is signed by an authority that is not trusted"
	}
	return "is not valid"
}

// stopped answers a request that holds what must not leave.
func (x *exchange) stopped(err error) {
	if r, ok := errors.AsType[*refusal](err); ok {
		x.refuse(r)
		return
	}
	stop, ok := errors.AsType[*swap.Stop](err)
	if !ok { // the program broke off in the middle of its body
		panic(http.ErrAbortHandler)
	}
	x.alarm(stop)
	x.answer(x.stopText(stop))
}
