package seal

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/secret"
)

// way is a way to seal: how a sealer is made, and what opens its files. With
// wrong it is what somebody else has.
type way struct {
	sealer Sealer
	opener func(t *testing.T, sealed []byte, wrong bool) Sealer
}

// ways are all there are; each is put through the same suite.
var ways = map[string]func(t *testing.T) way{
	"passphrase": func(*testing.T) way { return symmetric(pass("correct horse"), pass("correct house")) },
	"recovery":   func(t *testing.T) way { return symmetric(Recovery(code(t)), Recovery(code(t))) },
	"shares":     sharesWay,
	"age": func(t *testing.T) way {
		mine, theirs := x25519(t), x25519(t)
		return byKey(mine.Recipient(), mine, theirs)
	},
	"postquantum": func(t *testing.T) way {
		mine, theirs := hybrid(t), hybrid(t)
		return byKey(mine.Recipient(), mine, theirs)
	},
	"ssh": func(t *testing.T) way {
		to, mine := sshPair(t, "")
		_, theirs := sshPair(t, "")
		return byKey(to, mine, theirs)
	},
	"ssh with passphrase": func(t *testing.T) way {
		to, mine := sshPair(t, "hunter22")
		_, theirs := sshPair(t, "hunter22")
		return byKey(to, mine, theirs)
	},
	"keyring":      keyringWay,
	"tpm":          func(t *testing.T) way { return tpmWay(t, nil) },
	"tpm with PIN": func(t *testing.T) way { return tpmWay(t, []byte("1234")) },
}

func TestConformance(t *testing.T) {
	for name, start := range ways {
		t.Run(name, func(t *testing.T) { conform(t, start(t)) })
	}
}

func conform(t *testing.T, w way) {
	root := newRoot(t)
	sealed, err := w.sealer.Seal(root)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, root) {
		t.Error("the root key is readable")
	}
	if got, err := w.opener(t, sealed, false).Open(sealed); err != nil || !bytes.Equal(got, root) {
		t.Fatalf("it does not open: %v", err)
	}
	if o := w.opener(t, sealed, true); o != nil {
		if _, err := o.Open(sealed); !errors.Is(err, ErrWrong) {
			t.Errorf("somebody else's gave %v", err)
		}
	}
	again, err := w.sealer.Seal(root)
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("sealed twice alike, %v", err)
	}
	for i := 0; i < len(sealed); i += 1 + len(sealed)/31 {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		if got, err := w.opener(t, sealed, false).Open(b); err == nil && !bytes.Equal(got, root) {
			t.Errorf("with byte %d changed it opens as another key", i)
		}
	}
	for _, b := range [][]byte{nil, sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0), make([]byte, 1<<20)} {
		if _, err := w.opener(t, sealed, false).Open(b); err == nil {
			t.Errorf("%d bytes of something else were opened", len(b))
		}
	}
	if _, err := w.sealer.Seal(root[:31]); err == nil {
		t.Error("a root key of 31 bytes was sealed")
	}
}

func symmetric(right, wrong Sealer) way {
	return way{right, func(_ *testing.T, _ []byte, w bool) Sealer {
		if w {
			return wrong
		}
		return right
	}}
}

func byKey(to age.Recipient, mine, theirs age.Identity) way {
	return way{ForKey("laptop", to, Note{How: HowKey, Data: []byte("x")}), func(t *testing.T, sealed []byte, wrong bool) Sealer {
		t.Helper()
		if wrong {
			if _, err := FileKey(sealed, theirs); !errors.Is(err, ErrWrong) {
				t.Errorf("somebody else's key gave %v", err)
			}
			return WithFileKey("laptop", secret.NewValue(make([]byte, FileKeySize)))
		}
		return withFileKey(t, sealed, mine)
	}}
}

func withFileKey(t *testing.T, sealed []byte, id age.Identity) Sealer {
	t.Helper()
	key, err := FileKey(sealed, id)
	if err != nil {
		t.Fatal(err)
	}
	return WithFileKey("laptop", key)
}

