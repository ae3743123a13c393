package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds what aliases can make of a small file.
const maxNodes = 1 << 20

// yamlReader turns nodes into branches. sops keeps comments as items of their
// own; where each goes decides whether its files and ours are the same.
type yamlReader struct{ nodes int }

func loadYAML(b []byte) ([]Branch, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var docs []Branch
	r := &yamlReader{}
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, errors.New("it is not YAML")
		}
		out, err := r.document(&doc)
		if err != nil {
			return nil, err
		}
		docs = append(docs, out)
	}
}

// document reads a mapping below any number of document nodes and aliases.
func (r *yamlReader) document(n *yaml.Node) (Branch, error) {
	out := Branch{}
	switch n.Kind {
	case yaml.DocumentNode:
		out = above(out, n.HeadComment, n.LineComment)
		for _, c := range n.Content {
			inner, err := r.document(c)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
		}
		return above(out, n.FootComment), nil
	case yaml.MappingNode:
		return r.mapping(n, false, 0)
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			out = above(out, n.HeadComment, n.LineComment)
			return above(out, n.FootComment), nil
		}
	}
	return nil, fmt.Errorf("line %d: a document of sops is a mapping", n.Line)
}

func (r *yamlReader) mapping(n *yaml.Node, handled bool, depth int) (Branch, error) {
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	out := Branch{}
	if !handled {
		out = above(out, n.HeadComment, n.LineComment)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		out = above(out, key.HeadComment, key.LineComment)
		leaf := value.Kind == yaml.ScalarNode || value.Kind == yaml.AliasNode
		if leaf {
			out = above(out, value.HeadComment)
			out = comments(out, value.LineComment, true)
		}
		name, err := keyOf(key)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, fmt.Errorf("line %d: %s stands twice", key.Line, name)
		}
		seen[name] = true
		v, err := r.value(value, leaf, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, Item{name, v})
		if leaf {
			out = above(out, value.FootComment)
		}
		out = above(out, key.FootComment)
	}
	if !handled {
		out = above(out, n.FootComment)
	}
	return out, nil
}

func keyOf(n *yaml.Node) (string, error) {
	var v any
	if err := n.Decode(&v); err == nil {
		if s, ok := v.(string); ok {
			return s, nil
		}
	}
	return "", fmt.Errorf("line %d: only text can be a name", n.Line)
}

func (r *yamlReader) value(n *yaml.Node, handled bool, depth int) (any, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, fmt.Errorf("it has more than %d values", maxNodes)
	}
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(n, handled, depth)
	case yaml.SequenceNode:
		return r.sequence(n, handled, depth)
	case yaml.AliasNode:
		return r.value(n.Alias, false, depth+1)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("line %d: it is no value of its type", n.Line)
	}
	if v != nil && Kind(v) == "" {
		return nil, fmt.Errorf("line %d: a value of type %T cannot be kept", n.Line, v)
	}
	return v, nil
}

func (r *yamlReader) sequence(n *yaml.Node, handled bool, depth int) ([]any, error) {
	var out []any
	if !handled {
		out = listComments(out, n.HeadComment, false)
		out = listComments(out, n.LineComment, false)
	}
	for _, c := range n.Content {
		out = listComments(out, c.HeadComment, false)
		out = listComments(out, c.LineComment, true)
		v, err := r.value(c, true, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		out = listComments(out, c.FootComment, false)
	}
	if !handled {
		out = listComments(out, n.FootComment, false)
	}
	return out, nil
}

func above(b Branch, texts ...string) Branch {
	for _, t := range texts {
		b = comments(b, t, false)
	}
	return b
}

func comments(b Branch, text string, inline bool) Branch {
	for l := range strings.SplitSeq(text, "\n") {
		if l != "" {
			b = append(b, Item{Key: Comment{l[1:], inline}})
		}
	}
	return b
}

func listComments(list []any, text string, inline bool) []any {
	for l := range strings.SplitSeq(text, "\n") {
		if l != "" {
			list = append(list, Comment{l[1:], inline})
		}
	}
	return list
}
