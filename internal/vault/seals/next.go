package seals

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/vault/disk"
)

// nextExtension ends the name of a file that takes another's place once the
// database knows it.
const nextExtension = extension + ".next"

// WriteNext puts a sealed root key beside the one of its kind.
func WriteNext(dir, kind string, sealed []byte) error {
	return disk.Write(dir, kind+nextExtension, sealed)
}

// Finish gives those files their place that the database knows already, and
// takes away what it knows no more: the last step of a change of the root key.
// A file that it does not know may be of a change in progress, and stays.
func Finish(dir string, known map[string][]byte) error {
	placed := false
	for _, kind := range disk.Names(dir, nextExtension) {
		next := filepath.Join(dir, kind+nextExtension)
		b, err := disk.Read(next, maxFile)
		if err != nil || !bytes.Equal(Hash(b), known[kind]) {
			continue
		}
		if err := os.Rename(next, filepath.Join(dir, kind+extension)); err != nil {
			return err
		}
		placed = true
	}
	if !placed {
		return nil
	}
	for _, kind := range Kinds(dir) {
		if known[kind] == nil {
			if err := Remove(dir, kind); err != nil {
				return err
			}
		}
	}
	return disk.Sync(dir)
}

// DropNext removes what a change of the root key that failed has prepared.
func DropNext(dir string) {
	for _, kind := range disk.Names(dir, nextExtension) {
		_ = os.Remove(filepath.Join(dir, kind+nextExtension))
	}
}
