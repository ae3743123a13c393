package names

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestTableAddresses(t *testing.T) {
	table, seen := NewTable(), map[netip.Addr]string{}
	own := netip.MustParsePrefix("198.18.0.0/24")
	v4range, v6range := netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("2001:2::/48")
	for i := range MaxNames {
		name := fmt.Sprintf("host-%d.test", i)
		v4, v6, ok := table.Assign(name)
		if !ok || !v4range.Contains(v4) || own.Contains(v4) || !v6range.Contains(v6) {
			t.Fatalf("%s got %s and %s, %v", name, v4, v6, ok)
		}
		for _, a := range []netip.Addr{v4, v6} {
			if other, dup := seen[a]; dup {
				t.Fatalf("%s belongs to %s and %s", a, other, name)
			}
			seen[a] = name
			if got, ok := table.Name(a); !ok || got != name {
				t.Fatalf("%s is %q, want %q", a, got, name)
			}
		}
		if again, _, _ := table.Assign(name); again != v4 {
			t.Fatalf("%s moved from %s to %s", name, v4, again)
		}
	}
	if _, _, ok := table.Assign("one-more.test"); ok {
		t.Error("the table has no bound")
	}
}

func TestTableKnowsOnlyItsOwn(t *testing.T) {
	table := NewTable()
	v4, v6, _ := table.Assign("a.test")
	fresh := NewTable()
	if w4, w6, _ := fresh.Assign("a.test"); w4 != v4 || w6 != v6 {
		t.Errorf("another session gives other addresses: %s %s, %s %s", v4, v6, w4, w6)
	}
	for _, s := range []string{"0.0.0.0", "1.1.1.1", "198.18.0.1", "198.20.0.1", "::", "2001:2:0:1::1", "2001:2::1", "::ffff:1.1.1.1"} {
		if name, ok := table.Name(netip.MustParseAddr(s)); ok {
			t.Errorf("%s is %q", s, name)
		}
	}
	if name, _ := table.Name(netip.AddrFrom16(v4.As16())); name != "a.test" {
		t.Errorf("the address mapped into IPv6 is %q", name)
	}
}

// resolver opens allowed.test and *.wild.test, and records what it refuses.
func resolver() (*Resolver, func() []string) {
	var mu sync.Mutex
	var refused []string
	r := &Resolver{
		Table:   NewTable(),
		Open:    func(name string) bool { return name == "allowed.test" || strings.HasSuffix(name, ".wild.test") },
		Refused: func(name, reason string) { mu.Lock(); refused = append(refused, name+": "+reason); mu.Unlock() },
	}
	return r, func() []string { mu.Lock(); defer mu.Unlock(); return refused }
}

func ask(t testing.TB, r *Resolver, name string, typ dnsmessage.Type, change func(*dnsmessage.Message)) *dnsmessage.Message {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 77, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: typ, Class: dnsmessage.ClassINET}}}
	if change != nil {
		change(&m)
	}
	query, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	reply := r.Answer(query)
	if reply == nil {
		return nil
	}
	var got dnsmessage.Message
	if err := got.Unpack(reply); err != nil {
		t.Fatalf("reply does not parse: %v", err)
	}
	if got.ID != 77 || !got.Response {
		t.Fatalf("header %+v", got.Header)
	}
	return &got
}

