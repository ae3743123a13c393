package exchange

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// dockerLine is the longest line that docker reads of an environment file.
const dockerLine = 64<<10 - 1

// encodeDocker writes what docker run --env-file reads: everything behind the
// first '=' is the value, to the byte.
func encodeDocker(items []Item) ([]byte, error) {
	var out bytes.Buffer
	for _, it := range items {
		v := it.Value.Reveal()
		switch {
		case bytes.ContainsAny(v, "\n\r\x00"):
			return nil, fmt.Errorf("%s has a line end, which docker's environment files cannot hold", it.Name)
		case !utf8.Valid(v):
			return nil, fmt.Errorf("%s is not UTF-8 and cannot be written as %s", it.Name, Docker)
		case len(it.Name)+1+len(v) > dockerLine:
			return nil, fmt.Errorf("%s is longer than docker reads of a line", it.Name)
		}
		fmt.Fprintf(&out, "%s=%s\n", it.Name, v)
	}
	return out.Bytes(), nil
}

func decodeDocker(b []byte) ([]Item, error) {
	var items []Item
	n := 0
	for l := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		l = strings.TrimLeft(strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r"), " \t")
		if l == "" || l[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		if !ok {
			return nil, fmt.Errorf("line %d: NAME=value is expected; a name alone is docker's caller's own variable", n)
		}
		items = append(items, item(name, value))
	}
	return items, nil
}

// encodeSystemd writes a drop-in, say /etc/systemd/system/x.service.d/keys.conf.
// Whatever systemd could take for something else is escaped, see systemd.exec(5).
func encodeSystemd(items []Item) []byte {
	var out bytes.Buffer
	out.WriteString("[Service]\n")
	for _, it := range items {
		fmt.Fprintf(&out, "SetCredential=%s:", it.Name)
		for _, c := range it.Value.Reveal() {
			if c <= ' ' || c >= 0x7f || strings.IndexByte(`\"'`, c) >= 0 {
				fmt.Fprintf(&out, `\x%02x`, c)
			} else {
				out.WriteByte(c)
			}
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func decodeSystemd(b []byte) ([]Item, error) {
	var items []Item
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		l = strings.TrimSpace(l)
		if l == "" || strings.ContainsRune("#;[", rune(l[0])) {
			continue
		}
		setting, rest, _ := strings.Cut(l, "=")
		name, escaped, ok := strings.Cut(strings.TrimSpace(rest), ":")
		if strings.TrimSpace(setting) != "SetCredential" || !ok {
			return nil, fmt.Errorf("line %d: only lines such as SetCredential=NAME:value are read", n)
		}
		value, err := unescape(escaped)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", n, name, err)
		}
		items = append(items, item(name, value))
	}
	return items, nil
}

// unescape reads C's escapes.
func unescape(s string) (string, error) {
	var out strings.Builder
	simple := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 's': ' ', 'a': 7, 'b': 8, 'f': 12, 'v': 11, '\\': '\\', '"': '"', '\'': '\''}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			return "", errors.New("a backslash at the end")
		}
		if c, ok := simple[s[i]]; ok {
			out.WriteByte(c)
			continue
		}
		if s[i] != 'x' || i+2 >= len(s) {
			return "", errors.New("an escape that is not read")
		}
		c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", errors.New("an escape that is not read")
		}
		out.WriteByte(byte(c))
		i += 2
	}
	return out.String(), nil
}

// Manifest writes a Kubernetes Secret with that name, to pipe into kubectl apply.
func Manifest(name string, items []Item) ([]byte, error) {
	data := &yaml.Node{Kind: yaml.MappingNode}
	for _, it := range items {
		key, value := &yaml.Node{}, &yaml.Node{}
		key.SetString(string(it.Name))
		value.SetString(base64.StdEncoding.EncodeToString(it.Value.Reveal()))
		data.Content = append(data.Content, key, value)
	}
	return yaml.Marshal(struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Type       string            `yaml:"type"`
		Data       *yaml.Node        `yaml:"data"`
	}{"v1", "Secret", map[string]string{"name": name}, "Opaque", data})
}

func decodeKubernetes(b []byte) ([]Item, error) {
	var m struct {
		Kind       string
		Data       yaml.Node
		StringData yaml.Node `yaml:"stringData"`
	}
	if err := yaml.Unmarshal(b, &m); err != nil || m.Kind != "Secret" {
		return nil, errors.New("it is not a manifest of kind Secret")
	}
	var items []Item
	for _, part := range []struct {
		node    yaml.Node
		encoded bool
	}{{m.Data, true}, {m.StringData, false}} {
		for i := 0; i+1 < len(part.node.Content); i += 2 {
			name, value := part.node.Content[i], part.node.Content[i+1]
			text := value.Value
			if part.encoded {
				raw, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					return nil, fmt.Errorf("line %d: %s is not base64", name.Line, name.Value)
				}
				text = string(raw)
			}
			items = append(items, item(name.Value, text))
		}
	}
	return items, nil
}
