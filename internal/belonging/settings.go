package belonging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/bailey-project/bailey/internal/profile"
)

// settings puts together the files of settings: what the program wrote inside
// earlier, and over it what the profile takes from the user's own.
func (g *gatherer) settings() {
	for _, rel := range sorted(g.Profile.Settings) {
		s := g.Profile.Settings[rel]
		own, linked, err := g.own(rel)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			g.note(rel, LeftOut, err.Error())
		}
		now := g.earlier(rel)
		if linked && s.Servers != "" && own != nil { // an agent may have worked where it leads: no host is opened for it
			delete(own, s.Servers)
			g.note(rel, Copied, "without "+s.Servers+": it is reached through a link")
		}
		g.compose(rel, s, own, now)
		if len(now) == 0 {
			continue
		}
		b, err := encode(rel, now)
		if err != nil || g.holds(b) { // nothing stays of what was there, either
			g.note(rel, LeftOut, "it can't be written without what it must not hold")
			b, _ = encode(rel, map[string]any{})
		}
		g.t.Home = append(g.t.Home, File{rel, b})
	}
}

// own is the user's own file.
func (g *gatherer) own(rel string) (tree map[string]any, linked bool, err error) {
	real, linked, err := follow(g.Home, rel)
	if err != nil {
		return nil, linked, err
	}
	b, err := readFile(real)
	if err != nil {
		return nil, linked, err
	}
	if tree, err = decode(rel, b); err != nil {
		return nil, linked, errors.New("it can't be read as settings") // the decoder's text could quote it
	}
	return tree, linked, nil
}

// earlier is the private file. One that can't be read is begun anew.
func (g *gatherer) earlier(rel string) map[string]any {
	if g.Private != nil {
		if b, err := g.Private(rel, maxFile); err == nil {
			if tree, err := decode(rel, b); err == nil && tree != nil {
				return tree
			}
		}
	}
	return map[string]any{}
}

// compose changes now.
func (g *gatherer) compose(rel string, s profile.Settings, own, now map[string]any) {
	var taken []string
	for _, k := range append(slices.Clone(s.Mirror), s.Copy...) {
		v, ok := own[k]
		switch {
		case ok && k == s.Servers:
			now[k] = g.servers(v)
		case ok:
			now[k] = g.veil(k, v)
		case slices.Contains(s.Mirror, k):
			delete(now, k)
		}
		if ok {
			taken = append(taken, k)
		}
	}
	for _, k := range s.Drop {
		delete(now, k)
	}
	for k, v := range s.Set {
		if v, ok := g.fill(v); ok {
			now[k] = over(now[k], v)
		}
	}
	if len(taken) > 0 {
		g.note(rel, Copied, strings.Join(taken, ", "))
	}
}

// over lays v over what is there, mapping by mapping.
func over(now, v any) any {
	top, ok1 := v.(map[string]any)
	old, ok2 := now.(map[string]any)
	if !ok1 || !ok2 {
		return v
	}
	for k, inner := range top {
		old[k] = over(old[k], inner)
	}
	return old
}

// veil replaces what looks like a key in settings that have no host.
func (g *gatherer) veil(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sorted(v) {
			v[k] = g.veil(k, v[k])
		}
	case []any:
		for i, inner := range v {
			v[i] = g.veil(name, inner)
		}
	case string:
		if secretName(name) {
			if s, ok := g.lend(plainName(name), v, nil); ok {
				return s
			}
		}
	}
	return v
}

// sorted are the keys of a mapping. Keys are lent in this order, so that those
// with one name get the same numbers at every start.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// lay makes the fixed files. One that needs a key which the user hasn't is not
// made.
func (g *gatherer) lay() {
	for _, target := range sorted(g.Profile.Lay) {
		v, ok := g.fill(g.Profile.Lay[target])
		if !ok {
			continue
		}
		b, err := encode(target, v)
		if err != nil {
			g.note(target, LeftOut, err.Error())
			continue
		}
		if rel, below := strings.CutPrefix(target, "~/"); below {
			g.t.Home = append(g.t.Home, File{rel, b})
		} else {
			g.t.Etc = append(g.t.Etc, File{target, b})
		}
	}
}

// fill replaces {{where}}, {{key NAME}} and {{tail NAME}}, the last 20
// characters of a key, in every text of v. It copies: a profile is shared. It
// reports false where a key is missing.
func (g *gatherer) fill(v any) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			filled, ok := g.fill(inner)
			if !ok {
				return nil, false
			}
			out[k] = filled
		}
		return out, true
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			filled, ok := g.fill(inner)
			if !ok {
				return nil, false
			}
			out[i] = filled
		}
		return out, true
	case string:
		return g.fillText(v)
	}
	return v, true
}

func (g *gatherer) fillText(text string) (string, bool) {
	text = strings.ReplaceAll(text, "{{where}}", g.where())
	for name := range g.Profile.Keys {
		for _, form := range []string{"{{key " + name + "}}", "{{tail " + name + "}}"} {
			if !strings.Contains(text, form) {
				continue
			}
			s, ok := g.standins[name]
			if !ok {
				return "", false
			}
			if strings.HasPrefix(form, "{{tail") {
				s = s[max(0, len(s)-20):]
			}
			text = strings.ReplaceAll(text, form, s)
		}
	}
	return text, true
}

// decode reads settings in the format that the name ends in.
func decode(name string, b []byte) (tree map[string]any, err error) {
	if len(b) > maxSettings {
		return nil, errors.New("too long for settings")
	}
	if strings.HasSuffix(name, ".toml") {
		err = toml.Unmarshal(b, &tree)
	} else {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		err = dec.Decode(&tree)
	}
	if err == nil && deep(tree, maxDepth) {
		return nil, errors.New("too deep for settings")
	}
	return tree, err
}

// Bounds of settings. The private ones are hostile: they are what programs
// inside made of them, and to write out a tree takes more than to read it.
const (
	maxSettings = 4 << 20 // bytes
	maxDepth    = 64
)

func deep(v any, left int) bool {
	if left == 0 {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if deep(inner, left-1) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if deep(inner, left-1) {
				return true
			}
		}
	}
	return false
}

// encode writes a text as it is, and anything else in the format that the name
// ends in.
func encode(name string, v any) ([]byte, error) {
	if text, ok := v.(string); ok {
		return []byte(text), nil
	}
	if strings.HasSuffix(name, ".toml") {
		return toml.Marshal(v)
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return append(b, '\n'), nil
}
