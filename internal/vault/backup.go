package vault

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// maxBackup bounds what Restore writes.
const maxBackup = 4 << 30

// Backup writes everything that the vault is (database, sealed root keys, audit
// log) as a tar archive, of one moment. The copy is opened and verified whole
// before the first byte goes out. Names stand in the audit log in the clear:
// whoever keeps the archive should encrypt it.
func (v *Vault) Backup(ctx context.Context, c Caller, auditDir string, w io.Writer) error {
	stage, err := os.MkdirTemp(filepath.Dir(v.dir), ".backup-*") // 0700
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	at := Dirs{filepath.Join(stage, "vault"), filepath.Join(stage, "audit")}
	if err := v.copyTo(ctx, c, auditDir, at); err != nil {
		return err
	}
	if err := v.verifyCopy(ctx, at); err != nil {
		return fmt.Errorf("the copy is not what it should be: %w", err)
	}
	return pack(w, stage)
}

func (v *Vault) copyTo(ctx context.Context, c Caller, auditDir string, at Dirs) error {
	if c.Actor == "" {
		return errNoActor
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil {
		return errLocked
	}
	e := c.event("vault.backup")
	if err := v.record(ctx, &e, nil); err != nil {
		return err
	}
	if err := v.reanchor(ctx); err != nil {
		return err
	}
	for _, dir := range []string{at.Vault, at.Audit} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	return fault.Explain(v.db.Copy(ctx, at.Vault, func() error {
		for _, kind := range seals.Kinds(v.dir) {
			b, err := seals.Read(ctx, v.dir, kind, v.known)
			if err != nil {
				return err
			}
			if err := seals.Write(at.Vault, kind, b); err != nil {
				return err
			}
		}
		// The head first: a log that goes on behind its head is in order.
		for _, name := range []string{"audit.head", "audit.log"} {
			if err := copyFile(filepath.Join(auditDir, name), filepath.Join(at.Audit, name)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// verifyCopy opens the copy as its owner would and reads all of it.
func (v *Vault) verifyCopy(ctx context.Context, at Dirs) error {
	v.mu.Lock()
	k := v.keys
	v.mu.Unlock()
	if k == nil {
		return errLocked
	}
	root, err := k.root.Copy()
	if err != nil {
		return fault.Explain(err)
	}
	log, err := audit.Open(at.Audit)
	if err != nil {
		return err
	}
	copied, err := openWith(ctx, at.Vault, log, root)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	err = copied.Verify(ctx)
	if err == nil {
		_, err = log.Verify(ctx)
	}
	return errors.Join(err, copied.Close(), log.Close())
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// pack writes the files below dir that a backup has.
func pack(w io.Writer, dir string) error {
	out := tar.NewWriter(w)
	for _, sub := range []string{"vault", "audit"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := sub + "/" + e.Name()
			if !backedUp(name) {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
				return err
			}
			if _, err := out.Write(b); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

func backedUp(name string) bool {
	if slices.Contains([]string{"vault/" + store.FileName, "audit/audit.log", "audit/audit.head"}, name) {
		return true
	}
	ok, _ := regexp.MatchString(`^vault/[a-z0-9-]{1,64}\.age$`, name)
	return ok
}

// Restore puts a vault and its audit log from an archive in their places, or
// nothing. ErrExists when there is anything of a vault there, ErrInvalid when
// the archive is none of Backup's. It opens with what opened it at the time.
func Restore(ctx context.Context, at Dirs, archive io.Reader) error {
	unlock, err := disk.Lock(at.lock())
	if err != nil {
		return err
	}
	defer unlock()
	stage := at.stage()
	if err := sweep(at, stage); err != nil {
		return err
	}
	if err := vacate(ctx, at); err != nil {
		return err
	}
	if err := unpack(archive, filepath.Dir(stage.Vault)); err != nil {
		return errors.Join(err, os.RemoveAll(filepath.Dir(stage.Vault)))
	}
	if err := tryOpen(ctx, stage); err != nil {
		return errors.Join(err, os.RemoveAll(filepath.Dir(stage.Vault)))
	}
	return install(at, stage)
}

// tryOpen opens what was unpacked as far as that goes without a key.
func tryOpen(ctx context.Context, at Dirs) error {
	log, err := audit.Open(at.Audit)
	if err != nil {
		return err
	}
	v, err := Open(ctx, at.Vault, log)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	return errors.Join(seals.Check(ctx, at.Vault, v.known), v.Close(), log.Close())
}

func unpack(archive io.Reader, dir string) error {
	for _, sub := range []string{"vault", "audit"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	in := tar.NewReader(archive)
	left := int64(maxBackup)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || h.Typeflag != tar.TypeReg || !backedUp(h.Name) || h.Size < 0 || h.Size > left {
			return fault.New(ErrInvalid, "it is not a backup of a vault")
		}
		left -= h.Size
		f, err := os.OpenFile(filepath.Join(dir, filepath.FromSlash(h.Name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, in)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	for _, name := range []string{"vault/" + store.FileName, "audit/audit.log"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			return fault.New(ErrInvalid, "it is not a whole backup of a vault: %s is missing", name)
		}
	}
	return errors.Join(disk.Sync(filepath.Join(dir, "vault")), disk.Sync(filepath.Join(dir, "audit")))
}

// SealFiles are the sealed root keys by kind, each the one that the vault knows.
func (v *Vault) SealFiles(ctx context.Context) (map[string][]byte, error) {
	p, err := v.public(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for kind := range p.Seals {
		b, err := seals.Read(ctx, v.dir, kind, v.known)
		if err != nil {
			return nil, err
		}
		out[kind] = bytes.Clone(b)
	}
	return out, nil
}
