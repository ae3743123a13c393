package front

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/names"
	"github.com/bailey-project/bailey/internal/policy"
)

func TestGuess(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want protocol
	}{
		{"", isSilent}, {"\x16", isTLS}, {"\x16\x03", isTLS}, {"\x16\x02", isUnknown}, {"G", isSilent}, {"GET", isSilent}, {"GET ", isHTTP},
		{"PROPFIND /", isHTTP}, {"PRI ", isUnknown}, {"SSH-2", isUnknown}, {" GET", isUnknown}, {"get ", isUnknown}, {strings.Repeat("A", 40), isUnknown},
	} {
		if got := guess([]byte(tc.in)); got != tc.want {
			t.Errorf("guess(%q) = %d, want %d", tc.in, got, tc.want)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	refused := make(chan event.Event, 10)
	f := New(Config{Record: func(e event.Event) { refused <- e }, Rules: func() []policy.Rule { return nil }, Names: names.NewTable(),
		OriginalDst: func(net.Conn) (netip.AddrPort, error) { return netip.MustParseAddrPort("1.2.3.4:443"), nil }})
	for range maxConns {
		f.limit <- struct{}{}
	}
	client, server := net.Pipe()
	f.admit(server)
	if e := <-refused; !strings.Contains(e.Reason, "too many connections") {
		t.Errorf("%v", e)
	}
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is open")
	}
	<-f.limit
	client, server = net.Pipe()
	f.admit(server)
	if e := <-refused; e.Host != "1.2.3.4" {
		t.Errorf("%v", e)
	}
	_ = f.Close()
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives the front")
	}
	if len(f.limit) != maxConns-1 || len(f.conns) != 0 {
		t.Errorf("%d places taken, %d connections known", len(f.limit), len(f.conns))
	}
}

func TestExplainHandshake(t *testing.T) {
	for _, tc := range []struct {
		err  error
		last string
		want string
	}{
		{errors.New("local error: tls: bad record MAC"), "\x15\x03\x03\x00\x02\x02\x30", distrust},
		{errors.New("local error: tls: bad record MAC"), "\x17\x03\x03\x00\x02\x02\x30", "its TLS hello is not understood"},
		{io.EOF, "", "the program broke off its TLS handshake; perhaps it does not trust the session's CA"},
		{errors.New("tls: client offered only unsupported versions: [301]"), "", "the program speaks only outdated TLS"},
	} {
		if got := explainHandshake(tc.err, []byte(tc.last)); got != tc.want {
			t.Errorf("%v: %q", tc.err, got)
		}
	}
}
