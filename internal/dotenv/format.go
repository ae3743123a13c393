package dotenv

import "bytes"

// Format writes entries (their Name and Value) so that Parse reads the same
// ones back. Names must be letters, digits, '_', '-' and '.', values must not
// hold a NUL byte.
func Format(entries []Entry) []byte {
	var out []byte
	for _, e := range entries {
		out = append(out, e.Name...)
		out = append(out, '=')
		out = appendValue(out, e.Value, 0)
		out = append(out, '\n')
	}
	return out
}

// appendValue quotes v as simply as possible, with the wanted quote if that
// one can hold it.
func appendValue(out, v []byte, quote byte) []byte {
	switch {
	case quote == 0 && plain(v):
		return append(out, v...)
	case quote == '"' && !bytes.ContainsAny(v, "\"\\$\r\n"), quote == '`' && literal(v, '`'):
	case literal(v, '\''):
		quote = '\''
	default:
		return appendEscaped(out, v)
	}
	out = append(out, quote)
	out = append(out, v...)
	return append(out, quote)
}

// plain values need no quotes under any reader.
func plain(v []byte) bool {
	for _, c := range v {
		if !isName(c) && bytes.IndexByte([]byte("/:@%+,="), c) < 0 {
			return false
		}
	}
	return true
}

// literal reports whether v between two quotes q stands for itself. A CR
// would be read as a line end, and \q as an escaped quote.
func literal(v []byte, q byte) bool {
	return bytes.IndexByte(v, q) < 0 && bytes.IndexByte(v, '\r') < 0 && !bytes.HasSuffix(v, []byte(`\`))
}

func appendEscaped(out, v []byte) []byte {
	out = append(out, '"')
	for _, c := range v {
		switch c {
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '"', '\\', '$':
			out = append(out, '\\', c)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
