package manifest

import (
	"os"
	"path/filepath"
	"testing"
)

func mkdir(t *testing.T, parts ...string) string {
	t.Helper()
	dir := filepath.Join(parts...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConfirmedIsBoundToContentAndRepository(t *testing.T) {
	t.Setenv("BAILEY_HOME", t.TempDir())
	a, b := t.TempDir(), t.TempDir()
	if Confirmed(a, "h1") {
		t.Fatal("confirmed before anybody did")
	}
	if err := Confirm(a, "h1"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		root, hash string
		want       bool
	}{{a, "h1", true}, {a, "h2", false}, {b, "h1", false}, {a, "", false}} {
		if got := Confirmed(c.root, c.hash); got != c.want {
			t.Errorf("Confirmed(%s, %q) = %v", c.root, c.hash, got)
		}
	}
}

func TestBind(t *testing.T) {
	t.Setenv("BAILEY_HOME", t.TempDir())
	root := t.TempDir()
	if _, ok := Bound(root); ok {
		t.Fatal("bound before anybody did")
	}
	if err := Bind(root, "shop"); err != nil {
		t.Fatal(err)
	}
	if p, ok := Bound(root); !ok || p != "shop" {
		t.Errorf("Bound = %s, %v", p, ok)
	}
	if err := Unbind(root); err != nil {
		t.Fatal(err)
	}
	if err := Unbind(root); err != nil {
		t.Errorf("second Unbind: %v", err)
	}
	if _, ok := Bound(root); ok {
		t.Error("still bound")
	}
}

// worktree lays out a clone and a linked worktree as git does.
func worktree(t *testing.T) (main, linked string) {
	main, linked = t.TempDir(), t.TempDir()
	admin := mkdir(t, main, ".git/worktrees/two")
	put(t, filepath.Join(admin, "gitdir"), filepath.Join(linked, ".git")+"\n")
	put(t, filepath.Join(admin, "commondir"), "../..\n")
	put(t, filepath.Join(linked, ".git"), "gitdir: "+admin+"\n")
	return main, linked
}

func TestWorktreesAreOneRepository(t *testing.T) {
	main, linked := worktree(t)
	if Repository(main) != Repository(linked) {
		t.Errorf("%s and %s differ", Repository(main), Repository(linked))
	}
}

func TestForgedGitFileIsNotBelieved(t *testing.T) {
	main, _ := worktree(t)
	forged := t.TempDir()
	put(t, filepath.Join(forged, ".git"), "gitdir: "+filepath.Join(main, ".git/worktrees/two")+"\n")
	if Repository(forged) == Repository(main) {
		t.Error("a checkout became another repository by writing a .git file")
	}
	if Repository(forged) != forged {
		t.Errorf("Repository = %s", Repository(forged))
	}
}
