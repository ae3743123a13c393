package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
)

// records shows what the audit log says of everything since a record.
func records(t *testing.T, l *audit.Log, after audit.Seq) string {
	t.Helper()
	recs, err := l.List(t.Context(), audit.Filter{After: after})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range recs {
		s := fmt.Sprintf("%s %s/%s%s %s %d %s", r.Action, r.Project, r.Environment, r.Path, r.Name, r.Count, r.Outcome)
		if r.Detail != "" {
			s += " (" + r.Detail + ")"
		}
		if r.Actor != "test" {
			s += " by " + r.Actor
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

func TestRecords(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	p, err := v.Project(ctx, me, "shop")
	if err != nil {
		t.Fatal(err)
	}
	head, err := h.log.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	byID := place(string(p.ID), "development", "/")
	set(t, v, byID, "A", "1")
	set(t, v, byID, "A", "1")
	if _, err := v.SetMany(ctx, me, here, []Change{{Name: "B"}, {Name: "C"}}); err != nil {
		t.Fatal(err)
	}
	_, _ = v.Get(ctx, me, ref("shop", "development", "/", "A"), 0)
	_, _ = v.Get(ctx, me, ref("shop", "development", "/", "NONE"), 0)
	_, _ = v.List(ctx, me, byID, ListOptions{Recursive: true})
	_, _ = v.List(ctx, me, here, ListOptions{NamesOnly: true})
	_, _ = v.Set(ctx, me, here, Change{Name: "A", Mode: CreateOnly})
	_, _ = v.Delete(ctx, me, here, "B", "C")
	v.Lock()
	_, _ = v.Get(ctx, me, ref("shop", "development", "/", "A"), 0)
	_ = v.Unlock(ctx, me, quick("wrong"))
	_ = v.Unlock(ctx, me, right)
	want := `secret.set shop/development/ A 1 intent
secret.set shop/development/ A 1 done
secret.set shop/development/ A 1 done (unchanged)
secret.set shop/development/ B C 2 intent
secret.set shop/development/ B C 2 done
secret.get shop/development/ A 0 done
secret.get shop/development/ NONE 0 failed (missing)
secret.list shop/development/  3 done
secret.list shop/development/  3 done (names only)
secret.set shop/development/ A 1 failed (exists)
secret.delete shop/development/ B C 2 intent
secret.delete shop/development/ B C 2 done
secret.get shop/development/ A 0 failed (locked)
vault.unlock /  0 intent (passphrase)
vault.unlock /  0 denied (denied)
vault.unlock /  0 intent (passphrase)
vault.unlock /  0 done (passphrase)`
	if got := records(t, h.log, head.Seq); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// deaf is an audit log that can be made to refuse.
type deaf struct {
	*audit.Log
	refuse bool
}

var errFull = errors.New("disk full")

func (d *deaf) Append(ctx context.Context, e audit.Event) (audit.Seq, error) {
	if d.refuse {
		return 0, errFull
	}
	return d.Log.Append(ctx, e)
}

func (d *deaf) AppendSync(ctx context.Context, e audit.Event) (audit.Seq, error) {
	if d.refuse {
		return 0, errFull
	}
	return d.Log.AppendSync(ctx, e)
}

// TestNoRecordNoAnswer: what cannot be recorded is neither answered nor done.
func TestNoRecordNoAnswer(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, right)
	log, err := audit.Open(filepath.Join(dir, "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d := &deaf{Log: log}
	ctx := t.Context()
	if _, err := Open(ctx, filepath.Join(dir, "vault"), nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("opened without a log: %v", err)
	}
	v, err := Open(ctx, filepath.Join(dir, "vault"), d)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Unlock(ctx, me, right); err != nil {
		t.Fatal(err)
	}
	if _, err := v.CreateProject(ctx, me, "shop", ""); err != nil {
		t.Fatal(err)
	}
	set(t, v, here, "A", "1")
	d.refuse = true
	if s, err := v.Get(ctx, me, ref("shop", "development", "/", "A"), 0); !errors.Is(err, ErrUnavailable) || s.Value.Len() != 0 {
		t.Errorf("get: %v", err)
	}
	if s, err := v.List(ctx, me, here, ListOptions{}); !errors.Is(err, ErrUnavailable) || s != nil {
		t.Errorf("list: %v", err)
	}
	if _, err := v.Set(ctx, me, here, Change{Name: "A", Value: value("2")}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("set: %v", err)
	}
	v.Lock()
	if err := v.Unlock(ctx, me, right); !errors.Is(err, ErrUnavailable) || !v.Locked() {
		t.Errorf("unlock: %v", err)
	}
	d.refuse = false
	if err := v.Unlock(ctx, me, right); err != nil {
		t.Fatal(err)
	}
	if got := list(t, v, here); got != "/A=1@1" {
		t.Errorf("after the refusals: %s", got)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

// TestNothingReadable searches every file of a home, also while it is open,
// for what went in.
func TestNothingReadable(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	comment := "canarycomment"
	if _, err := v.CreateFolder(ctx, me, place("shop", "development", "/canaryfolder")); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		_, err := v.Set(ctx, me, here, Change{Name: secret.Name(fmt.Sprint("CANARYNAME", i)), Value: value(fmt.Sprint("canaryvalue", i)),
			Comment: &comment, Metadata: []Metadata{{Key: "canarykey", Value: "canarymeta"}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(t, v, here, "CANARYNAME1", "canaryvalue again")
	if err := v.PutOriginal(ctx, me, "shop", Original{Path: "canarypath/.env", Data: *value("CANARYNAME=canaryoriginal")}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Delete(ctx, me, here, "CANARYNAME2"); err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		for name, b := range files(t, h.dir) {
			low := strings.ToLower(string(b))
			for _, word := range []string{"canaryvalue", "canarycomment", "canarykey", "canarymeta", "canaryoriginal", string(right)} {
				if strings.Contains(low, word) {
					t.Errorf("%s: %s holds %q", when, name, word)
				}
			}
			for _, word := range []string{"canaryname", "canaryfolder", "canarypath", "shop", "development"} {
				if strings.Contains(low, word) && !strings.HasPrefix(name, "audit/") {
					t.Errorf("%s: %s holds the name %q", when, name, word)
				}
			}
		}
	}
	look("open")
	h.close()
	look("closed")
	err := filepath.WalkDir(h.dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || p == h.dir {
			return err
		}
		st, err := d.Info()
		if want := os.FileMode(0o600); err == nil && !d.IsDir() && st.Mode().Perm() != want {
			t.Errorf("%s has mode %v", p, st.Mode())
		} else if d.IsDir() && st.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", p, st.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestConcurrent(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				name := secret.Name(fmt.Sprintf("G%d_%d", g, i))
				if _, err := v.Set(ctx, me, here, Change{Name: name, Value: value(string(name))}); err != nil {
					t.Error(err)
				}
				s, err := v.Get(ctx, me, Ref{Project: "shop", Environment: "development", Name: name}, 0)
				if err != nil || string(s.Value.Reveal()) != string(name) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	if out, err := v.List(ctx, me, here, ListOptions{}); err != nil || len(out) != 160 {
		t.Errorf("%d, %v", len(out), err)
	}
}
