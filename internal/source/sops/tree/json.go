package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

var errJSON = errors.New("it is not JSON")

func loadJSON(b []byte) ([]Branch, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil {
		return nil, errJSON
	} else if t != json.Delim('{') {
		return nil, errors.New("a JSON file of sops is an object")
	}
	out, err := jsonObject(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return []Branch{out}, nil
}

func jsonObject(dec *json.Decoder, depth int) (Branch, error) {
	out := Branch{}
	seen := map[string]bool{}
	for {
		t, err := dec.Token()
		if err != nil {
			return nil, errJSON
		}
		if t == json.Delim('}') {
			return out, nil
		}
		name, ok := t.(string)
		if !ok {
			return nil, errJSON
		}
		if seen[name] {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		seen[name] = true
		if t, err = dec.Token(); err != nil {
			return nil, errJSON
		}
		v, err := jsonValue(dec, t, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, Item{name, v})
	}
}

func jsonValue(dec *json.Decoder, t json.Token, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return jsonObject(dec, depth)
		}
		out := []any{}
		for {
			t, err := dec.Token()
			if err != nil {
				return nil, errJSON
			}
			if t == json.Delim(']') {
				return out, nil
			}
			v, err := jsonValue(dec, t, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return int(i), nil
		}
		f, err := t.Float64()
		if err != nil {
			return nil, errors.New("a number in it is too large")
		}
		return f, nil
	}
	return t, nil
}

func emitJSON(docs []Branch) ([]byte, error) {
	var flat, out bytes.Buffer
	if err := writeJSON(&flat, docs[0]); err != nil {
		return nil, err
	}
	if err := json.Indent(&out, flat.Bytes(), "", "\t"); err != nil {
		return nil, errJSON
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// writeJSON leaves comments out: JSON has none.
func writeJSON(out *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case Branch:
		sep := "{"
		for _, it := range v {
			name, isName := it.Key.(string)
			if !isName {
				continue
			}
			out.WriteString(sep)
			sep = ","
			if err := writeJSON(out, name); err != nil {
				return err
			}
			out.WriteString(": ")
			if err := writeJSON(out, it.Value); err != nil {
				return err
			}
		}
		if sep == "{" {
			out.WriteString(sep)
		}
		out.WriteByte('}')
		return nil
	case []any:
		sep := "["
		for _, e := range v {
			if _, isComment := e.(Comment); isComment {
				continue
			}
			out.WriteString(sep)
			sep = ","
			if err := writeJSON(out, e); err != nil {
				return err
			}
		}
		if sep == "[" {
			out.WriteString(sep)
		}
		out.WriteByte(']')
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return errors.New("a value cannot be written as JSON")
	}
	out.Write(b)
	return nil
}
