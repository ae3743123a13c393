package tree

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"
)

func emitYAML(docs []Branch) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(4)
	for _, d := range docs {
		m := &yaml.Node{Kind: yaml.MappingNode}
		if err := mappingNode(m, d); err != nil {
			return nil, err
		}
		if err := enc.Encode(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{m}}); err != nil {
			return nil, errors.New("it cannot be written as YAML")
		}
	}
	err := enc.Close()
	return out.Bytes(), err
}

// pending are comments that wait for what they stand at.
type pending struct{ head, line []string }

func (p *pending) add(c Comment) {
	if c.Inline {
		p.line = append(p.line, c.Text)
	} else {
		p.head = append(p.head, c.Text)
	}
}

// headTo puts the waiting comments above n.
func (p *pending) headTo(n *yaml.Node) {
	n.HeadComment = joined(written(p.head), n.HeadComment)
	p.head = nil
}

func (p *pending) lineTo(n *yaml.Node) {
	n.LineComment = joined(n.LineComment, written(p.line))
	p.line = nil
}

// rest puts what nothing followed below last, or above the empty parent.
func (p *pending) rest(parent, last *yaml.Node) {
	all := written(append(p.head, p.line...))
	if last == nil {
		parent.HeadComment = joined(all, parent.HeadComment)
	} else {
		last.FootComment = joined(last.FootComment, all)
	}
}

func written(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "#" + strings.Join(lines, "\n#")
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

func mappingNode(m *yaml.Node, b Branch) error {
	var p pending
	var last *yaml.Node
	for _, it := range b {
		if c, isComment := it.Key.(Comment); isComment {
			p.add(c)
			continue
		}
		if last == nil {
			p.headTo(m)
		}
		key := &yaml.Node{}
		if err := key.Encode(it.Key); err != nil {
			return err
		}
		p.headTo(key)
		value, err := valueNode(it.Value)
		if err != nil {
			return err
		}
		p.lineTo(value)
		m.Content = append(m.Content, key, value)
		last = key
	}
	p.rest(m, last)
	return nil
}

func sequenceNode(s *yaml.Node, list []any) error {
	var p pending
	var last *yaml.Node
	for _, v := range list {
		if c, isComment := v.(Comment); isComment {
			p.add(c)
			continue
		}
		if last == nil {
			p.headTo(s)
		}
		n, err := valueNode(v)
		if err != nil {
			return err
		}
		p.headTo(n)
		p.lineTo(n)
		s.Content = append(s.Content, n)
		last = n
	}
	p.rest(s, last)
	return nil
}

func valueNode(v any) (*yaml.Node, error) {
	n := &yaml.Node{}
	switch v := v.(type) {
	case Branch:
		n.Kind = yaml.MappingNode
		return n, mappingNode(n, v)
	case []any:
		n.Kind = yaml.SequenceNode
		return n, sequenceNode(n, v)
	}
	return n, n.Encode(v)
}
