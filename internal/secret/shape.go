package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// stream is a stable source of choices: HMAC-SHA256 in counter mode.
type stream struct {
	key   []byte
	seed  []byte
	count uint32
	left  []byte
}

// newStream seeds a stream with what it is for. No part may contain NUL.
func newStream(key []byte, parts ...string) *stream {
	return &stream{key: key, seed: []byte(strings.Join(parts, "\x00"))}
}

func (s *stream) byte() byte {
	if len(s.left) == 0 {
		h := hmac.New(sha256.New, s.key)
		h.Write(binary.BigEndian.AppendUint32(nil, s.count))
		h.Write(s.seed)
		s.left = h.Sum(nil)
		s.count++
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

// pick chooses one of alphabet, each as likely as the others.
func (s *stream) pick(alphabet string) byte {
	limit := 256 - 256%len(alphabet)
	for {
		if b := int(s.byte()); b < limit {
			return alphabet[b%len(alphabet)]
		}
	}
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base62 = digits + upper + lower
)

// alphabetOf returns the smallest usual alphabet that part is written in:
// digits, hex, one case with or without digits, or letters and digits. It
// looks at the whole part, so that the class of a single character of a secret
// is not given away.
func alphabetOf(part string) string {
	has := func(set string) bool { return strings.ContainsAny(part, set) }
	d, l, u := has(digits), has(lower), has(upper)
	switch {
	case l && u:
		return base62
	case !l && !u:
		return digits
	case l && !has(lower[6:]) && d && len(part) >= 8:
		return digits + lower[:6]
	case u && !has(upper[6:]) && d && len(part) >= 8:
		return digits + upper[:6]
	}
	a := ""
	for _, set := range []struct {
		used  bool
		chars string
	}{{d, digits}, {l, lower}, {u, upper}} {
		if set.used {
			a += set.chars
		}
	}
	return a
}

func bits(alphabet string) float64 { return math.Log2(float64(len(alphabet))) }

func isAlnum(c byte) bool { return strings.IndexByte(base62, c) >= 0 }

// nextPart cuts s before the first byte that is not a letter or digit.
func nextPart(s string) (part, rest string) {
	for i := range len(s) {
		if !isAlnum(s[i]) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// knownPrefixes say whose key it is and no more. The list is closed: what
// merely looks like a prefix may be the first word of a pass phrase.
var knownPrefixes = [...]string{
	"sk-ant-api03-", "sk-ant-", "sk-proj-", "sk-svcacct-", "sk-or-v1-", "sk-", // Anthropic, OpenAI, OpenRouter
	"sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_", "whsec_", // Stripe
	"github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", // GitHub
	"glpat-", "gldt-", "glrt-", // GitLab
	"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", // Slack
	"AKIA", "ASIA", "AIza", // AWS, Google
	"npm_", "pypi-", "hf_", "dop_v1_", "doo_v1_", "shpat_", "shpss_", "re_", "lin_api_", "SG.", "tfp_", "nfp_", "pat-", "dapi", "hvs.", "vercel_", "sbp_", "supabase_", "dckr_pat_", "figd_", "ATATT", "key-", "gsk_", "r8_", "pplx-", "xai-",
}

// minBehind is how much must stand behind a prefix for it to be one.
const minBehind = 12

// cutPrefix splits the known prefix from a value.
func cutPrefix(s string) (prefix, rest string) {
	for _, p := range knownPrefixes {
		if rest, ok := strings.CutPrefix(s, p); ok && len(rest) >= minBehind {
			return p, rest
		}
	}
	n := wordPrefix(s)
	return s[:n], s[n:]
}

// wordPrefix is the length of a prefix of the same make that is in no list,
// such as pay_live_: at most three short lower-case words, with a '_' behind
// each, the last of which says what kind of key it is, before something that
// looks random. A passphrase of words has none.
func wordPrefix(s string) int {
	n, last := 0, ""
	for range 3 {
		word := 0
		for n+word < len(s) && s[n+word] >= 'a' && s[n+word] <= 'z' {
			word++
		}
		if word < 2 || word > 6 || n+word >= len(s) || s[n+word] != '_' {
			break
		}
		last = s[n : n+word]
		n += word + 1
	}
	rest, digits := s[n:], 0
	for _, c := range []byte(rest) {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if !slices.Contains([]string{"live", "test", "prod", "dev", "key", "sk", "pk", "token"}, last) ||
		len(rest) < 16 || digits < 2 || strings.ContainsAny(rest, "_- ") {
		return 0
	}
	return n
}
