package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Host is a destination as a rule names it.
//
// Name is canonical: lower-case ASCII (IDNA), no trailing dot, or an address
// in its one canonical spelling. "*.example.com" means every subdomain at any
// depth, but not example.com itself. Port 0 means 443 and 80.
type Host struct {
	Name string
	Port uint16
}

// MaxName is the longest host name in bytes (RFC 1035, section 2.3.4, without
// the root's dot).
const MaxName = 253

var (
	errEmptyName = errors.New("host name is empty")
	errOddNumber = errors.New("host name looks like a number but is not an address in its usual spelling")
)

// ParseHost reads a host of a rule: a name, a "*." pattern or a literal
// address, with an optional port. Addresses with a port stand in brackets when
// they are IPv6.
func ParseHost(s string) (Host, error) {
	name, port, err := splitPort(s)
	if err != nil {
		return Host{}, err
	}
	rest, wild := strings.CutPrefix(name, "*.")
	canonical, err := CanonicalName(rest)
	if err != nil {
		return Host{}, err
	}
	if !wild {
		return Host{Name: canonical, Port: port}, nil
	}
	if _, err := netip.ParseAddr(canonical); err == nil {
		return Host{}, errors.New("a pattern cannot stand before an address")
	}
	if !strings.Contains(canonical, ".") {
		return Host{}, fmt.Errorf("*.%s would match a whole top-level domain", canonical)
	}
	return Host{Name: "*." + canonical, Port: port}, nil
}

// splitPort takes "name", "name:port", "[v6]", "[v6]:port" and a bare v6.
func splitPort(s string) (name string, port uint16, err error) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, errors.New("missing ] after the address")
		}
		if addr, err := netip.ParseAddr(s[1:end]); err != nil || !addr.Is6() {
			return "", 0, errors.New("only an IPv6 address stands in brackets")
		}
		name, s = s[1:end], s[end+1:]
		if s == "" {
			return name, 0, nil
		}
		if s[0] != ':' {
			return "", 0, errors.New("text after ] is not a port")
		}
		port, err = parsePort(s[1:])
		return name, port, err
	}
	i := strings.IndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i+1:], ':') >= 0 { // two colons: a bare IPv6 address
		return s, 0, nil
	}
	port, err = parsePort(s[i+1:])
	return s[:i], port, err
}

func parsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '0' {
		return 0, fmt.Errorf("port %.10q is not a number from 1 to 65535", s)
	}
	return uint16(n), nil
}

// String is the text that ParseHost reads back.
func (h Host) String() string {
	switch {
	case h.Port == 0:
		return h.Name
	case strings.Contains(h.Name, ":"):
		return "[" + h.Name + "]:" + strconv.Itoa(int(h.Port))
	}
	return h.Name + ":" + strconv.Itoa(int(h.Port))
}

// Matches reports whether h names the destination. The name must be canonical.
func (h Host) Matches(name string, port uint16) bool {
	if h.Port == 0 && port != 443 && port != 80 || h.Port != 0 && h.Port != port {
		return false
	}
	return h.matchesName(name)
}

func (h Host) matchesName(name string) bool {
	if suffix, ok := strings.CutPrefix(h.Name, "*"); ok { // suffix keeps its dot
		return len(name) > len(suffix) && strings.HasSuffix(name, suffix)
	}
	return h.Name != "" && h.Name == name
}

// CanonicalName brings one host name into the form in which names are
// compared: lower-case ASCII without a trailing dot, or an address in its
// canonical spelling. Spellings of addresses that only some resolvers
// understand (2130706433, 0x7f.1, 127.1, zones, IPv4 in IPv6) are refused.
func CanonicalName(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	if s == "" {
		return "", errEmptyName
	}
	if strings.Contains(s, ":") {
		return canonicalIPv6(s)
	}
	s, err := toASCII(s)
	if err != nil {
		return "", err
	}
	if len(s) > MaxName {
		return "", fmt.Errorf("host name is %d bytes long, at most %d are allowed", len(s), MaxName)
	}
	for label := range strings.SplitSeq(s, ".") {
		if err := checkLabel(label); err != nil {
			return "", err
		}
	}
	return s, checkNumeric(s)
}

func canonicalIPv6(s string) (string, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" || addr.Is4In6() {
		return "", errors.New("not a plain IPv6 address")
	}
	return addr.String(), nil
}

// toASCII lower-cases and, for names outside ASCII, applies IDNA as browsers
// do (UTS 46, non-transitional).
func toASCII(s string) (string, error) {
	if isASCII(s) {
		return strings.ToLower(s), nil
	}
	ascii, err := idna.Lookup.ToASCII(s)
	if err != nil {
		return "", errors.New("not a valid international host name")
	}
	return strings.TrimSuffix(ascii, "."), nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func checkLabel(label string) error {
	if label == "" {
		return errors.New("host name has an empty label")
	}
	if len(label) > 63 {
		return errors.New("host name has a label of more than 63 bytes")
	}
	for _, c := range []byte(label) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return fmt.Errorf("host name holds %q", c)
		}
	}
	if label[0] == '-' || label[len(label)-1] == '-' {
		return errors.New("a label of the host name begins or ends with '-'")
	}
	return nil
}

// checkNumeric refuses what the WHATWG URL standard calls "ends in a number"
// unless it is an IPv4 address in its usual spelling.
func checkNumeric(s string) error {
	last := s[strings.LastIndexByte(s, '.')+1:]
	digits := strings.TrimPrefix(last, "0x")
	hex := len(digits) != len(last)
	for _, c := range []byte(digits) {
		if !(c >= '0' && c <= '9' || hex && c >= 'a' && c <= 'f') {
			return nil
		}
	}
	if _, err := netip.ParseAddr(s); err != nil {
		return errOddNumber
	}
	return nil
}
