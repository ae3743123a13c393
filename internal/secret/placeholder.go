package secret

import "strings"

// Placeholder stands for a value inside a sandbox. It is not secret: it is
// worth something only to the gateway of the session it was made for.
type Placeholder string

// minBits is the least entropy of a placeholder, so that none is ever met by
// chance or guessed.
const minBits = 96

// NewPlaceholder derives the stand-in for v: same prefix (sk_live_, ghp_,
// AKIA …), same length, same alphabets between the same separators. It is
// stable for one key, name, project, profile and shape of v, and useless
// elsewhere.
//
// It has letters, digits, '_', '-' and '.' only, so that neither a URL, a
// header, JSON nor a shell spells it in another way; other characters of v
// become letters or digits. It carries at least 96 bits that are not known
// from v: where v is too short for that, it is longer than v.
func NewPlaceholder(key []byte, name Name, project, profile string, v Value) Placeholder {
	s := newStream(key, "bailey placeholder 1", string(name), project, profile)
	var out strings.Builder
	prefix, rest := cutPrefix(string(v.Reveal()))
	out.WriteString(prefix)
	entropy, alphabet := 0.0, base62
	put := func() {
		out.WriteByte(s.pick(alphabet))
		entropy += bits(alphabet)
	}
	for rest != "" {
		var part string
		part, rest = nextPart(rest)
		if part != "" {
			alphabet = alphabetOf(part)
		}
		for range len(part) {
			put()
		}
		if rest == "" {
			break
		}
		if strings.IndexByte("_-.", rest[0]) >= 0 {
			out.WriteByte(rest[0])
		} else {
			alphabet = base62
			put()
		}
		rest = rest[1:]
	}
	for entropy < minBits {
		put()
	}
	return Placeholder(out.String())
}
