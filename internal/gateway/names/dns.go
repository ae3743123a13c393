package names

import (
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/bailey-project/bailey/internal/policy"
)

// ttl of an answer in seconds. Addresses are stable, but a program that keeps
// them for long would not see a rule that went away.
const ttl = 60

// udpSize is the largest UDP answer we speak of (DNS flag day 2020); ours fit
// into the classic 512 bytes.
const udpSize = 1232

// Resolver answers queries. Both functions must be safe for concurrent use and
// must not block.
type Resolver struct {
	Table *Table
	// Open reports whether a canonical name may have an address.
	Open func(name string) bool
	// Refused hears of each name that gets none.
	Refused func(name, reason string)
}

// Answer returns the reply to one query, nil when it deserves none.
func (r *Resolver) Answer(query []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return nil
	}
	reply := dnsmessage.Header{ID: h.ID, Response: true, OpCode: h.OpCode, RecursionDesired: h.RecursionDesired, RecursionAvailable: true, RCode: dnsmessage.RCodeFormatError}
	questions, err := p.AllQuestions()
	if err != nil || len(questions) != 1 {
		return build(reply, nil, nil, false)
	}
	q := questions[0]
	if h.OpCode != 0 || q.Class != dnsmessage.ClassINET {
		reply.RCode = dnsmessage.RCodeNotImplemented
		return build(reply, &q, nil, false)
	}
	var addrs []netip.Addr
	addrs, reply.RCode = r.lookup(q)
	return build(reply, &q, addrs, hasEDNS(&p))
}

// lookup decides about one name. A name that is open has A and AAAA records and
// no others: HTTPS records would bring QUIC and encrypted hellos.
func (r *Resolver) lookup(q dnsmessage.Question) ([]netip.Addr, dnsmessage.RCode) {
	name, err := policy.CanonicalName(q.Name.String())
	if err != nil {
		return nil, dnsmessage.RCodeNameError
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") { // RFC 6761: the sandbox's own
		return pick(q.Type, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()), dnsmessage.RCodeSuccess
	}
	if strings.HasSuffix(name, ".arpa") { // reverse look-ups say nothing about where one wants to go
		return nil, dnsmessage.RCodeNameError
	}
	if !r.Open(name) {
		r.Refused(name, "no rule allows it")
		return nil, dnsmessage.RCodeNameError
	}
	v4, v6, ok := r.Table.Assign(name)
	if !ok {
		r.Refused(name, "too many names in this session")
		return nil, dnsmessage.RCodeServerFailure
	}
	return pick(q.Type, v4, v6), dnsmessage.RCodeSuccess
}

func pick(t dnsmessage.Type, v4, v6 netip.Addr) []netip.Addr {
	switch t {
	case dnsmessage.TypeA:
		return []netip.Addr{v4}
	case dnsmessage.TypeAAAA:
		return []netip.Addr{v6}
	}
	return nil
}

// hasEDNS reports whether the query holds an OPT record, which then belongs
// into the reply too (RFC 6891, section 7).
func hasEDNS(p *dnsmessage.Parser) bool {
	if p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return false
	}
	h, err := p.AdditionalHeader()
	return err == nil && h.Type == dnsmessage.TypeOPT
}

// build packs the reply. No SOA goes with a negative one, so that nothing
// remembers it: a rule may be added the next moment.
func build(h dnsmessage.Header, q *dnsmessage.Question, addrs []netip.Addr, edns bool) []byte {
	b := dnsmessage.NewBuilder(make([]byte, 0, 512), h)
	b.EnableCompression()
	if q != nil {
		if b.StartQuestions() != nil || b.Question(*q) != nil {
			return nil
		}
		if b.StartAnswers() != nil || addAnswers(&b, q.Name, addrs) != nil {
			return nil
		}
	}
	if edns {
		var opt dnsmessage.ResourceHeader
		if opt.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false) != nil || b.StartAdditionals() != nil || b.OPTResource(opt, dnsmessage.OPTResource{}) != nil {
			return nil
		}
	}
	reply, err := b.Finish()
	if err != nil {
		return nil
	}
	return reply
}

func addAnswers(b *dnsmessage.Builder, name dnsmessage.Name, addrs []netip.Addr) error {
	h := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: ttl}
	for _, a := range addrs {
		var err error
		if a.Is4() {
			err = b.AResource(h, dnsmessage.AResource{A: a.As4()})
		} else {
			err = b.AAAAResource(h, dnsmessage.AAAAResource{AAAA: a.As16()})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
