package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Diff lists what b has that a has not, and the other way round, one line for
// each value: "+ network: api.x.test: write".
func Diff(a, b *Profile) ([]string, error) {
	was, err := flat(a)
	if err != nil {
		return nil, err
	}
	is, err := flat(b)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, line := range union(was, is) {
		switch {
		case !is[line]:
			lines = append(lines, "- "+line)
		case !was[line]:
			lines = append(lines, "+ "+line)
		}
	}
	return lines, nil
}

func union(a, b map[string]bool) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// flat is every value of a profile with the keys that lead to it.
func flat(p *Profile) (map[string]bool, error) {
	text, err := p.Text()
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	lines := map[string]bool{}
	flatten("", tree, lines)
	return lines, nil
}

func flatten(at string, v any, lines map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			flatten(strings.TrimPrefix(at+"."+k, "."), inner, lines)
		}
	case []any:
		for _, inner := range v {
			flatten(at, inner, lines)
		}
	default:
		for l := range strings.Lines(fmt.Sprint(v)) {
			lines[at+": "+strings.TrimRight(l, "\n")] = true
		}
	}
}
