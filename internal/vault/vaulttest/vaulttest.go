// Package vaulttest makes vaults for the tests of the packages around package
// vault. It is not for the program: its seal costs nothing and protects
// nothing. Invariant: what it makes lies in the test's own directory.
package vaulttest

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
)

// Me is the caller in tests.
var Me = vault.Caller{Actor: "test", Pid: 1}

// Dev is the root folder of the environment that most tests use.
var Dev = vault.Place{Project: "shop", Environment: "development", Path: "/"}

// Seal hides nothing.
type Seal struct{}

// Kind is that of a passphrase.
func (Seal) Kind() string { return "passphrase" }

// Seal turns the bytes around, so that the file is not the key itself.
func (Seal) Seal(root []byte) ([]byte, error) {
	out := bytes.Clone(root)
	for i := range out {
		out[i] ^= 0xff
	}
	return out, nil
}

// Open turns them back.
func (s Seal) Open(sealed []byte) ([]byte, error) { return s.Seal(sealed) }

// New makes an unlocked vault with the project shop, in dir.
func New(t testing.TB, dir string) *vault.Vault {
	t.Helper()
	v, log, err := vault.Make(t.Context(), vault.Dirs{Vault: filepath.Join(dir, "vault"), Audit: filepath.Join(dir, "audit")}, Me, Seal{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close(); log.Close() })
	if _, err := v.CreateProject(t.Context(), Me, "shop", "Shop"); err != nil {
		t.Fatal(err)
	}
	return v
}

// Set writes a value that may hold references, and makes its folder.
func Set(t testing.TB, v *vault.Vault, p vault.Place, name, value string) vault.Secret {
	t.Helper()
	if _, err := v.CreateFolder(t.Context(), Me, p); err != nil {
		t.Fatal(err)
	}
	val := secret.NewValue([]byte(value))
	s, err := v.Set(t.Context(), Me, p, vault.Change{Name: secret.Name(name), Value: &val, References: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// In is the folder of an environment of shop.
func In(environment, path string) vault.Place {
	return vault.Place{Project: "shop", Environment: environment, Path: path}
}
