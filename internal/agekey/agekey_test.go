package agekey

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// A copy of the test program serves as the plugin age-plugin-baileytest: its
// file key is wrapped with nothing, and it asks for a PIN before it unwraps.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "age-plugin-baileytest" {
		os.Exit(m.Run())
	}
	p, err := plugin.New("baileytest")
	if err != nil {
		panic(err)
	}
	p.HandleRecipient(func([]byte) (age.Recipient, error) { return clear1{}, nil })
	p.HandleIdentity(func([]byte) (age.Identity, error) { return clear1{p}, nil })
	os.Exit(p.Main())
}

type clear1 struct{ p *plugin.Plugin }

func (clear1) Wrap(key []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: "baileytest", Body: key}}, nil
}

func (c clear1) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == "baileytest" {
			if pin, err := c.p.RequestValue("PIN", true); err != nil || pin != "1234" {
				return nil, fmt.Errorf("the PIN is wrong")
			}
			return s.Body, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func installPlugin(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "age-plugin-baileytest")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestPlugin(t *testing.T) {
	installPlugin(t)
	recipient := plugin.EncodeRecipient("baileytest", []byte("r"))
	identity := plugin.EncodeIdentity("baileytest", []byte("i"))
	r, err := Recipient(recipient, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := Encrypt([]byte("canary"), false, r)
	if err != nil {
		t.Fatal(err)
	}
	for pin, opens := range map[string]bool{"1234": true, "4321": false} {
		asked := ""
		ask := &Asker{Secret: func(prompt string) ([]byte, error) { asked = prompt; return []byte(pin), nil }}
		ids, err := Identities([]byte(identity), "x", ask)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Decrypt(file, 100, ids...)
		if (err == nil) != opens || opens && string(plain) != "canary" {
			t.Errorf("PIN %s: %v, %q", pin, err, plain)
		}
		if !strings.Contains(asked, "age-plugin-baileytest: PIN") {
			t.Errorf("asked %q", asked)
		}
	}
	ids, _ := Identities([]byte(identity), "x", nil)
	if _, err := Decrypt(file, 100, ids...); err == nil {
		t.Error("opened without anybody to ask")
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Decrypt(file, 100, ids...); err == nil || !strings.Contains(err.Error(), "baileytest") {
		t.Errorf("without the plugin: %v", err)
	}
}

// Each kind of key encrypts and decrypts, alone and in company.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	secret := func(string) ([]byte, error) { return []byte("hunter22"), nil }
	ask := &Asker{Secret: secret}
	type pair struct{ recipient, identity string }
	kinds := map[string]pair{
		"native":      {x.Recipient().String(), "# a comment\n\n" + x.String() + "\n"},
		"postquantum": {pq.Recipient().String(), pq.String()},
	}
	for name, args := range map[string][]string{
		"ed25519": {"-t", "ed25519", "-N", ""}, "rsa": {"-t", "rsa", "-N", ""}, "locked": {"-t", "ed25519", "-N", "hunter22"},
	} {
		path := filepath.Join(dir, name)
		if out, err := exec.Command("ssh-keygen", append([]string{"-q", "-f", path}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		public, _ := os.ReadFile(path + ".pub")
		private, _ := os.ReadFile(path)
		kinds[name] = pair{string(public), string(private)}
	}
	var all []age.Recipient
	for name, p := range kinds {
		r, err := Recipient(p.recipient, ask)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != "postquantum" { // it keeps no company that is less
			all = append(all, r)
		}
		ids, err := Identities([]byte(p.identity), name, ask)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, armored := range []bool{false, true} {
			file, err := Encrypt([]byte("canary"), armored, r)
			if err != nil || Armored(file) != armored || !Is(file) {
				t.Fatalf("%s: %v", name, err)
			}
			if plain, err := Decrypt(file, 6, ids...); err != nil || string(plain) != "canary" {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := Decrypt(file, 5, ids...); err == nil {
				t.Errorf("%s: more than asked for was returned", name)
			}
		}
		if own, ok := RecipientOf(ids[0]); !ok {
			t.Errorf("%s: no recipient of the identity", name)
		} else if file, err := Encrypt([]byte("x"), false, own); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, err := Decrypt(file, 1, ids...); err != nil {
			t.Errorf("%s: its own recipient: %v", name, err)
		}
	}
	file, err := Encrypt([]byte("canary"), true, all...)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range kinds {
		ids, _ := Identities([]byte(p.identity), name, ask)
		if _, err := Decrypt(file, 6, ids...); (err == nil) != (name != "postquantum") {
			t.Errorf("%s in company: %v", name, err)
		}
	}
}

func TestIdentitiesUnderAPassphrase(t *testing.T) {
	x, _ := age.GenerateX25519Identity()
	r, _ := age.NewScryptRecipient("hunter22")
	r.SetWorkFactor(4)
	for _, armored := range []bool{false, true} {
		file, err := Encrypt([]byte(x.String()), armored, r)
		if err != nil {
			t.Fatal(err)
		}
		for p, want := range map[string]bool{"hunter22": true, "wrong": false, "": false} {
			ids, err := Identities(file, "keys.txt", &Asker{Secret: func(string) ([]byte, error) { return []byte(p), nil }})
			if (err == nil) != want || want && len(ids) != 1 {
				t.Errorf("%q: %v", p, err)
			}
		}
	}
}

// No error may hold a private key or a part of one.
func TestErrorsHoldNoKey(t *testing.T) {
	x, _ := age.GenerateX25519Identity()
	secret := x.String()
	damaged := secret[:len(secret)-4] + "QQQQ"
	for _, s := range []string{damaged, secret + "x", "x" + secret, "AGE-PLUGIN-" + secret, "-----BEGIN OPENSSH PRIVATE KEY-----\n" + secret} {
		_, err := Identities([]byte(s), "f", nil)
		if err == nil || strings.Contains(err.Error(), secret[20:30]) {
			t.Errorf("%v", err)
		}
		if _, err = Recipient(s, nil); err == nil || strings.Contains(err.Error(), secret[20:30]) {
			t.Errorf("%v", err)
		}
	}
	if _, err := Identities(bytes.Repeat([]byte("\n"), maxText+1), "f", nil); err == nil {
		t.Error("read without bound")
	}
}

func FuzzDecrypt(f *testing.F) {
	x, _ := age.ParseX25519Identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
	if x == nil {
		f.Fatal("the key is not read")
	}
	file, err := Encrypt([]byte("canary"), true, x.Recipient())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, err := Decrypt(b, 100, x)
		if err == nil && string(plain) != "canary" {
			t.Errorf("%q", plain)
		}
		if err != nil && plain != nil {
			t.Error("something of a damaged file was returned")
		}
		if errors.Is(err, ErrNoMatch) && errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	})
}
