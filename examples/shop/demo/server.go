package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// server is one HTTPS host outside: a process of the payments program under a
// name of its own. Its log is what the table believes.
type server struct {
	name, dir, addr string
	cmd             *exec.Cmd
}

// request is a line of the log, see the payments program.
type request struct {
	Path   string `json:"path"`
	Via    string `json:"via"`
	Key    string `json:"key"`
	Status int    `json:"status"`
}

func startServer(ctx context.Context, name, dir, keyFile string) (*server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), "payments"),
		"-name", name, "-dir", dir, "-key", keyFile)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{name: name, dir: dir, cmd: cmd}
	if s.addr, err = waitForFile(ctx, filepath.Join(dir, "addr")); err != nil {
		s.close()
		return nil, fmt.Errorf("%s did not start: %w", name, err)
	}
	return s, nil
}

func waitForFile(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		b, err := os.ReadFile(path)
		if err == nil {
			return string(b), nil
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (s *server) ca() string { return filepath.Join(s.dir, "ca.pem") }

// requests returns those that match, in the order of their arrival.
func (s *server) requests(match func(request) bool) ([]request, error) {
	file, err := os.Open(filepath.Join(s.dir, "log.jsonl"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var found []request
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		if match(r) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (s *server) close() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // killed: its error says nothing
}