func x25519(t *testing.T) *age.X25519Identity {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func hybrid(t *testing.T) *age.HybridIdentity {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sshPair(t *testing.T, passphrase string) (age.Recipient, age.Identity) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	private, _ := os.ReadFile(path)
	public, _ := os.ReadFile(path + ".pub")
	ask := &agekey.Asker{Secret: func(string) ([]byte, error) { return []byte(passphrase), nil }}
	ids, err := agekey.Identities(private, path, ask)
	if err != nil {
		t.Fatal(err)
	}
	to, err := agekey.Recipient(string(public), nil)
	if err != nil {
		t.Fatal(err)
	}
	return to, ids[0]
}

func sharesWay(t *testing.T) way {
	text, all, err := NewShares(5, 3)
	if err != nil {
		t.Fatal(err)
	}
	parsed := make([]secret.Value, len(all))
	for i, s := range all {
		typed := strings.ToLower(strings.ReplaceAll(string(s.Reveal()), "-", " "))
		var need int
		if parsed[i], need, err = ParseShare(typed); err != nil || need != 3 {
			t.Fatalf("%d, %v", need, err)
		}
	}
	if _, err := CombineShares(parsed[:2]); !errors.Is(err, ErrShare) {
		t.Errorf("two of three shares: %v", err)
	}
	combined, err := CombineShares([]secret.Value{parsed[4], parsed[0], parsed[2]})
	if err != nil || !combined.Equal(text) {
		t.Errorf("three of five: %v", err)
	}
	_, others, _ := NewShares(3, 3)
	other, _, _ := ParseShare(string(others[0].Reveal()))
	if c, err := CombineShares([]secret.Value{parsed[0], parsed[1], other}); err == nil && c.Equal(text) {
		t.Error("a share of another set counted")
	}
	wrong, _, _ := NewShares(2, 2)
	return symmetric(Shared(combined), Shared(wrong))
}

// Any one wrong character of a share is noticed before it is used.
func TestMistypedShare(t *testing.T) {
	_, all, err := NewShares(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	s := all[0].Reveal()
	for i := range s {
		if s[i] == '-' {
			continue
		}
		b := bytes.Clone(s)
		b[i] = digits[(strings.IndexByte(digits, b[i])+7)%32]
		if _, _, err := ParseShare(string(b)); !errors.Is(err, ErrShare) {
			t.Errorf("character %d: %v", i, err)
		}
	}
}

func tpmWay(t *testing.T, pin []byte) way {
	path := startTPM(t)
	to, n, err := KeepInTPM(path, pin)
	if err != nil {
		t.Fatal(err)
	}
	if NeedsPIN(n) != (pin != nil) {
		t.Error("it does not know whether it needs a PIN")
	}
	other := startTPM(t)
	return way{ForKey("laptop", to, n), func(t *testing.T, sealed []byte, wrong bool) Sealer {
		note, ok := ReadNote(sealed)
		if !ok || note.How != HowTPM {
			t.Fatal("no note in the file")
		}
		if wrong {
			if _, err := TPMIdentity(other, note, pin); err == nil {
				t.Error("another machine's TPM opened it")
			}
			if pin != nil {
				if _, err := TPMIdentity(path, note, []byte("4321")); !errors.Is(err, ErrWrong) {
					t.Errorf("a wrong PIN gave %v", err)
				}
			}
			return nil
		}
		id, err := TPMIdentity(path, note, pin)
		if err != nil {
			t.Fatal(err)
		}
		return withFileKey(t, sealed, id)
	}}
}

// startTPM runs swtpm, a TPM 2.0 in software, on a socket.
func startTPM(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		t.Skip("no swtpm: script/setup test installs it")
	}
	dir, err := os.MkdirTemp("", "swtpm-") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "tpm")
	start(t, exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+dir, "--flags", "not-need-init,startup-clear",
		"--server", "type=unixio,path="+path))
	for deadline := time.Now().Add(20 * time.Second); ; {
		if conn, err := net.Dial("unix", path); err == nil {
			_ = conn.Close()
			return path
		}
		if time.Now().After(deadline) {
			t.Fatal("swtpm does not start")
		}
	}
}

func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	endWithUs(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func keyringWay(t *testing.T) way {
	startKeyring(t)
	to, n, forget, err := KeepInKeyring(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(forget)
	return way{ForKey("laptop", to, n), func(t *testing.T, sealed []byte, wrong bool) Sealer {
		note, ok := ReadNote(sealed)
		if !ok || note.How != HowKeyring {
			t.Fatal("no note in the file")
		}
		if wrong {
			note.Data = []byte("another")
			if _, err := KeyringIdentity(t.Context(), note); err == nil {
				t.Error("an item that is not there was found")
			}
			return nil
		}
		id, err := KeyringIdentity(t.Context(), note)
		if err != nil {
			t.Fatal(err)
		}
		return withFileKey(t, sealed, id)
	}}
}

// startKeyring runs a real Secret Service on a bus of its own.
func startKeyring(t *testing.T) {
	t.Helper()
	for _, p := range []string{"dbus-daemon", "gnome-keyring-daemon"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip("no " + p + ": script/setup test installs it")
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_DATA_HOME", filepath.Join(home, "data"))
	t.Setenv("XDG_RUNTIME_DIR", home)
	conf := filepath.Join(home, "bus.conf") // one that starts no services by itself: they would outlive the test
	if err := os.WriteFile(conf, []byte(strings.ReplaceAll(busConf, "HERE", home)), 0o600); err != nil {
		t.Fatal(err)
	}
	bus := exec.Command("dbus-daemon", "--config-file="+conf, "--nofork", "--print-address=1")
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, bus)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	daemon := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	daemon.Stdin = strings.NewReader("login")
	start(t, daemon)
	for deadline := time.Now().Add(20 * time.Second); ; {
		ask := exec.Command("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
			"/org/freedesktop/secrets/collection/login", "org.freedesktop.DBus.Peer.Ping")
		if ask.Run() == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the keyring does not start")
		}
	}
}

const busConf = `<busconfig><type>session</type><listen>unix:tmpdir=HERE</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`

func TestWithoutAKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if HasKeyring() {
		t.Skip("this system always has a keyring")
	}
	if _, _, _, err := KeepInKeyring(t.Context()); !errors.Is(err, ErrNoKeyring) {
		t.Error(err)
	}
	if _, _, err := KeepInTPM(filepath.Join(t.TempDir(), "none"), nil); err == nil || !strings.Contains(err.Error(), "no TPM") {
		t.Error(err)
	}
}
