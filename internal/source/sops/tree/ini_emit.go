package tree

import (
	"bytes"
	"fmt"
	"strings"
)

func emitINI(docs []Branch) ([]byte, error) {
	var out bytes.Buffer
	var sections Branch
	for _, it := range docs[0] {
		if _, isComment := it.Key.(Comment); !isComment {
			sections = append(sections, it)
		}
	}
	for i, it := range sections {
		name, _ := it.Key.(string)
		items, ok := it.Value.(Branch)
		if !ok || name == "" {
			return nil, fmt.Errorf("%s: ini has values in sections only", name)
		}
		s, err := sectionOf(items)
		if err != nil {
			return nil, err
		}
		writeComment(&out, s.comment)
		if i > 0 || !strings.EqualFold(name, DefaultSection) {
			out.WriteString("[" + name + "]\n")
		} else if len(s.names) == 0 {
			continue
		}
		writeNames(&out, s.names)
		if i < len(sections)-1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes(), nil
}

func sectionOf(items Branch) (*iniSection, error) {
	s := &iniSection{at: map[string]int{}}
	last := ""
	for i, it := range items {
		switch key := it.Key.(type) {
		case Comment:
			if n, ok := s.at[last]; ok {
				s.names[n].comment = key.Text
			} else if i == 0 {
				s.comment = key.Text
			}
		case string:
			switch it.Value.(type) {
			case Branch, []any:
				return nil, fmt.Errorf("%s: ini has no mappings below sections, and no lists", key)
			}
			last = key
			s.put(iniName{name: key, value: Text(it.Value)})
		}
	}
	return s, nil
}

func writeComment(out *bytes.Buffer, c string) {
	if c == "" {
		return
	}
	for l := range strings.SplitSeq(c, "\n") {
		l = strings.TrimSpace(l)
		if l != "" && (l[0] == '#' || l[0] == ';') {
			l = l[:1] + " " + strings.TrimSpace(l[1:])
		} else {
			l = "; " + l
		}
		out.WriteString(l + "\n")
	}
}

func writeNames(out *bytes.Buffer, names []iniName) {
	width := 0
	for _, n := range names {
		w := len(n.name)
		if strings.ContainsAny(n.name, "\"=:") {
			w += 2
		} else if strings.Contains(n.name, "`") {
			w += 6
		}
		width = max(width, w)
	}
	for _, n := range names {
		writeComment(out, n.comment)
		name := n.name
		switch {
		case strings.ContainsAny(name, "\"=:"):
			name = "`" + name + "`"
		case strings.Contains(name, "`"):
			name = `"""` + name + `"""`
		}
		value := n.value
		switch {
		case strings.ContainsAny(value, "\n`"):
			value = `"""` + value + `"""`
		case strings.ContainsAny(value, "#;"):
			value = "`" + value + "`"
		case strings.TrimSpace(value) != value:
			value = `"` + value + `"`
		}
		fmt.Fprintf(out, "%-*s = %s\n", width, name, value)
	}
}
