package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is a mistake in the file. It never quotes a value of it: people paste
// keys into such files.
type Error struct {
	Line int // from 1; 0 when no line is to blame
	Text string
}

// Error names the file and the line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return Name + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", Name, e.Line, e.Text)
}

// Parse reads and checks the file's bytes.
func Parse(b []byte) (*Manifest, error) {
	if len(b) > maxSize {
		return nil, &Error{Text: "larger than 1 MiB"}
	}
	doc, err := document(b)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	m.lines = map[string]int{}
	number(m.lines, "", doc)
	return m, m.check()
}

// document parses the one YAML document that the file may hold.
func document(b []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Error{Line: more.Line, Text: "a second document is not allowed"}
	}
	return &doc, nil
}

// number remembers the line of every key and list item under its path, such
// as "agent.network.0".
func number(lines map[string]int, path string, n *yaml.Node) {
	join := func(s string) string { return strings.TrimPrefix(path+"."+s, ".") }
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			number(lines, path, c)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := join(n.Content[i].Value)
			lines[key] = n.Content[i].Line
			number(lines, key, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			key := join(strconv.Itoa(i))
			lines[key] = c.Line
			number(lines, key, c)
		}
	}
}

// yamlError turns the library's texts into ours: the first mistake, its line,
// and none of the quoted content.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var many *yaml.TypeError
	if errors.As(err, &many) && len(many.Errors) > 0 {
		text = many.Errors[0]
	}
	e := &Error{}
	e.Line, text = cutLine(text)
	switch {
	case strings.HasPrefix(text, "field "):
		field, _, _ := strings.Cut(strings.TrimPrefix(text, "field "), " not found")
		e.Text = "unknown field " + field
	case strings.HasPrefix(text, "cannot unmarshal "):
		e.Text = "wrong kind of value: " + kinds(text)
	case strings.HasPrefix(text, "mapping key "):
		e.Text = "the same key stands here twice"
	default:
		before, _, _ := strings.Cut(text, "`")
		e.Text = strings.TrimSpace(before)
	}
	return e
}

func cutLine(text string) (int, string) {
	rest, ok := strings.CutPrefix(text, "line ")
	if !ok {
		return 0, text
	}
	digits, rest, ok := strings.Cut(rest, ": ")
	line, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return 0, text
	}
	return line, rest
}

// kinds says in words what stands there and what should, given a text such
// as "cannot unmarshal !!str `…` into []string".
func kinds(text string) string {
	words := map[string]string{"!!str": "text", "!!seq": "a list", "!!map": "a mapping", "!!int": "a number", "!!bool": "true or false", "!!null": "nothing", "!!float": "a number"}
	tag, _, _ := strings.Cut(strings.TrimPrefix(text, "cannot unmarshal "), " ")
	want := text[strings.LastIndex(text, " into ")+len(" into "):]
	found, ok := words[tag]
	if !ok {
		found = "something else"
	}
	switch {
	case strings.HasPrefix(want, "[]"), strings.HasSuffix(want, "Network"):
		want = "a list"
	case want == "string", strings.HasSuffix(want, "Name"):
		want = "text"
	case want == "int":
		want = "a number"
	default:
		want = "a mapping"
	}
	return found + " where " + want + " belongs"
}

// Network is a list of rules. YAML reads an unquoted "- host: write" as a
// mapping; what is meant is obvious, so it is accepted.
type Network []string

// UnmarshalYAML reads a list of texts or of one-entry mappings.
func (l *Network) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: cannot unmarshal %s into Network", n.Line, n.ShortTag())}}
	}
	for _, item := range n.Content {
		switch {
		case item.Kind == yaml.ScalarNode:
			*l = append(*l, item.Value)
		case item.Kind == yaml.MappingNode && len(item.Content) == 2 && item.Content[1].Kind == yaml.ScalarNode:
			*l = append(*l, item.Content[0].Value+": "+item.Content[1].Value)
		default:
			return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: cannot unmarshal %s into string", item.Line, item.ShortTag())}}
		}
	}
	return nil
}
