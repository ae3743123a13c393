package adoption

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
)

// receipt is what init remembers of a project for eject, outside of the
// project. It holds names, never values.
type receipt struct {
	Project string             `json:"project"`
	Files   map[string]placing `json:"files"`   // by path
	Created map[string]string  `json:"created"` // path → SHA-256 of what init wrote
	Ignored []string           `json:"ignored"` // lines added to .gitignore
}

// placing says where the values of a file went.
type placing struct {
	Environment string `json:"environment"`
	Folder      string `json:"folder"`
	Rank        int    `json:"rank"`
}

func receiptPath(root string) string {
	sum := sha256.Sum256([]byte(manifest.Repository(root)))
	return filepath.Join(home.State(), "adopted", hex.EncodeToString(sum[:])+".json")
}

func readReceipt(root string) (receipt, error) {
	r := receipt{Files: map[string]placing{}, Created: map[string]string{}}
	b, err := os.ReadFile(receiptPath(root))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, api.Errorf(api.Tampered, "%s, the note of what init did, is damaged", receiptPath(root)).
			WithHint("move it away and run bailey eject again: the files come back from the vault, what else init made stays")
	}
	return r, nil
}

func (r receipt) save(root string) error {
	file := receiptPath(root)
	if err := home.MakeDir(filepath.Dir(file)); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(b, '\n'))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// ProjectOf is the project that init set up at root, if it did.
func ProjectOf(root string) (string, bool) {
	r, err := readReceipt(root)
	return r.Project, err == nil && r.Project != ""
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func removeOptional(file string) error {
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
