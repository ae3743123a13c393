package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs bailey without a terminal and returns what it printed.
func (u *user) run(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := u.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// TestAcceptACutLog: a person can go on after the record was cut; that it was
// stays on record, and the values are whole.
func TestAcceptACutLog(t *testing.T) {
	u := newUser(t, map[string]string{".env": "TOKEN=canary-0123456789\n", "pass": passphrase + "\n"})
	headless := *u
	headless.env = append(u.env[:len(u.env):len(u.env)], "BAILEY_PASSPHRASE_FILE="+filepath.Join(u.dir, "pass"))
	for _, args := range [][]string{{"init", "--yes"}, {"secret", "get", "TOKEN"}} {
		if out, err := headless.run(args...); err != nil {
			t.Fatalf("%s\n%v", out, err)
		}
	}
	c := u.start("audit", "accept")
	c.expect("Passphrase of the vault: ")
	c.send(passphrase + "\n")
	c.expect("the audit log is whole")
	c.exit(1)

	file := filepath.Join(u.home, "audit", "audit.log")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1]
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := headless.run("secret", "get", "TOKEN"); err == nil || !strings.Contains(out, "bailey audit accept") {
		t.Fatalf("%v\n%s", err, out)
	}

	c = u.start("audit", "accept")
	c.expect("Passphrase of the vault: ")
	c.send("not this one\n")
	c.expect("Passphrase of the vault: ")
	c.send(passphrase + "\n")
	c.expect("is missing")
	c.expect("Type accept ")
	c.send("yes\n")
	c.exit(10)
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, b) {
		t.Errorf("the log changed without consent: %v", err)
	}

	c = u.start("audit", "accept")
	c.expect("Passphrase of the vault: ")
	c.send(passphrase + "\n")
	c.expect("Type accept ")
	c.send("accept\n")
	c.expect("the damaged log is kept in")
	c.exit(0)

	if out, err := headless.run("audit", "verify"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := headless.run("secret", "get", "TOKEN"); err != nil || !strings.Contains(out, "canary-0123456789") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := headless.run("audit", "log", "--action", "audit.begin")
	if err != nil || !strings.Contains(out, "is missing") || !strings.Contains(out, "audit.broken-") {
		t.Errorf("the break is not on record: %v\n%s", err, out)
	}
	kept, _ := filepath.Glob(filepath.Join(u.home, "audit.broken-*", "audit.log"))
	if len(kept) != 1 {
		t.Fatalf("kept: %v", kept)
	}
	if old, err := os.ReadFile(kept[0]); err != nil || !bytes.HasPrefix(old, b) {
		t.Errorf("the old log was not kept as it was: %v", err)
	}
}

// TestCodeThatNobodyTookDown: an init that ends while it asks for the recovery
// code leaves a vault that gets a new one.
func TestCodeThatNobodyTookDown(t *testing.T) {
	u := newUser(t, map[string]string{".env": "TOKEN=canary-0123456789\n"})
	first := u.start("init")
	first.expect("New passphrase: ")
	first.send(passphrase + "\n")
	first.expect("Once more: ")
	first.send(passphrase + "\n")
	first.expect("of the code: ")
	a, _ := askedGroups(t, first)
	_ = first.cmd.Process.Kill()
	first.exit(-1)
	if out, err := u.run("status"); err != nil || !strings.Contains(out, "nobody has taken down the recovery code") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(u.dir, ".env")); err != nil {
		t.Fatal(err)
	}
	c := u.start("init")
	c.expect("it gets a new one")
	c.expect("of the code: ")
	x, y := askedGroups(t, c)
	if strings.Contains(c.output(), a+"-") {
		t.Error("the new code has a group of the old one")
	}
	c.send(x + y + "\n")
	c.expect("Remove .env? ")
	c.send("y\n")
	c.exit(0)
	if out, err := u.run("status", "--json"); err != nil || !strings.Contains(out, `"backupVerified": true`) {
		t.Errorf("%v\n%s", err, out)
	}
	done := u.start("init")
	done.expect("nothing to import")
	done.exit(0)
}
