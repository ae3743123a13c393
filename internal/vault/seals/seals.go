// Package seals keeps the files of the sealed root key, KIND.age, and holds
// them against what the vault knows of them.
//
// It does not seal or open, and the hashes that it compares with are vouched
// for by others. Its invariant: what Read returns is a file that the vault
// wrote last, or one of two while one replaces the other.
package seals

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/fault"
)

const (
	extension = ".age"
	maxFile   = 64 << 10
)

// Known returns, per kind, the hash of the file; two in a row while one
// replaces the other.
type Known func(context.Context) (map[string][]byte, error)

// Hash is how the vault knows a file.
func Hash(sealed []byte) []byte {
	h := sha256.Sum256(sealed)
	return h[:]
}

// Kinds lists what is in dir.
func Kinds(dir string) []string { return disk.Names(dir, extension) }

// Write puts the file of a kind into dir, in place of an earlier one.
func Write(dir, kind string, sealed []byte) error { return disk.Write(dir, kind+extension, sealed) }

// Read returns the file of a kind, if it is the one that the vault knows: else
// a damaged file would look like a wrong passphrase.
func Read(ctx context.Context, dir, kind string, known Known) ([]byte, error) {
	sealed, err := read(ctx, dir, kind, known)
	if errors.Is(err, fault.ErrTampered) { // or another process replaced it between the two looks
		return read(ctx, dir, kind, known)
	}
	return sealed, err
}

func read(ctx context.Context, dir, kind string, known Known) ([]byte, error) {
	path := filepath.Join(dir, kind+extension)
	sealed, err := disk.Read(path, maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all, kerr := known(ctx)
	switch want := all[kind]; {
	case kerr != nil:
		return nil, kerr
	case err != nil && want == nil:
		return nil, &fault.Error{Kind: fault.ErrMissing, Text: "this vault is not sealed with a " + kind,
			Hint: "it can be opened with: " + strings.Join(Kinds(dir), ", ")}
	case err != nil:
		return nil, damage(dir, kind, path+" is gone")
	case !isOneOf(Hash(sealed), want):
		return nil, damage(dir, kind, path+" is damaged, or vault.db is: they do not fit each other")
	}
	return sealed, nil
}

func isOneOf(sum, known []byte) bool {
	for ; len(known) >= len(sum); known = known[len(sum):] {
		if bytes.Equal(known[:len(sum)], sum) {
			return true
		}
	}
	return false
}

// Check finds a file that is gone or is not what the vault wrote: its owner
// would learn of it on the day it is needed.
func Check(ctx context.Context, dir string, known Known) error {
	all, err := known(ctx)
	if err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if _, err := Read(ctx, dir, kind, known); err != nil {
			return err
		}
	}
	return nil
}

func damage(dir, kind, text string) error {
	hint := "nothing was changed on disk; restore that file from a backup"
	others := Kinds(dir)
	switch {
	case kind == "recovery" && slices.Contains(others, "passphrase"):
		hint += ",\nor make it anew, with the passphrase: bailey recover --new-code"
	case kind == "passphrase" && slices.Contains(others, "recovery"):
		hint += ",\nor make it anew, with the recovery code: bailey recover"
	}
	return &fault.Error{Kind: fault.ErrTampered, Text: text, Hint: hint}
}
