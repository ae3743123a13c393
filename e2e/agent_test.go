package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// realKey is the one key that the upstream accepts. The scripts write it into
// a .env; whatever shows it inside a sandbox has leaked it.
const realKey = "key_live_CANARY4eC39HqLyjWDarjtT1zdp7dc"

// TestAgent runs the scripts about sandboxes. They need Linux, and curl, git,
// node, python3 and wget in the system's own directories.
func TestAgent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sandboxes need Linux")
	}
	for _, dir := range []string{"agent", "leak", "deny", "escape"} {
		t.Run(dir, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: "testdata/" + dir, Setup: setUpAgent, RequireExplicitExec: true,
				Condition: condition,
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"noleak": noLeak, "eventually": eventually, "status": status, "received": received,
					"parallel": parallel, "kill9": kill9, "gone": gone, "terminal": terminal,
				},
			})
		})
	}
}

func condition(name string) (bool, error) {
	if name == "root" {
		return os.Getuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", name)
}

// upstream plays the hosts api.test, docs.test and git.test on one port, with an
// authority of its own. It believes only the real key.
type upstream struct {
	mu  sync.Mutex
	log []string
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, _, _ := r.BasicAuth()
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	got := "no key"
	switch realKey {
	case key, user, r.URL.Query().Get("key"):
		got = "the key"
	default:
		if key != "" {
			got = "another key"
		}
	}
	u.mu.Lock()
	u.log = append(u.log, fmt.Sprintf("%s %s %s %s", r.Host, r.Method, r.URL.Path, got))
	u.mu.Unlock()
	switch {
	case r.URL.Path == "/echo":
		echo(w, r)
	case strings.HasSuffix(r.URL.Path, "/info/refs"):
		advertise(w, got)
	case got == "the key":
		fmt.Fprintln(w, "paid")
	default:
		fmt.Fprintln(w, "hello from", r.Host)
	}
}

// echo sends back every header and the query, compressed when asked.
func echo(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	for name, values := range r.Header {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(values, ", "))
		w.Header().Set("X-Echo-"+name, strings.Join(values, ", "))
	}
	fmt.Fprintln(&b, r.URL.RawQuery)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(b.Bytes())
		_ = z.Close()
		return
	}
	_, _ = w.Write(b.Bytes())
}

// advertise answers "git ls-remote" (gitprotocol-http, smart clients).
func advertise(w http.ResponseWriter, got string) {
	if got != "the key" {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	line := strings.Repeat("a", 40) + " refs/heads/main\x00 agent=test\n"
	fmt.Fprintf(w, "001e# service=git-upload-pack\n0000%04x%s0000", len(line)+4, line)
}

func setUpAgent(env *testscript.Env) error {
	if err := setUp(env); err != nil {
		return err
	}
	u := &upstream{}
	srv := httptest.NewUnstartedServer(u)
	pair, ca, err := certificate("api.test", "docs.test", "git.test", "evil.test")
	if err != nil {
		return err
	}
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	env.Defer(srv.Close)
	file := filepath.Join(env.WorkDir, "ca.pem")
	if err := os.WriteFile(file, ca, 0o644); err != nil {
		return err
	}
	config := "upstreams:\n"
	for _, host := range []string{"api.test", "docs.test", "git.test", "evil.test"} {
		config += fmt.Sprintf("  - {host: %s, at: %q, ca: %s}\n", host, srv.Listener.Addr(), file)
	}
	own := env.Getenv("BAILEY_HOME")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return err
	}
	env.Values["upstream"] = u
	env.Setenv("KEY", realKey)
	env.Setenv("PATH", systemPath(env.Getenv("PATH")))
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("BAILEY_PASSPHRASE_FILE", env.Getenv("PASS"))
	return os.WriteFile(filepath.Join(own, "config.yaml"), []byte(config), 0o600)
}

// systemPath keeps the directory of the command under test and the system's:
// what a developer has in front of them is not what the scripts are about.
func systemPath(path string) string {
	kept := filepath.SplitList(path)[:1]
	for _, dir := range filepath.SplitList(path)[1:] {
		if strings.HasPrefix(dir, "/usr/") || strings.HasPrefix(dir, "/bin") || strings.HasPrefix(dir, "/sbin") {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(filepath.ListSeparator))
}

// certificate makes an authority and a certificate of it for the names.
func certificate(names ...string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "upstream"}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// received LINE checks that the upstream saw such a request:
// "HOST METHOD PATH (the key|another key|no key)"; with ! that it saw none.
func received(ts *testscript.TestScript, neg bool, args []string) {
	u := ts.Value("upstream").(*upstream)
	u.mu.Lock()
	defer u.mu.Unlock()
	want := strings.Join(args, " ")
	for _, line := range u.log {
		if strings.HasPrefix(line, want) {
			if neg {
				ts.Fatalf("upstream received %q", line)
			}
			return
		}
	}
	if !neg {
		ts.Fatalf("upstream received no %q, but %q", want, u.log)
	}
}

// parallel N COMMAND... runs the command N times at once; all must succeed.
func parallel(ts *testscript.TestScript, neg bool, args []string) {
	var n int
	if _, err := fmt.Sscan(args[0], &n); err != nil || neg {
		ts.Fatalf("usage: parallel N COMMAND...")
	}
	program, err := exec.LookPath(args[1])
	if args[1] == "bailey" {
		program, err = lookIn(ts.Getenv("PATH"), "bailey")
	}
	ts.Check(err)
	failures := make(chan string, n)
	for range n {
		go func() {
			cmd := exec.Command(program, args[2:]...)
			cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
			out, err := cmd.CombinedOutput()
			if err != nil {
				failures <- fmt.Sprintf("%v: %s", err, out)
				return
			}
			failures <- ""
		}()
	}
	for range n {
		if f := <-failures; f != "" {
			ts.Logf("%s", f)
			defer ts.Fatalf("one of %d failed: %s", n, f)
		}
	}
}

func lookIn(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", exec.ErrNotFound
}

func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "PASS", "BAILEY_HOME", "BAILEY_PASSPHRASE_FILE", "GORACE", "WORK", "TMPDIR", "OPENAI_API_KEY"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// kill9 FILE kills the process whose number stands in FILE.
func kill9(ts *testscript.TestScript, neg bool, args []string) {
	var pid int
	if _, err := fmt.Sscan(ts.ReadFile(args[0]), &pid); err != nil || neg {
		ts.Fatalf("kill9: no process number in %s", args[0])
	}
	ts.Check(syscall.Kill(pid, syscall.SIGKILL))
}

// gone TEXT waits until no process has TEXT in its command line, at most one
// second; with ! it checks that there is one.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(time.Second)
	for {
		found := commandLines(args[0])
		if neg {
			if len(found) == 0 {
				ts.Fatalf("no process %q: the check proves nothing", args[0])
			}
			return
		}
		if len(found) == 0 {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still alive: %q", found)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func commandLines(text string) []string {
	var found []string
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil && strings.Contains(strings.ReplaceAll(string(b), "\x00", " "), text) {
			found = append(found, f)
		}
	}
	return found
}

// terminal COMMAND... runs the command with a terminal for all three of its
// descriptors; what it showed is in the file "screen".
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	screen := ts.MkAbs("screen")
	err := ts.Exec("script", "-qec", strings.Join(quoted, " "), screen)
	if (err == nil) == neg {
		ts.Fatalf("terminal: %v", err)
	}
}
