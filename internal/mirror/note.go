package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
)

// note is what is remembered of a folder's copy. The values are in the vault.
type note struct {
	Address string        `json:"address"`
	Fetched time.Time     `json:"fetched,omitzero"` // zero while it is being written
	Names   []secret.Name `json:"names"`            // that came from a place

	at string // the address that is asked for
}

// whole says whether the vault has all that this very address said.
func (n note) whole() bool { return !n.Fetched.IsZero() && n.Address == n.at }

// note reads what is remembered; a damaged one counts as none, and then what
// is in the vault counts as set by hand.
func (e Environment) note() note {
	n := note{}
	b, err := os.ReadFile(e.file())
	if err != nil || json.Unmarshal(b, &n) != nil {
		n = note{}
	}
	n.at = e.At.String()
	return n
}

func (e Environment) keep(n note) error {
	b, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return write(e.file(), b)
}

func (e Environment) file() string {
	return stateFile("mirrors", e.Ref.Project+"\x00"+e.Ref.Environment+"\x00"+e.Ref.Path)
}

// Recall is what Remember kept of a server, "" if nothing.
func Recall(host string) string {
	b, err := os.ReadFile(stateFile("servers", host))
	if err != nil || len(b) > 16 {
		return ""
	}
	return string(b)
}

// Remember keeps what was learnt of a server. What cannot be kept is learnt
// again.
func Remember(host, learnt string) { _ = write(stateFile("servers", host), []byte(learnt)) }

func stateFile(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(home.State(), kind, hex.EncodeToString(sum[:]))
}

// write replaces a file whole or not at all.
func write(path string, b []byte) error {
	if err := home.MakeDir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
