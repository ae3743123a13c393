package dotenv

import (
	"bytes"
	"fmt"
	"slices"
)

// expander resolves the entries of one file, each once.
type expander struct {
	f     *File
	state []byte           // per entry: 0 not begun, 1 being resolved, 2 done
	where map[string][]int // name → its entries, in order
	total int              // bytes of all values: many lines may refer to one long value
}

func (f *File) expand() error {
	x := expander{f: f, state: make([]byte, len(f.Entries)), where: map[string][]int{}}
	for i, e := range f.Entries {
		x.where[e.Name] = append(x.where[e.Name], i)
	}
	for i := range f.Entries {
		if err := x.entry(i); err != nil {
			return err
		}
	}
	return nil
}

func (x *expander) entry(i int) error {
	if x.state[i] != 0 {
		return nil
	}
	x.state[i] = 1
	e := &x.f.Entries[i]
	raw := x.f.src[e.Start:e.End]
	if e.quote != 0 {
		raw = raw[1 : len(raw)-1]
	}
	if bytes.IndexByte(raw, '\r') >= 0 {
		raw = bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	var err error
	if e.quote == '\'' || e.quote == '`' {
		e.Value = bytes.Clone(raw)
	} else {
		e.Value, err = x.text(i, raw, e.quote == '"', 0)
		e.Expanded = err == nil && !bytes.Equal(e.Value, unexpanded(raw, e.quote))
	}
	x.state[i] = 2
	x.total += len(e.Value)
	if err == nil && (len(e.Value) > MaxValue || x.total > 8*MaxValue) {
		err = fmt.Errorf("values are longer than %d bytes", MaxValue)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", e.Line, err)
	}
	return nil
}

// unexpanded is what Node's dotenv makes of a value without dotenv-expand.
func unexpanded(raw []byte, quote byte) []byte {
	if quote != '"' {
		return raw
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(raw, []byte(`\n`), []byte("\n")), []byte(`\r`), []byte("\r"))
}

// text resolves escapes and references.
func (x *expander) text(i int, raw []byte, escapes bool, depth int) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for p := 0; p < len(raw); {
		if raw[p] == '\\' && p+1 < len(raw) {
			if c, ok := escape(raw[p+1], escapes); ok {
				out = append(out, c)
				p += 2
				continue
			}
		}
		if raw[p] == '$' {
			if ref, n := reference(raw[p:]); n > 0 {
				v, err := x.resolve(i, ref, raw[p:p+n], depth)
				if err != nil {
					return nil, err
				}
				if len(out)+len(v) > MaxValue {
					return nil, fmt.Errorf("references make it longer than %d bytes", MaxValue)
				}
				out = append(out, v...)
				p += n
				continue
			}
		}
		out = append(out, raw[p])
		p++
	}
	return out, nil
}

// escape: \$ holds a dollar sign anywhere, the others in double quotes only.
func escape(c byte, all bool) (byte, bool) {
	switch {
	case c == '$':
		return '$', true
	case !all:
		return 0, false
	case c == 'n':
		return '\n', true
	case c == 'r':
		return '\r', true
	case c == '"', c == '\\':
		return c, true
	}
	return 0, false
}

type ref struct {
	name     string
	fallback []byte // nil: none
	orEmpty  bool   // ":-": also when the name is empty
}

// reference reads $A, ${A}, ${A-default} or ${A:-default}, the default with
// balanced braces; n is its length, 0 if it is none of these.
func reference(b []byte) (r ref, n int) {
	p := 1
	braces := len(b) > 1 && b[1] == '{'
	if braces {
		p = 2
	}
	start := p
	for p < len(b) && isName(b[p]) && b[p] != '.' && b[p] != '-' && (p > start || b[p] > '9') {
		p++
	}
	r.name = string(b[start:p])
	if r.name == "" {
		return r, 0
	}
	if !braces {
		return r, p
	}
	end := closingBrace(b, p)
	if end < 0 {
		return r, 0
	}
	rest := b[p:end]
	if bytes.HasPrefix(rest, []byte(":-")) {
		r.orEmpty, rest = true, rest[1:]
	}
	switch {
	case len(rest) == 0:
	case rest[0] == '-':
		r.fallback = append([]byte{}, rest[1:]...)
	default:
		return r, 0
	}
	return r, end + 1
}

// closingBrace looks at most 1 KiB ahead, for the sake of files that open braces
// and never close one.
func closingBrace(b []byte, p int) int {
	b = b[:min(len(b), p+1<<10)]
	for depth := 1; p < len(b); p++ {
		switch b[p] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return p
			}
		}
	}
	return -1
}

// resolve finds the nearest definition before entry i, else the first after
// it. What is not defined, or refers to itself, stays as it was written: a
// password with a dollar sign is likelier than a reference to nothing.
func (x *expander) resolve(i int, r ref, raw []byte, depth int) ([]byte, error) {
	if j, ok := x.definition(i, r.name); ok {
		if err := x.entry(j); err != nil {
			return nil, err
		}
		if v := x.f.Entries[j].Value; len(v) > 0 || !r.orEmpty {
			return v, nil
		}
	}
	if r.fallback != nil {
		if depth > 16 {
			return nil, fmt.Errorf("references are nested too deeply")
		}
		return x.text(i, r.fallback, x.f.Entries[i].quote == '"', depth+1)
	}
	e := &x.f.Entries[i]
	if len(e.Missing) < maxMissing && !slices.Contains(e.Missing, r.name) {
		e.Missing = append(e.Missing, r.name)
	}
	return raw, nil
}

// maxMissing is more than anyone wants listed.
const maxMissing = 16

func (x *expander) definition(i int, name string) (int, bool) {
	all := x.where[name]
	after, _ := slices.BinarySearch(all, i)
	for k := after - 1; k >= 0 && k >= after-maxMissing; k-- {
		if x.state[all[k]] != 1 {
			return all[k], true
		}
	}
	for k := after; k < len(all) && k < after+maxMissing; k++ {
		if x.state[all[k]] != 1 {
			return all[k], true
		}
	}
	return 0, false
}
