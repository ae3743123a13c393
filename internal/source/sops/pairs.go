package sops

import (
	"fmt"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

// Pair is a name and its value.
type Pair struct {
	Name  string
	Value secret.Value
}

// Pairs reads content that is not, or no longer, encrypted as names and
// values: what stands at the top, in an ini file what stands before the first
// section. A mapping or list below a name is an error that says where.
func Pairs(f Format, plain []byte) ([]Pair, error) {
	if f == Binary {
		return nil, fmt.Errorf("it is a binary file of sops: it has no names in it")
	}
	docs, err := tree.Load(f, plain)
	if err != nil {
		return nil, err
	}
	if len(docs) > 1 {
		return nil, fmt.Errorf("it has %d documents, and one is read", len(docs))
	}
	top := docs[0]
	var out []Pair
	for _, it := range top {
		name, isName := it.Key.(string)
		section, isBranch := it.Value.(tree.Branch)
		switch {
		case !isName:
		case isBranch && f == INI && name == tree.DefaultSection:
			more, err := pairs(section)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		case isBranch && f == INI && len(section) == 0:
		default:
			more, err := pairs(tree.Branch{it})
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

func pairs(b tree.Branch) (out []Pair, err error) {
	for _, it := range b {
		name, isName := it.Key.(string)
		if !isName {
			continue
		}
		switch v := it.Value.(type) {
		case tree.Branch, []any:
			return nil, fmt.Errorf("%s holds names or a list of its own; only values at the top are read", name)
		case nil:
			out = append(out, Pair{name, secret.NewValue(nil)})
		case bool, int, float64:
			out = append(out, Pair{name, secret.NewValue(fmt.Append(nil, v))})
		default:
			out = append(out, Pair{name, secret.NewValue([]byte(tree.Text(v)))})
		}
	}
	return out, nil
}

// Plain writes names and values as content to encrypt. What the format cannot
// hold is an error, never something else.
func Plain(f Format, pairs []Pair) ([]byte, error) {
	b := tree.Branch{}
	for _, p := range pairs {
		if !utf8.Valid(p.Value.Reveal()) {
			return nil, fmt.Errorf("%s is not UTF-8 and cannot be written as %s", p.Name, f)
		}
		b = append(b, tree.Item{Key: p.Name, Value: string(p.Value.Reveal())})
	}
	if f == INI {
		b = tree.Branch{{Key: tree.DefaultSection, Value: b}}
	}
	out, err := tree.Emit(f, []tree.Branch{b})
	if err != nil {
		return nil, err
	}
	back, err := Pairs(f, out)
	if err != nil || len(back) != len(pairs) {
		return nil, fmt.Errorf("these names or values cannot be written as %s", f)
	}
	for i, p := range pairs {
		if back[i].Name != p.Name || !back[i].Value.Equal(p.Value) {
			return nil, fmt.Errorf("%s has characters that sops cannot write as %s; yaml and json hold any text", p.Name, f)
		}
	}
	return out, nil
}
