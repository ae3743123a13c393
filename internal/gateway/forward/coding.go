package forward

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// coding is what was done to a body, as Content-Encoding lists it in lower case;
// "" for nothing.
type coding string

// codingOf reads the header. aws-chunked is what S3 repeats of an upload; the
// body that it gives out is not chunked.
func codingOf(h http.Header) coding {
	var list []string
	for token := range strings.SplitSeq(strings.ToLower(strings.Join(h["Content-Encoding"], ",")), ",") {
		if token = strings.TrimSpace(token); token != "" && token != "identity" && token != "aws-chunked" {
			list = append(list, token)
		}
	}
	return coding(strings.Join(list, ", "))
}

// readable reports whether unpack undoes c.
func (c coding) readable() bool { return c == "gzip" || c == "x-gzip" || c == "deflate" }

// opaque reports whether c hides the text and unpack does not undo it. What is
// no name of a compression (some servers write "utf-8" there) hides nothing.
func (c coding) opaque() bool {
	return !c.readable() && slices.ContainsFunc(c.list(), func(one string) bool {
		return slices.Contains([]string{"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi"}, one)
	})
}

func (c coding) list() []string { return strings.Split(string(c), ", ") }

// unpack undoes c. Its memory is constant however much comes out.
func (c coding) unpack(body io.Reader) (io.Reader, error) {
	if c != "deflate" {
		return gzip.NewReader(body)
	}
	src, ok := body.(interface {
		io.Reader
		io.ByteScanner
	})
	if !ok {
		src = bufio.NewReader(body)
	}
	first, err := src.ReadByte()
	if err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	_ = src.UnreadByte()
	if first&0x0f == 8 { // zlib (RFC 1950), as HTTP means it; in deflate alone this is a block that no encoder begins with
		return zlib.NewReader(src)
	}
	return flate.NewReader(src), nil
}

// accepts reports whether a program can undo a coding, by its Accept-Encoding.
func accepts(accepted []string, c coding) bool {
	for token := range strings.SplitSeq(strings.ToLower(strings.Join(accepted, ",")), ",") {
		name, weight, _ := strings.Cut(token, ";")
		name = strings.TrimSpace(name)
		if name != "*" && !slices.Contains(c.list(), name) && "x-"+name != string(c) {
			continue
		}
		_, q, ok := strings.Cut(weight, "q=")
		if n, err := strconv.ParseFloat(strings.TrimSpace(q), 64); !ok || err != nil || n > 0 {
			return true
		}
	}
	return false
}

// partOfBytes reports whether a Range is one of bytes. APIs that page through
// lists have units of their own, or none.
func partOfBytes(ranges []string) bool {
	return slices.ContainsFunc(ranges, func(r string) bool {
		return len(r) >= 5 && strings.EqualFold(r[:5], "bytes")
	})
}

// rest reports whether a Range asks for one part up to the end, which is how
// downloads are resumed. Parts that end before a file does could cut a value in
// two.
func rest(ranges []string) bool {
	if len(ranges) != 1 {
		return false
	}
	first, last, ok := strings.Cut(strings.TrimPrefix(strings.ReplaceAll(ranges[0], " ", ""), "bytes="), "-")
	return ok && strings.HasPrefix(ranges[0], "bytes=") && (last == "" && digits(first) || first == "" && digits(last))
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
