package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// csvHead names the columns, as spreadsheets and other managers write them.
const csvHead = "name,value"

var errCSV = errors.New("two columns, name and value, are expected")

// encodeCSV quotes every value: a spreadsheet would make numbers and formulas
// of some.
func encodeCSV(items []Item) []byte {
	var out bytes.Buffer
	out.WriteString(csvHead + "\r\n")
	for _, it := range items {
		fmt.Fprintf(&out, "%s,\"%s\"\r\n", it.Name, strings.ReplaceAll(string(it.Value.Reveal()), `"`, `""`))
	}
	return out.Bytes()
}

// decodeCSV is RFC 4180 to the byte; encoding/csv takes the CR out of a value's
// line ends.
func decodeCSV(s string) ([]Item, error) {
	s = strings.TrimPrefix(s, "\ufeff")
	var items []Item
	for n := 1; s != ""; n++ {
		var fields [3]string
		count := 0
		for more := true; more; count++ {
			var field string
			var err error
			field, s, more, err = csvField(s)
			if err != nil {
				return nil, fmt.Errorf("record %d: %w", n, err)
			}
			if count < len(fields) {
				fields[count] = field
			}
		}
		switch {
		case count == 1 && fields[0] == "":
		case count < 2:
			return nil, fmt.Errorf("record %d: %w", n, errCSV)
		case n == 1 && csvHeading(fields[0]) && csvHeading(fields[1]):
		case count > 2:
			return nil, fmt.Errorf("record %d: %w", n, errCSV)
		default:
			items = append(items, item(fields[0], fields[1]))
		}
	}
	return items, nil
}

func csvHeading(s string) bool {
	switch strings.ToLower(s) {
	case "name", "key", "value", "secret":
		return true
	}
	return false
}

// csvField reads one field; more says that another of the record follows.
func csvField(s string) (field, rest string, more bool, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ",\n")
		if end < 0 {
			return strings.TrimSuffix(s, "\r"), "", false, nil
		}
		if field, rest = s[:end], s[end+1:]; s[end] == ',' {
			return field, rest, true, nil
		}
		return strings.TrimSuffix(field, "\r"), rest, false, nil
	}
	var out strings.Builder
	for s = s[1:]; ; {
		end := strings.IndexByte(s, '"')
		if end < 0 {
			return "", "", false, errors.New("a quote is not closed")
		}
		out.WriteString(s[:end])
		if s = s[end+1:]; strings.HasPrefix(s, `"`) {
			out.WriteByte('"')
			s = s[1:]
			continue
		}
		break
	}
	switch {
	case strings.HasPrefix(s, ","):
		return out.String(), s[1:], true, nil
	case s == "", strings.HasPrefix(s, "\n"), strings.HasPrefix(s, "\r\n"):
		return out.String(), strings.TrimPrefix(strings.TrimPrefix(s, "\r"), "\n"), false, nil
	}
	return "", "", false, errors.New("something follows a closing quote")
}
