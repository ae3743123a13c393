package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/source/sourcetest"
)

func open(t *testing.T, w source.World, address string) source.Source {
	t.Helper()
	a, err := source.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if w.Lookup == nil {
		w.Lookup = variables(nil)
	}
	s, err := w.Open(a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func variables(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

// suite runs the conformance suite on an address in a world.
func suite(t *testing.T, w source.World, address string, text bool) {
	t.Helper()
	sourcetest.Run(t, sourcetest.Place{
		Source: open(t, w, address).(source.Writer), Text: text,
		Again: func() source.Source { return open(t, w, address) },
	})
}

// keyed is a world with a key of its own.
func keyed(t *testing.T) (source.World, *age.X25519Identity) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return source.World{
		Root: t.TempDir(), Home: t.TempDir(), Recipients: []age.Recipient{id.Recipient()},
		Identities: func() ([]age.Identity, error) { return []age.Identity{id}, nil },
		Keep: func(string, [][]string) sops.Keeper {
			return sops.Keeper{Known: func(sops.KeyMark) bool { return true }}
		},
	}, id
}

func TestFiles(t *testing.T) {
	for _, name := range []string{"dotenv:a.env", "dotenv:~/b.env", "age:c.env.age", "age:d.json.age", "age:e.yaml.age"} {
		t.Run(name, func(t *testing.T) {
			w, _ := keyed(t)
			suite(t, w, name, strings.Contains(name, "json") || strings.Contains(name, "yaml"))
		})
	}
}

func TestSops(t *testing.T) {
	for _, name := range []string{"a.yaml", "b.json"} {
		t.Run(name, func(t *testing.T) {
			w, id := keyed(t)
			parse := func(s string) (age.Recipient, error) { return agekey.Recipient(s, nil) }
			plan := sops.Plan{Groups: [][]string{{id.Recipient().String()}}, Selector: sops.Selector{EncryptedRegex: "."}}
			empty, err := sops.Plain(sops.FormatOf(name), nil)
			if err != nil {
				t.Fatal(err)
			}
			b, err := sops.Encrypt(sops.FormatOf(name), empty, plan, parse)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(w.Root, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
			suite(t, w, "sops:"+name, true)
		})
	}
}

// A change keeps what a person wrote around the values.
func TestDotenvKeepsItsComments(t *testing.T) {
	w, _ := keyed(t)
	path := filepath.Join(w.Root, ".env")
	if err := os.WriteFile(path, []byte("# ours\nexport A='one' # first\nB=two\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	s := open(t, w, "dotenv:.env").(source.Writer)
	if err := s.Write(t.Context(), list(sourcetest.Item("A", "1"), sourcetest.Item("C", "3"))); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(b) != "# ours\nexport A='1' # first\nB=two\nC=3\n" || info.Mode().Perm() != 0o640 {
		t.Errorf("%s %q", info.Mode(), b)
	}
	if err := os.WriteFile(path, []byte("A=one\nB=\"${A}x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), list(sourcetest.Item("A", "1"))); err != nil {
		t.Fatal(err)
	}
	items, err := s.Read(t.Context())
	if err != nil || !source.Same(items, list(sourcetest.Item("A", "1"), sourcetest.Item("B", "onex"))) {
		t.Errorf("a value that refers to the changed one: %v", err)
	}
}

// What an agent can make of a file in the project is not followed.
func TestNoLinkOutOfTheProject(t *testing.T) {
	w, _ := keyed(t)
	outside := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(outside, []byte("A="+sourcetest.Canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "sub"} {
		root := filepath.Join(w.Root, dir)
		_ = os.Mkdir(root, 0o700)
		if err := os.Symlink(outside, filepath.Join(root, "link.env")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{filepath.Join(dir, "link.env"), filepath.Join(root, "link.env")} {
			if _, err := open(t, w, "dotenv:"+name).Read(t.Context()); err == nil || strings.Contains(err.Error(), sourcetest.Canary) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if items, err := open(t, w, "dotenv:"+outside).Read(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("the file itself: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	w := source.World{Names: []secret.Name{"B", "A", "UNSET"}, Lookup: variables(map[string]string{"A": "1", "B": "", "OTHER": "x"})}
	items, err := open(t, w, "environment:").Read(t.Context())
	if err != nil || !source.Same(items, list(sourcetest.Item("A", "1"), sourcetest.Item("B", ""))) {
		t.Errorf("%v, %v", items, err)
	}
	w.Names = nil
	if _, err := open(t, w, "environment:").Read(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("nothing set: %v", err)
	}
}

// vaultAt is a vault of Bailey's, opened for the test.
func vaultAt(t *testing.T) (*server.Server, *api.Client) {
	t.Helper()
	dir := t.TempDir()
	s := server.New(server.Options{VaultDir: filepath.Join(dir, "vault"), AuditDir: filepath.Join(dir, "audit"), Version: "test", Cost: 1, Logf: t.Logf})
	t.Cleanup(func() { _ = s.Close() })
	c := api.New(s.Transport(), api.LocalBase)
	if _, err := c.CreateVault(t.Context(), secret.NewValue([]byte("correct horse battery"))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestOwnVault(t *testing.T) {
	_, c := vaultAt(t)
	suite(t, source.World{Own: c, Project: "shop"}, "bailey:staging", false)
	if _, err := open(t, source.World{Own: c, Project: "shop"}, "bailey:nowhere").Read(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("no such environment: %v", err)
	}
}
