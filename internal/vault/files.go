package vault

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	sealExt     = ".age"
	maxSealFile = 64 << 10
)

func hashOf(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}

// writeFile puts b on disk under name: whole or not at all.
func writeFile(dir, name string, b []byte) error {
	f, err := os.CreateTemp(dir, "."+name+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, name), err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sealsIn lists the kinds of sealed root keys in dir.
func sealsIn(dir string) []string {
	var kinds []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if kind, ok := strings.CutSuffix(e.Name(), sealExt); ok {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// readSeal reads the file of a sealed root key.
func readSeal(dir, kind string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, kind+sealExt))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSealFile))
}
