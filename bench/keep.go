package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// door is a way to ask the vault, and beside it one to a stub: a bare server
// that answers with the same bytes and knows nothing.
type door struct {
	client, bare *http.Client
	base, stub   string
}

// keep is an open vault behind its two doors: the daemon's socket, and the
// address of bailey server.
type keep struct {
	w            *world
	socket, wire door
	stub         *stub
	pid          int // of the daemon
	project      string
	login        []byte // body of a login
}

func newKeep(ctx context.Context, o options) (*keep, error) {
	bailey, err := filepath.Abs(o.bailey)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bailey-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, home: filepath.Join(dir, "home"), project: filepath.Join(dir, "home", "bench"), bailey: bailey}
	k := &keep{w: w}
	err = errors.Join(os.MkdirAll(w.project, 0o755), os.MkdirAll(w.baileyHome(), 0o700),
		os.WriteFile(w.passphraseFile(), []byte(passphrase), 0o600), w.put(".env", "FIRST="+key+"\n"))
	for _, step := range []func(context.Context) error{w.initialise, w.startDaemon, k.openSocket, k.startServer, k.startStub} {
		if err == nil {
			err = step(ctx)
		}
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return k, nil
}

// openSocket finds the daemon and the project's id.
func (k *keep) openSocket(ctx context.Context) error {
	k.pid = k.w.children[0].Process.Pid
	k.socket.client, k.socket.base = overSocket(filepath.Join(k.w.baileyHome(), "run", "daemon.sock")), "http://bailey"
	b, err := k.ask(ctx, http.MethodGet, "/api/v1/workspace/bench", nil)
	if err != nil {
		return err
	}
	var out struct{ Workspace struct{ ID string } }
	err = json.Unmarshal(b, &out)
	k.project = out.Workspace.ID
	return err
}

// startServer makes a machine and the server that it logs in to.
func (k *keep) startServer(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, k.w.bailey, "identity", "add", "bench", "--json")
	cmd.Dir, cmd.Env = k.w.project, k.w.environment()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("bailey identity add: %w", err)
	}
	var id struct{ ClientID, ClientSecret string }
	if err := json.Unmarshal(out, &id); err != nil {
		return err
	}
	if k.login, err = json.Marshal(map[string]string{"clientId": id.ClientID, "clientSecret": id.ClientSecret}); err != nil {
		return err
	}
	server := exec.CommandContext(ctx, k.w.bailey, "server", "--listen", "127.0.0.1:0")
	server.Dir, server.Env = k.w.home, append(k.w.environment(), "BAILEY_PASSPHRASE_FILE="+k.w.passphraseFile())
	says, err := server.StderrPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	k.w.children = append(k.w.children, server)
	for lines := bufio.NewScanner(says); lines.Scan(); {
		if _, base, ok := strings.Cut(lines.Text(), "listening on "); ok {
			k.wire.client, k.wire.base = &http.Client{}, base
			return nil
		}
	}
	return errors.New("bailey server does not say where it listens")
}

// stub answers every request with what was last given to it. Much that is
// posted is written to a file and synced first, as whatever is acknowledged
// has to be.
type stub struct {
	answer []byte
	file   *os.File
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && r.Method != http.MethodGet && len(body) > 4096 {
		_, err = s.file.WriteAt(body, 0)
		err = errors.Join(err, s.file.Sync())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(s.answer)
}

func (k *keep) startStub(ctx context.Context) error {
	file, err := os.Create(filepath.Join(k.w.dir, "stub.data"))
	if err != nil {
		return err
	}
	k.stub = &stub{file: file}
	path := filepath.Join(k.w.dir, "stub.sock")
	var c net.ListenConfig
	local, err := c.Listen(ctx, "unix", path)
	if err != nil {
		return err
	}
	remote, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	for _, l := range []net.Listener{local, remote} {
		srv := &http.Server{Handler: k.stub, ReadHeaderTimeout: time.Minute}
		go func() { _ = srv.Serve(l) }() // until this process ends
	}
	k.socket.bare, k.socket.stub = overSocket(path), "http://stub"
	k.wire.bare, k.wire.stub = &http.Client{}, "http://"+remote.Addr().String()
	return nil
}

func overSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
		MaxIdleConnsPerHost: readers,
	}}
}

// ask asks the daemon.
func (k *keep) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	return ask(ctx, k.socket.client, method, k.socket.base+path, body)
}

func ask(ctx context.Context, client *http.Client, method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, req.URL.Path, resp.Status)
	}
	return b, err
}
