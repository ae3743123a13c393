package tree

import (
	"bytes"
	"fmt"
	"strings"
)

// sops reads dotenv in a way of its own: everything behind the first '=' is the
// value, quotes included, and \n is a line end. bailey's own reader (package
// dotenv) would see other values in the same bytes.

func loadDotenv(b []byte) ([]Branch, error) {
	out := Branch{}
	n := 0
	for l := range strings.SplitSeq(string(b), "\n") {
		n++
		if l == "" {
			continue
		}
		if text, isComment := strings.CutPrefix(l, "#"); isComment {
			out = append(out, Item{Key: Comment{Text: text}})
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return nil, fmt.Errorf("line %d: NAME=value is expected", n)
		}
		out = append(out, Item{name, strings.ReplaceAll(value, `\n`, "\n")})
	}
	return []Branch{out}, nil
}

func emitDotenv(docs []Branch) ([]byte, error) {
	var out bytes.Buffer
	for _, it := range docs[0] {
		if c, isComment := it.Key.(Comment); isComment {
			out.WriteString("#" + c.Text + "\n")
			continue
		}
		switch it.Value.(type) {
		case Branch, []any:
			return nil, fmt.Errorf("%s: dotenv has neither mappings nor lists", it.Key)
		}
		fmt.Fprintf(&out, "%s=%s\n", it.Key, strings.ReplaceAll(Text(it.Value), "\n", `\n`))
	}
	return out.Bytes(), nil
}
