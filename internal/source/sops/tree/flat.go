package tree

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Flat formats spell the way to a value of the metadata in its name, as in
// age__list_0__map_recipient.
const (
	mapMark  = "__map_"
	listMark = "__list_"
)

// Flatten spells the way to each value in its name, which begins with prefix.
func Flatten(b Branch, prefix string) (Branch, error) {
	var out Branch
	seen := map[string]bool{}
	var add func(name string, v any) error
	add = func(name string, v any) error {
		switch v := v.(type) {
		case Branch:
			for _, it := range v {
				if key, ok := it.Key.(string); ok {
					if err := add(name+mapMark+key, it.Value); err != nil {
						return err
					}
				}
			}
			return nil
		case []any:
			n := 0
			for _, e := range v {
				if _, isComment := e.(Comment); isComment {
					continue
				}
				if err := add(name+listMark+strconv.Itoa(n), e); err != nil {
					return err
				}
				n++
			}
			return nil
		}
		if seen[name] {
			return fmt.Errorf("%s stands twice in the metadata", name)
		}
		seen[name] = true
		out = append(out, Item{name, v})
		return nil
	}
	for _, it := range b {
		if key, ok := it.Key.(string); ok {
			if err := add(prefix+key, it.Value); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// node is a place in metadata that is put together again.
type node struct {
	value    any
	has      bool
	children map[string]*node // by mark and name
}

// Unflatten is the way back.
func Unflatten(b Branch) (Branch, error) {
	root := &node{}
	for _, it := range b {
		name, ok := it.Key.(string)
		if !ok {
			continue
		}
		at := root
		steps := steps(name)
		if len(steps) > 16 {
			return nil, fmt.Errorf("%.40s…: it nests too deep", name)
		}
		for _, s := range steps {
			if at.children == nil {
				at.children = map[string]*node{}
			}
			next := at.children[s]
			if next == nil {
				next = &node{}
				at.children[s] = next
			}
			at = next
		}
		if at.has {
			return nil, fmt.Errorf("%s stands twice in the metadata", name)
		}
		at.value, at.has = it.Value, true
	}
	v, err := root.tree()
	out, ok := v.(Branch)
	if err == nil && !ok {
		err = errors.New("the metadata is a list")
	}
	return out, err
}

// steps cuts a__map_b__list_0 into __map_a, __map_b, __list_0.
func steps(name string) []string {
	var out []string
	rest := mapMark + name
	for rest != "" {
		end := len(rest)
		for _, mark := range []string{mapMark, listMark} {
			if i := strings.Index(rest[1:], mark); i >= 0 {
				end = min(end, i+1)
			}
		}
		out = append(out, rest[:end])
		rest = rest[end:]
	}
	return out
}

func (n *node) tree() (any, error) {
	if n.has {
		if len(n.children) > 0 {
			return nil, fmt.Errorf("the metadata has a value where it also has a mapping")
		}
		return n.value, nil
	}
	out := Branch{}
	list := make([]any, len(n.children))
	lists := 0
	for name, child := range n.children {
		v, err := child.tree()
		if err != nil {
			return nil, err
		}
		if key, isKey := strings.CutPrefix(name, mapMark); isKey {
			out = append(out, Item{key, v})
			continue
		}
		i, err := strconv.Atoi(strings.TrimPrefix(name, listMark))
		if err != nil || i < 0 || i >= len(list) {
			return nil, fmt.Errorf("the metadata has a list with a gap")
		}
		list[i] = v
		lists++
	}
	switch {
	case lists == 0:
		slices.SortFunc(out, func(a, b Item) int { return strings.Compare(a.Key.(string), b.Key.(string)) })
		return out, nil
	case len(out) > 0:
		return nil, fmt.Errorf("the metadata has a list where it also has a mapping")
	}
	return list, nil
}
