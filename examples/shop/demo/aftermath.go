package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// leftovers looks for processes that work inside this world, and for mounts.
func leftovers(_ context.Context, w *world) (string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	if strings.Contains(string(mounts), w.dir) {
		return "", errors.New("something is still mounted")
	}
	cwds, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		return "", err
	}
	for _, cwd := range cwds {
		dir, err := os.Readlink(cwd)
		if err == nil && strings.HasPrefix(dir, w.project) {
			return "", fmt.Errorf("process %s still runs", filepath.Base(filepath.Dir(cwd)))
		}
	}
	return "nothing", nil
}

// auditNames wants a record of every refusal that the table shows.
func auditNames(ctx context.Context, w *world) (string, error) {
	out := w.guarded(ctx, "audit", "log", "--json")
	if out.err != nil {
		return "", errors.New(out.problem())
	}
	if leaked := w.foundIn(out.all()); len(leaked) > 0 {
		return "", fmt.Errorf("it holds the %s", strings.Join(leaked, ", "))
	}
	for _, host := range []string{"docs.test", "tracker.test"} {
		if !strings.Contains(out.stdout, host) {
			return "", fmt.Errorf("nothing about %s", host)
		}
	}
	return "both hosts are named", nil
}

func auditVerifies(ctx context.Context, w *world) (string, error) {
	out := w.guarded(ctx, "audit", "verify")
	if out.err != nil {
		return "", errors.New(out.problem())
	}
	return "complete", nil
}

// auditNoticesChange works on a copy of the whole home of Bailey.
func auditNoticesChange(ctx context.Context, w *world) (string, error) {
	forged := filepath.Join(w.dir, "forged")
	// A copy keeps no modes, and Bailey opens no home that others get into.
	err := errors.Join(os.CopyFS(forged, os.DirFS(w.baileyHome())), os.Chmod(forged, 0o700))
	if err != nil {
		return "", err
	}
	if err := flipLetter(filepath.Join(forged, "audit")); err != nil {
		return "", err
	}
	out := w.run(ctx, []string{"BAILEY_HOME=" + forged}, w.bailey, "audit", "verify")
	if out.code == 0 {
		return "", errors.New("not noticed")
	}
	if out.code != 20 {
		return "", errors.New(out.problem())
	}
	return "noticed, exit 20", nil
}

// flipLetter makes one record of the log say another host.
func flipLetter(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if at := bytes.Index(b, []byte("tracker.test")); at >= 0 {
			b[at] = 'T'
			return os.WriteFile(file, b, 0o600)
		}
	}
	return errors.New("no record names tracker.test")
}

func eject(ctx context.Context, w *world) (string, error) {
	out := w.guarded(ctx, "eject", "--yes")
	if out.err != nil {
		return "", errors.New(out.problem())
	}
	b, err := os.ReadFile(filepath.Join(w.project, ".env"))
	if err != nil {
		return "", err
	}
	if string(b) != w.env {
		return "", errors.New(".env has come back with other bytes")
	}
	return ".env is back, byte for byte", nil
}
