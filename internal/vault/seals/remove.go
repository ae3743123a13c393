package seals

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/vault/disk"
)

// Remove removes a sealed root key.
func Remove(dir, kind string) error {
	if err := os.Remove(filepath.Join(dir, kind+extension)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.Sync(dir)
}
