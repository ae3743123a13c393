package mint

import (
	"crypto/x509"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestHash(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not available: install it to run this test")
	}
	ca, err := New()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(openssl, "x509", "-noout", "-hash")
	cmd.Stdin = strings.NewReader(string(ca.PEM()))
	got, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(got))+".0" != Hash {
		t.Errorf("openssl says %q, the constant %q, %v", got, Hash, err)
	}
	if ca.cert.Subject.String() != "CN="+Name {
		t.Errorf("subject %s", ca.cert.Subject)
	}
}

func TestCertificate(t *testing.T) {
	ca, err := New()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM())
	for _, name := range []string{"pay.test", strings.Repeat("a.", 100) + "test", "1.2.3.4", "2606:4700::1111"} {
		c, err := ca.Certificate(name)
		if err != nil {
			t.Fatal(err)
		}
		opts := x509.VerifyOptions{Roots: pool, DNSName: name}
		if a, err := netip.ParseAddr(name); err == nil {
			opts.DNSName = "[" + a.String() + "]"
		}
		if _, err := c.Leaf.Verify(opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Leaf.VerifyHostname("other.test"); err == nil {
			t.Errorf("%s is also good for other.test", name)
		}
		if again, _ := ca.Certificate(name); again != c {
			t.Errorf("%s is issued anew each time", name)
		}
	}
	old := ca.issued["pay.test"]
	old.Leaf.NotBefore = time.Now().Add(-leafLife)
	if c, _ := ca.Certificate("pay.test"); c == old {
		t.Error("an old certificate is handed out")
	}
}
