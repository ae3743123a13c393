package agekey

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"c2sp.org/CCTV/age"
	upstream "filippo.io/age"
)

// Vectors of the age format, from the project that publishes them for every
// implementation. What cannot be decrypted must give nothing, not a part.
func TestVectors(t *testing.T) {
	entries, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := fs.ReadFile(agetest.Vectors, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Run(e.Name(), func(t *testing.T) { tryVector(t, readVector(t, b)) })
	}
	if len(entries) != 147 {
		t.Errorf("%d vectors, want 147", len(entries))
	}
}

type vector struct {
	expect, payload string
	armored         bool
	ids             []upstream.Identity
	file            []byte
}

func readVector(t *testing.T, b []byte) (v vector) {
	t.Helper()
	packed := false
	for {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			t.Fatal("the vector has no file")
		}
		if b = rest; len(line) == 0 {
			break
		}
		name, value, _ := strings.Cut(string(line), ": ")
		switch name {
		case "expect":
			v.expect = value
		case "payload":
			v.payload = value
		case "identity":
			ids, err := Identities([]byte(value), "vector", nil)
			if err != nil {
				t.Fatal(err)
			}
			v.ids = append(v.ids, ids...)
		case "passphrase":
			id, err := Passphrase([]byte(value))
			if err != nil {
				t.Fatal(err)
			}
			v.ids = append(v.ids, id)
		case "armored":
			v.armored = true
		case "compressed":
			packed = true
		}
	}
	if v.file = b; packed {
		r, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if v.file, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func tryVector(t *testing.T, v vector) {
	plain, err := Decrypt(v.file, 32<<20, v.ids...)
	switch v.expect {
	case "success":
		sum := sha256.Sum256(plain)
		if err != nil || hex.EncodeToString(sum[:]) != v.payload {
			t.Errorf("%v, %d bytes", err, len(plain))
		}
	case "no match":
		if !errors.Is(err, ErrNoMatch) {
			t.Errorf("%v, want no match", err)
		}
	default: // header, armor, payload or HMAC failure
		if err == nil || plain != nil || errors.Is(err, ErrNoMatch) {
			t.Errorf("%v and %d bytes, want %s", err, len(plain), v.expect)
		}
	}
}
