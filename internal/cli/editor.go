package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

// maxEdited bounds what comes back from an editor.
const maxEdited = 16 << 20

// edit lets the user's editor work on content, in a file that lies in memory
// (a directory of mode 0700 on a tmpfs) and is wiped and removed after. name
// is for the editor, which goes by its ending. Nothing is returned of an
// editor that fails.
func edit(ctx context.Context, name string, content []byte) ([]byte, error) {
	if !term.Std().CanAsk() && os.Getenv("EDITOR") == "" && os.Getenv("VISUAL") == "" {
		return nil, api.Errorf(api.Invalid, "there is no terminal for an editor")
	}
	dir, err := memoryDir()
	if err != nil {
		return nil, err
	}
	defer wipeDir(dir)
	path := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, err
	}
	if err := runEditor(ctx, path); err != nil {
		return nil, err
	}
	return readBounded(path, maxEdited)
}

// runEditor starts $VISUAL or $EDITOR, which may have arguments. What they
// would leave beside the file (swap, backup, undo) stays in its directory,
// which goes.
func runEditor(ctx context.Context, path string) error {
	words := strings.Fields(os.Getenv("VISUAL"))
	if len(words) == 0 {
		words = strings.Fields(os.Getenv("EDITOR"))
	}
	if len(words) == 0 {
		words = []string{"vi"}
	}
	signal.Ignore(os.Interrupt) // ^C is the editor's
	defer signal.Reset(os.Interrupt)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], path)...)
	cmd.Dir = filepath.Dir(path)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Dir(path))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return api.Errorf(api.Invalid, "the editor %s: %s; nothing is changed", words[0], err)
	}
	return nil
}

// memoryDir makes a private directory where files are in memory, not on a disk.
func memoryDir() (string, error) {
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if base == "" || !inMemory(base) {
			continue
		}
		if dir, err := os.MkdirTemp(base, ".bailey-edit-"); err == nil { // 0700
			return dir, nil
		}
	}
	return "", api.Errorf(api.Unavailable, "there is no place in memory to edit in: neither XDG_RUNTIME_DIR nor /dev/shm is a tmpfs").
		WithHint("a value can be set without an editor: bailey secret set NAME < FILE")
}

// wipeDir overwrites what lies in dir and removes it.
func wipeDir(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				_, err = f.Write(make([]byte, min(info.Size(), maxEdited)))
				_ = errors.Join(err, f.Close())
			}
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		term.Std().Notef("%s is left behind: %s", dir, err)
	}
}
