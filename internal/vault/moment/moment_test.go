package moment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/moment"
	. "github.com/bailey-project/bailey/internal/vault/vaulttest"
)

func show(list []vault.Secret) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%s=%s", path.Join(s.Path, string(s.Name)), s.Value.Reveal()))
	}
	return strings.Join(out, " ")
}

func words(ds []moment.Difference) string {
	var out []string
	for _, d := range ds {
		out = append(out, d.Kind+" "+path.Join(d.Path, string(d.Name)))
	}
	return strings.Join(out, ", ")
}

func version(t *testing.T, v *vault.Vault) uint64 {
	t.Helper()
	e, err := v.Environment(t.Context(), Me, "shop", "development")
	if err != nil {
		t.Fatal(err)
	}
	return e.Version
}

func TestRollbackOfAnEnvironment(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	Set(t, v, Dev, "A", "1")
	Set(t, v, Dev, "B", "b")
	Set(t, v, In("development", "/api"), "K", "k")
	then, want := version(t, v), "/A=1 /B=b /api/K=k"

	Set(t, v, Dev, "A", "2")
	if _, err := v.Set(ctx, Me, Dev, vault.Change{Name: "B", Rename: "C"}); err != nil {
		t.Fatal(err)
	}
	Set(t, v, Dev, "B", "another")
	if _, err := v.DeleteFolder(ctx, Me, In("development", "/api")); err != nil {
		t.Fatal(err)
	}
	Set(t, v, Dev, "NEW", "n")
	later := version(t, v)

	if was, err := moment.List(ctx, v, Me, Dev, moment.Point{Version: then}); err != nil || show(was) != want {
		t.Fatalf("at %d: %s, %v", then, show(was), err)
	}
	dry, err := moment.Rollback(ctx, v, Me, Dev, moment.Point{Version: then}, true)
	if plan := "changed /A, changed /B, removed /C, removed /NEW, added /api/K"; err != nil || words(dry) != plan {
		t.Fatalf("dry run: %s, %v", words(dry), err)
	}
	if version(t, v) != later {
		t.Fatal("a dry run changed something")
	}
	done, err := moment.Rollback(ctx, v, Me, Dev, moment.Point{Version: then}, false)
	if err != nil || words(done) != words(dry) {
		t.Fatalf("rollback: %s, %v", words(done), err)
	}
	if now, _ := moment.List(ctx, v, Me, Dev, moment.Point{}); show(now) != want {
		t.Errorf("after the rollback: %s", show(now))
	}
	if _, err := moment.Rollback(ctx, v, Me, Dev, moment.Point{Version: later}, false); err != nil {
		t.Fatal(err)
	}
	if now, _ := moment.List(ctx, v, Me, Dev, moment.Point{}); show(now) != "/A=2 /B=another /C=b /NEW=n" {
		t.Errorf("the rollback cannot be undone: %s", show(now))
	}
	if _, err := moment.List(ctx, v, Me, Dev, moment.Point{Version: 1000}); !errors.Is(err, vault.ErrMissing) {
		t.Errorf("a version to come: %v", err)
	}
	log, err := moment.Log(ctx, v, Me, Dev)
	if err != nil || len(log) < 8 || log[0].Version <= log[1].Version || log[0].Actor != "test" {
		t.Errorf("log: %+v, %v", log, err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestByTime(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	Set(t, v, Dev, "A", "1")
	s, _ := v.Get(ctx, Me, vault.Ref{Project: "shop", Environment: "development", Name: "A"}, 0)
	for time.Now().UnixMilli() <= s.UpdatedAt.UnixMilli() { // times have milliseconds
		continue
	}
	Set(t, v, Dev, "A", "2")
	for at, want := range map[time.Time]string{s.UpdatedAt: "/A=1", s.UpdatedAt.Add(-time.Millisecond): "", time.Now(): "/A=2"} {
		if was, err := moment.List(ctx, v, Me, Dev, moment.Point{Time: at}); err != nil || show(was) != want {
			t.Errorf("at %s: %q, want %q, %v", at, show(was), want, err)
		}
	}
}

func TestDiffBetweenEnvironments(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	for _, s := range []string{"SAME=x", "OTHER=1", "ONLY=d"} {
		name, value, _ := strings.Cut(s, "=")
		Set(t, v, Dev, name, value)
	}
	Set(t, v, In("production", "/"), "SAME", "x")
	Set(t, v, In("production", "/"), "OTHER", "2")
	Set(t, v, In("production", "/p"), "P", "p")
	got, err := moment.Diff(ctx, v, Me, "shop", moment.Side{Environment: "development"}, moment.Side{Environment: "production"})
	if err != nil || words(got) != "removed /ONLY, changed /OTHER, added /p/P" {
		t.Errorf("%s, %v", words(got), err)
	}
}

// After any sequence of changes, every earlier state can be seen and put back.
func FuzzRollback(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 6 {
		steps := make([]byte, 25)
		for i := range steps {
			steps[i] = byte(random.Uint32())
		}
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) > 25 {
			return
		}
		v, ctx := New(t, t.TempDir()), t.Context()
		states := map[uint64]string{}
		for i, b := range steps {
			p := In("development", []string{"/", "/a", "/a/b"}[int(b>>4)%3])
			name := secret.Name(fmt.Sprint("N", b&3))
			value := secret.NewValue([]byte(fmt.Sprint(i)))
			switch b >> 6 { // each may be refused: then nothing has changed
			case 0, 1:
				Set(t, v, p, string(name), string(value.Reveal()))
			case 2:
				_, _ = v.Set(ctx, Me, p, vault.Change{Name: name, Mode: vault.UpdateOnly, Rename: secret.Name(fmt.Sprint("N", (b>>2)&3))})
			case 3:
				if b&4 == 0 {
					_, _ = v.Delete(ctx, Me, p, name)
				} else if _, err := v.DeleteFolder(ctx, Me, p); err != nil {
					to := "moved"
					_, _ = v.UpdateFolder(ctx, Me, In("development", "/a"), &to, nil)
				}
			}
			now, err := moment.List(ctx, v, Me, Dev, moment.Point{})
			if err != nil {
				t.Fatal(err)
			}
			states[version(t, v)] = show(now)
		}
		for at, want := range states {
			if was, err := moment.List(ctx, v, Me, Dev, moment.Point{Version: at}); err != nil || show(was) != want {
				t.Fatalf("state %d is %q, was %q, %v", at, show(was), want, err)
			}
			if _, err := moment.Rollback(ctx, v, Me, Dev, moment.Point{Version: at}, false); err != nil {
				t.Fatalf("rollback to %d: %v", at, err)
			}
			if now, _ := moment.List(ctx, v, Me, Dev, moment.Point{}); show(now) != want {
				t.Fatalf("rollback to %d gave %q, want %q", at, show(now), want)
			}
		}
		if err := v.Verify(ctx); err != nil {
			t.Fatal(err)
		}
	})
}