func TestAnswer(t *testing.T) {
	r, refused := resolver()
	for _, tc := range []struct {
		name    string
		typ     dnsmessage.Type
		rcode   dnsmessage.RCode
		answers int
	}{
		{"allowed.test.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1},
		{"ALLowed.Test.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 1},
		{"allowed.test.", dnsmessage.TypeTXT, dnsmessage.RCodeSuccess, 0},
		{"allowed.test.", dnsmessage.Type(65), dnsmessage.RCodeSuccess, 0}, // HTTPS
		{"allowed.test.", dnsmessage.TypeALL, dnsmessage.RCodeSuccess, 0},
		{"x.wild.test.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1},
		{"localhost.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, 1},
		{"app.localhost.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, 1},
		{"evil.test.", dnsmessage.TypeA, dnsmessage.RCodeNameError, 0},
		{"secret-data.evil.test.", dnsmessage.TypeTXT, dnsmessage.RCodeNameError, 0},
		{"1.0.0.127.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.RCodeNameError, 0},
		{".", dnsmessage.TypeNS, dnsmessage.RCodeNameError, 0},
		{"a b.test.", dnsmessage.TypeA, dnsmessage.RCodeNameError, 0},
	} {
		m := ask(t, r, tc.name, tc.typ, nil)
		if m.RCode != tc.rcode || len(m.Answers) != tc.answers {
			t.Errorf("%s %s: %s with %d answers", tc.name, tc.typ, m.RCode, len(m.Answers))
		}
	}
	if got := strings.Join(refused(), ", "); got != "evil.test: no rule allows it, secret-data.evil.test: no rule allows it" {
		t.Errorf("refused: %s", got)
	}
}

func TestAnswerOddQueries(t *testing.T) {
	r, _ := resolver()
	m := ask(t, r, "allowed.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.OpCode = 5 })
	if m.RCode != dnsmessage.RCodeNotImplemented {
		t.Errorf("update: %s", m.RCode)
	}
	m = ask(t, r, "version.bind.", dnsmessage.TypeTXT, func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS })
	if m.RCode != dnsmessage.RCodeNotImplemented {
		t.Errorf("chaos: %s", m.RCode)
	}
	m = ask(t, r, "allowed.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) })
	if m.RCode != dnsmessage.RCodeFormatError {
		t.Errorf("two questions: %s", m.RCode)
	}
	if ask(t, r, "allowed.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Response = true }) != nil {
		t.Error("a response is answered")
	}
	m = ask(t, r, "allowed.test.", dnsmessage.TypeA, func(m *dnsmessage.Message) {
		var h dnsmessage.ResourceHeader
		_ = h.SetEDNS0(4096, 0, false)
		m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
	})
	if len(m.Additionals) != 1 || m.Additionals[0].Header.Type != dnsmessage.TypeOPT {
		t.Error("no OPT in the reply to a query with one")
	}
}

// A million names that no rule opens, and as many as you like of a pattern,
// leave the table bounded.
func TestFloodIsBounded(t *testing.T) {
	r, _ := resolver()
	r.Refused = func(string, string) {}
	for i := range 20000 {
		ask(t, r, fmt.Sprintf("n%d.evil.test.", i), dnsmessage.TypeA, nil)
		ask(t, r, fmt.Sprintf("n%d.wild.test.", i), dnsmessage.TypeA, nil)
	}
	if n := len(r.Table.byName); n != MaxNames {
		t.Errorf("%d names in the table", n)
	}
	if m := ask(t, r, "more.wild.test.", dnsmessage.TypeA, nil); m.RCode != dnsmessage.RCodeServerFailure {
		t.Errorf("a full table answers %s", m.RCode)
	}
}

// Go's own resolver as the client, over UDP and TCP.
func TestServe(t *testing.T) {
	r, _ := resolver()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- r.ServePacket(pc) }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.ServeStream(c)
		}
	}()
	for _, network := range []string{"udp", "tcp"} {
		res := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			addr := pc.LocalAddr().String()
			if network == "tcp" {
				addr = l.Addr().String()
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}}
		addrs, err := res.LookupNetIP(t.Context(), "ip", "allowed.test.")
		if err != nil || len(addrs) != 2 {
			t.Errorf("%s: %v, %v", network, addrs, err)
		}
		if _, err := res.LookupNetIP(t.Context(), "ip", "evil.test."); err == nil {
			t.Errorf("%s: evil.test resolves", network)
		}
	}
	_ = l.Close()
	_ = pc.Close()
	if err := <-done; err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("allowed.test."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	query, _ := m.Pack()
	f.Add(query)
	r, _ := resolver()
	r.Refused = func(string, string) {}
	f.Fuzz(func(t *testing.T, query []byte) {
		reply := r.Answer(query)
		if len(reply) > 512 {
			t.Fatalf("a reply of %d bytes", len(reply))
		}
		var got dnsmessage.Message
		if reply != nil && got.Unpack(reply) != nil {
			t.Fatal("the reply does not parse")
		}
	})
}
