package gateway

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/policy"
)

// run runs a program with a clean environment and returns all its output.
func run(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, need(t, name), args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYENV_ROOT=" + os.Getenv("PYENV_ROOT")}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// connectTo are the arguments that lead curl to the doors.
func (w *world) connectTo() []string {
	var args []string
	for hp := range w.doors {
		args = append(args, "--connect-to", hp+":"+w.door(hp))
	}
	return args
}

func TestCurl(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	curl := func(args ...string) (string, error) {
		return run(t, "", nil, "curl", append(append([]string{"-sS", "--max-time", "20", "--noproxy", "*", "--cacert", w.cafile}, w.connectTo()...), args...)...)
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		got, err := curl(version, "-H", "Authorization: Bearer "+payPlace, "https://pay.test/v1")
		if r, _ := out.last(); err != nil || got != "hello from outside" || r.Header.Get("Authorization") != "Bearer "+payValue {
			t.Errorf("%s: %q, %v", version, got, err)
		}
		got, err = curl(version, "-u", payPlace+":", "-d", "a=b", "https://pay.test/v1")
		if r, body := out.last(); err != nil || r.Header.Get("Authorization") != basicAuth(payValue+":") || body != "a=b" {
			t.Errorf("%s: %q, %v", version, got, err)
		}
		got, err = curl(version, "-w", "%{http_code}", "https://docs.test/?k="+payPlace)
		if err != nil || !strings.HasSuffix(got, "403") || !strings.Contains(got, "Bailey") {
			t.Errorf("%s: %q, %v", version, got, err)
		}
		got, err = curl(version, "-w", "%{http_code}", "-H", "Expect: 100-continue", "-T", w.cafile, "https://pay.test/upload")
		if _, body := out.last(); err != nil || !strings.HasSuffix(got, "200") || body != string(w.CAPEM()) {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
	if got, err := curl("https://docs.test/", "-H", "Host: evil.test", "-w", "%{http_code}"); err != nil || !strings.HasSuffix(got, "421") {
		t.Errorf("fronting: %q, %v", got, err)
	}
	if got, err := curl("https://1.2.3.4/"); err == nil || !strings.Contains(got, "access denied") {
		t.Errorf("literal: %q, %v", got, err)
	}
	if got, err := curl("--http2-prior-knowledge", "http://docs.test/"); err == nil {
		t.Errorf("h2c: %q", got)
	}
	if got, err := run(t, "", nil, "curl", append(w.connectTo(), "-sS", "https://docs.test/")...); err == nil {
		t.Errorf("without the CA: %q", got)
	}
	w.event(TLS, "docs.test:443 (the program does not trust the session's CA)")
	w.noValues()
}

func TestOpenSSL(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	for _, version := range []string{"-tls1_2", "-tls1_3"} {
		cmd := exec.Command(need(t, "openssl"), "s_client", "-connect", w.door("pay.test:443"), "-servername", "pay.test", "-CAfile", w.cafile, "-verify_return_error", "-ign_eof", "-quiet", version)
		cmd.Stdin = strings.NewReader("GET / HTTP/1.1\r\nHost: pay.test\r\nConnection: close\r\n\r\n")
		got, err := cmd.CombinedOutput()
		if err != nil || !bytes.Contains(got, []byte("hello from outside")) {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
	got, _ := run(t, "", nil, "openssl", "s_client", "-connect", w.door("pay.test:443"), "-servername", "evil.test", "-CAfile", w.cafile)
	if !strings.Contains(got, "unrecognized name") {
		t.Errorf("another name: %q", got)
	}
	hashed := t.TempDir() // as the CA stands in /etc/ssl/certs
	if err := os.WriteFile(filepath.Join(hashed, CAHash), w.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _ = run(t, "", nil, "openssl", "s_client", "-connect", w.door("pay.test:443"), "-servername", "pay.test", "-CApath", hashed, "-verify_return_error")
	if !strings.Contains(got, "Verify return code: 0") {
		t.Errorf("hashed directory: %q", got)
	}
}

func TestNode(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	script := fmt.Sprintf(`
const https = require('node:https'), tls = require('node:tls'), net = require('node:net');
const connect = tls.connect;
tls.connect = (o, ...rest) => connect({...o, host: '127.0.0.1', port: %s}, ...rest);
(async () => {
  const r = https.get('https://pay.test/node', {headers: {Authorization: 'Bearer %s'}}, res => {
    res.on('data', d => process.stdout.write('https ' + res.statusCode + ' ' + d + '\n'));
  });
  r.on('error', e => console.log('https ' + e));
})();
`, w.doorPort("pay.test:443"), payPlace)
	got, err := run(t, "", []string{"NODE_EXTRA_CA_CERTS=" + w.cafile}, "node", "-e", script)
	if r, _ := out.last(); err != nil || !strings.Contains(got, "https 200 hello from outside") || r.Header.Get("Authorization") != "Bearer "+payValue {
		t.Errorf("%q, %v", got, err)
	}
	got, _ = run(t, "", nil, "node", "-e", script)
	if !strings.Contains(got, "https Error") {
		t.Errorf("without the CA: %q", got)
	}
	w.event(TLS, "perhaps it does not trust the session's CA")
}

func TestPython(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	script := fmt.Sprintf(`
import http.client, socket, ssl, urllib.request, urllib.error
real = socket.getaddrinfo
def lookup(host, port, *a, **k):
    return real('127.0.0.1', {('pay.test', 443): %s, ('docs.test', 443): %s}[(host, port)], *a, **k)
socket.getaddrinfo = lookup
c = http.client.HTTPSConnection('pay.test', context=ssl.create_default_context())
c.request('GET', '/python', headers={'X-Api-Key': '%s'})
print(c.getresponse().read())
print(urllib.request.urlopen('https://docs.test/urllib').read())
try:
    urllib.request.urlopen('https://docs.test/?k=%s')
except urllib.error.HTTPError as e:
    print(e.code, e.read())
`, w.doorPort("pay.test:443"), w.doorPort("docs.test:443"), payPlace, payPlace)
	got, err := run(t, "", []string{"SSL_CERT_FILE=" + w.cafile}, "python3", "-c", script)
	if err != nil || strings.Count(got, "hello from outside") != 2 || !strings.Contains(got, "403") {
		t.Errorf("%q, %v", got, err)
	}
}

// Wget and git cannot be told to connect elsewhere: see newPortWorld.
func TestWget(t *testing.T) {
	out := &outsideLog{}
	w := newPortWorld(t, out)
	got, err := run(t, "", nil, "wget", "-q", "-O", "-", "--ca-certificate="+w.cafile, "--header=Authorization: Bearer "+payPlace, w.url+"/wget")
	if r, _ := out.last(); err != nil || got != "hello from outside" || r.Header.Get("Authorization") != "Bearer "+payValue {
		t.Errorf("%q, %v", got, err)
	}
}

func TestGit(t *testing.T) {
	root := t.TempDir()
	git := func(dir string, args ...string) (string, error) {
		return run(t, dir, []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}, "git", args...)
	}
	for _, args := range [][]string{{"init", "-q", "--bare", "r.git"}, {"init", "-q", "w"}, {"-C", "w", "commit", "-q", "--allow-empty", "-m", "one"}, {"-C", "w", "push", "-q", "../r.git", "HEAD:main"}, {"-C", "r.git", "config", "http.receivepack", "true"}} {
		if got, err := git(root, args...); err != nil {
			t.Fatalf("git %v: %s %v", args, got, err)
		}
	}
	execPath, err := git(root, "--exec-path")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(execPath), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=x"}}
	if _, err := os.Stat(backend.Path); err != nil {
		t.Skip("git-http-backend is not available: install the whole of git to run this test")
	}
	var authorization atomic.Value
	w := newPortWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		authorization.Store(r.Header.Get("Authorization"))
		backend.ServeHTTP(rw, r)
	}))
	ca := "http.sslCAInfo=" + w.cafile
	extra := "http.extraHeader=Authorization: " + basicAuth("x-access-token:"+payPlace)
	if got, err := git(root, "-c", ca, "-c", extra, "ls-remote", w.url+"/r.git"); err != nil || !strings.Contains(got, "refs/heads/main") || authorization.Load() != basicAuth("x-access-token:"+payValue) {
		t.Errorf("ls-remote: %q, %v", got, err)
	}
	if got, err := git(root, "-c", ca, "clone", "-q", "-b", "main", w.url+"/r.git", "c"); err != nil {
		t.Errorf("clone under a read-only rule: %q, %v", got, err)
	}
	if got, err := git(root, "-c", ca, "-C", "w", "push", "-q", w.url+"/r.git", "HEAD:other"); err == nil || !strings.Contains(got, "403") {
		t.Errorf("push under a read-only rule: %q, %v", got, err)
	}
	w.mu.Lock()
	w.rules = slices.Clone(w.rules)
	w.rules[0].Access = policy.Write
	w.mu.Unlock()
	if got, err := git(root, "-c", ca, "-C", "w", "push", "-q", w.url+"/r.git", "HEAD:other"); err != nil {
		t.Errorf("push under a write rule: %q, %v", got, err)
	}
}

// portWorld is a world in which localhost on some port is a destination and a
// door at once, so that programs need not be told where to connect.
type portWorld struct {
	*world
	url string
}

func newPortWorld(t *testing.T, handler http.Handler) *portWorld {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	w := newWorldAt(t, handler, l, "localhost", port)
	return &portWorld{world: w, url: fmt.Sprintf("https://localhost:%d", port)}
}
