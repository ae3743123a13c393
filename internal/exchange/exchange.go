// Package exchange writes and reads names with their values in the formats
// that other programs understand: dotenv, JSON, YAML, shell, CSV, docker's
// environment files, systemd credentials and Kubernetes secrets.
//
// It opens no files and knows no vault. Its invariants: Decode(Encode(x)) is x
// in every format, and an error names a line or a name, never a value.
package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/secret"
)

// Format names a way of writing.
type Format string

// The formats.
const (
	Dotenv Format = "dotenv"
	JSON   Format = "json"  // one object; Decode also reads a list of {key, value}
	YAML   Format = "yaml"  // one mapping
	Shell  Format = "shell" // export NAME='…' lines, for eval

	CSV        Format = "csv"        // name,value with a head line, RFC 4180
	Docker     Format = "docker"     // for docker run --env-file: no quotes, so no line ends either
	Systemd    Format = "systemd"    // a drop-in for a unit, one SetCredential= each
	Kubernetes Format = "kubernetes" // a manifest of kind Secret; Decode also reads stringData
)

// Formats lists all, for help texts.
func Formats() []string {
	return []string{string(Dotenv), string(JSON), string(YAML), string(Shell),
		string(CSV), string(Docker), string(Systemd), string(Kubernetes)}
}

// Item is a name and its value.
type Item struct {
	Name  secret.Name
	Value secret.Value
}

// ParseFormat accepts the name of a format.
func ParseFormat(s string) (Format, error) {
	if slices.Contains(Formats(), s) {
		return Format(s), nil
	}
	return "", fmt.Errorf("unknown format %q: it is one of %s", s, strings.Join(Formats(), ", "))
}

// FormatOf guesses by a file's name; dotenv when nothing else fits.
func FormatOf(file string) Format {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json":
		return JSON
	case ".yaml", ".yml":
		return YAML
	case ".sh", ".bash":
		return Shell
	case ".csv":
		return CSV
	}
	return Dotenv
}

// Encode writes items in their order.
func Encode(f Format, items []Item) ([]byte, error) {
	if f == JSON || f == YAML {
		for _, i := range items {
			if !utf8.Valid(i.Value.Reveal()) {
				return nil, fmt.Errorf("%s is not UTF-8 and cannot be written as %s", i.Name, f)
			}
		}
	}
	switch f {
	case JSON:
		return encodeJSON(items)
	case YAML:
		return encodeYAML(items)
	case Shell:
		return encodeShell(items)
	case CSV:
		return encodeCSV(items), nil
	case Docker:
		return encodeDocker(items)
	case Systemd:
		return encodeSystemd(items), nil
	case Kubernetes:
		return Manifest("bailey", items)
	}
	entries := make([]dotenv.Entry, len(items))
	for i, it := range items {
		entries[i] = dotenv.Entry{Name: string(it.Name), Value: it.Value.Reveal()}
	}
	return dotenv.Format(entries), nil
}

// Decode reads items. Of several with one name the last counts.
func Decode(f Format, b []byte) ([]Item, error) {
	var items []Item
	var err error
	switch f {
	case JSON:
		items, err = decodeJSON(b)
	case YAML:
		items, err = decodeYAML(b)
	case Shell:
		items, err = decodeShell(b)
	case CSV:
		items, err = decodeCSV(string(b))
	case Docker:
		items, err = decodeDocker(b)
	case Systemd:
		items, err = decodeSystemd(b)
	case Kubernetes:
		items, err = decodeKubernetes(b)
	default:
		items, err = decodeDotenv(b)
	}
	if err != nil {
		return nil, err
	}
	return lastOfEach(items)
}

func lastOfEach(items []Item) ([]Item, error) {
	at := make(map[secret.Name]int, len(items))
	var out []Item
	for _, it := range items {
		if _, err := secret.ParseName(string(it.Name)); err != nil {
			return nil, err
		}
		if i, ok := at[it.Name]; ok {
			out[i] = it
			continue
		}
		at[it.Name] = len(out)
		out = append(out, it)
	}
	return out, nil
}

func item(name, value string) Item {
	return Item{Name: secret.Name(name), Value: secret.NewValue([]byte(value))}
}

func decodeDotenv(b []byte) ([]Item, error) {
	f, err := dotenv.Parse(b)
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, e := range f.Entries {
		items = append(items, item(e.Name, string(e.Value)))
	}
	return items, nil
}

func encodeJSON(items []Item) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("{")
	for i, it := range items {
		if i > 0 {
			out.WriteString(",")
		}
		name, _ := json.Marshal(string(it.Name))
		out.WriteString("\n  " + string(name) + ": ")
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(string(it.Value.Reveal())); err != nil {
			return nil, err
		}
		out.Truncate(out.Len() - 1) // the encoder's newline
	}
	out.WriteString("\n}\n")
	return out.Bytes(), nil
}

// decodeJSON reads an object of scalars, or a list of {key, value} as other
// secret managers export.
func decodeJSON(b []byte) ([]Item, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	start, err := dec.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	switch start {
	case json.Delim('['):
		return decodeList(b)
	case json.Delim('{'):
	default:
		return nil, errors.New("a JSON object of names and values is expected")
	}
	var items []Item
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, errors.New("not JSON")
		}
		text, ok := scalar(value)
		if !ok {
			return nil, fmt.Errorf("%s: text, a number, true or false is expected", name)
		}
		items = append(items, item(fmt.Sprint(name), text))
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not JSON: it ends too early")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return items, nil
}

func decodeList(b []byte) ([]Item, error) {
	var list []struct {
		Key, Name, SecretKey string
		Value, SecretValue   *string
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, errors.New("a list of objects with key and value is expected")
	}
	var items []Item
	for i, e := range list {
		name := e.Key + e.Name + e.SecretKey
		value := e.Value
		if value == nil {
			value = e.SecretValue
		}
		if value == nil {
			return nil, fmt.Errorf("entry %d has no value", i+1)
		}
		items = append(items, item(name, *value))
	}
	return items, nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	case nil:
		return "", true
	}
	return "", false
}

func encodeYAML(items []Item) ([]byte, error) {
	if len(items) == 0 {
		return []byte("{}\n"), nil
	}
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, it := range items {
		name, value := &yaml.Node{}, &yaml.Node{}
		name.SetString(string(it.Name))
		value.SetString(string(it.Value.Reveal()))
		value.Style = yaml.DoubleQuotedStyle // the one style that carries every character
		doc.Content = append(doc.Content, name, value)
	}
	return yaml.Marshal(doc)
}

func decodeYAML(b []byte) ([]Item, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, errors.New("not YAML")
	}
	if doc.Kind == 0 {
		return nil, nil
	}
	m := doc.Content[0]
	if m.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: a mapping of names and values is expected", m.Line)
	}
	var items []Item
	for i := 0; i+1 < len(m.Content); i += 2 {
		name, value := m.Content[i], m.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: %s: text is expected", name.Line, name.Value)
		}
		text := value.Value
		if value.Tag == "!!null" {
			text = ""
		}
		if value.Tag == "!!binary" {
			return nil, fmt.Errorf("line %d: %s: binary values are not read", name.Line, name.Value)
		}
		items = append(items, item(name.Value, text))
	}
	return items, nil
}
