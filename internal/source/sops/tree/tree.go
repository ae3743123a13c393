// Package tree holds what stands in a file of sops: names in their order,
// values with their types, comments, in YAML, JSON, dotenv and ini as sops
// reads and writes each of them.
//
// It knows nothing of encryption, and it is not a general reader: where sops
// differs from others (package dotenv), it goes with sops. Its invariants:
// whatever bytes Load is given, it does work that their number bounds, and
// no error holds a value.
package tree

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxDepth bounds how deep mappings and lists nest.
const MaxDepth = 200

// ErrDeep says that it was exceeded.
var ErrDeep = errors.New("it nests deeper than 200 levels")

// Branch is a mapping in its order. A comment stands as an item whose key is
// the comment.
type Branch []Item

// Item is a name, or a comment, and a value: string, int, float64, bool,
// time.Time, nil, Branch or []any, whose elements may also be comments.
type Item struct {
	Key   any // string or Comment
	Value any
}

// Comment is one line without its '#'.
type Comment struct {
	Text   string
	Inline bool // behind a value, not above it
}

// Get returns the value of a name, nil when there is none.
func (b Branch) Get(name string) any {
	for _, it := range b {
		if it.Key == name {
			return it.Value
		}
	}
	return nil
}

// Set replaces the value of a name, or adds it in the alphabet's place.
func (b Branch) Set(name string, value any) Branch {
	at := len(b)
	for i, it := range b {
		key, ok := it.Key.(string)
		if ok && key == name {
			b[i].Value = value
			return b
		}
		if ok && key > name && at == len(b) {
			at = i
		}
	}
	return slices.Insert(b, at, Item{name, value})
}

// Kind names the type of a value that can be encrypted, as sops does; "" for
// any other.
func Kind(v any) string {
	switch v.(type) {
	case string:
		return "str"
	case int:
		return "int"
	case float64:
		return "float"
	case bool:
		return "bool"
	case time.Time:
		return "time"
	case Comment:
		return "comment"
	}
	return ""
}

// Plain is how a value goes into the MAC and under the cipher.
func Plain(v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64), nil
	case bool:
		if v {
			return []byte("True"), nil
		}
		return []byte("False"), nil
	case time.Time:
		return v.MarshalText()
	case Comment:
		return []byte(v.Text), nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be kept", v)
}

// Text is how a value other than a string stands in dotenv and ini.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		s := strconv.FormatFloat(v, 'G', -1, 64)
		if !strings.ContainsAny(s, ".E") {
			s = strconv.FormatFloat(v, 'f', 1, 64)
		}
		return s
	case time.Time:
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(v)
}
