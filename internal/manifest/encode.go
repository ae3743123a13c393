package manifest

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/bailey-project/bailey/internal/secret"
)

const header = "# Names and rules of this project for Bailey; no values. See \"bailey help manifest\".\n"

// Encode writes the file anew.
func (m *Manifest) Encode() ([]byte, error) { return Merge(nil, m) }

// Merge adds to the file what add has and it lacks; what stands there, with
// its comments, stays. Bytes in which nothing is missing come back unchanged.
func Merge(existing []byte, add *Manifest) ([]byte, error) {
	doc, err := document(existing)
	if err != nil {
		return nil, err
	}
	fresh := doc.Kind == 0
	if fresh {
		doc = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}}
	}
	want, err := tree(add)
	if err != nil {
		return nil, err
	}
	if !mergeMapping(doc.Content[0], want, 0) {
		return existing, nil
	}
	var out bytes.Buffer
	if fresh {
		out.WriteString(header)
	}
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// tree is m as YAML nodes, small mappings on one line.
func tree(m *Manifest) (*yaml.Node, error) {
	var n yaml.Node
	if err := n.Encode(m); err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		section := n.Content[i+1]
		if name := n.Content[i].Value; name != "secrets" && name != "files" {
			continue
		}
		for j := 1; j < len(section.Content); j += 2 {
			section.Content[j].Style = yaml.FlowStyle
		}
	}
	return &n, nil
}

// mergeMapping adds the keys of want that have lacks. Mappings merge one
// level down (sections, and lists inside agent); deeper, what stands there is
// the user's word.
func mergeMapping(have, want *yaml.Node, depth int) (changed bool) {
	for i := 0; i+1 < len(want.Content); i += 2 {
		key, value := want.Content[i], want.Content[i+1]
		there := find(have, key.Value)
		switch {
		case there == nil:
			have.Content = append(have.Content, key, value)
			changed = true
		case depth == 0 && there.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			changed = mergeMapping(there, value, depth+1) || changed
		case there.Kind == yaml.SequenceNode && value.Kind == yaml.SequenceNode:
			changed = mergeList(there, value) || changed
		case there.Tag == "!!null":
			*there = *value
			changed = true
		}
	}
	return changed
}

func mergeList(have, want *yaml.Node) (changed bool) {
	for _, w := range want.Content {
		if !slices.ContainsFunc(have.Content, func(h *yaml.Node) bool { return text(h) == text(w) }) {
			have.Content = append(have.Content, w)
			changed = true
		}
	}
	return changed
}

// text reads a list item, also one that Network accepts as a mapping.
func text(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		return n.Content[0].Value + ": " + n.Content[1].Value
	}
	return n.Value
}

func find(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// Names lists the secrets of the file, sorted.
func (m *Manifest) Names() []secret.Name { return sorted(m.Secrets) }
