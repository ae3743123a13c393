package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	kept    = 10_000 // secrets in the vault when the daemon's memory is read
	readers = 4      // that read single secrets at the same time
	reading = 3 * time.Second
	atRest  = 3 * time.Second
	most    = 40 << 10 // of the daemon's memory, KiB
	least   = 5000     // single reads per second
)

// compareKeep measures the vault: what a client waits for, and what the daemon
// takes.
func compareKeep(ctx context.Context, o options) ([]row, error) {
	k, err := newKeep(ctx, o)
	if err != nil {
		return nil, err
	}
	defer k.w.close()
	fmt.Printf("bench: the vault over keep-alive connections, medians; beside each a bare server that answers with the same bytes\n\n")
	var rows []row
	for _, size := range []struct {
		n      int
		target time.Duration
	}{{5, time.Millisecond}, {100, 2 * time.Millisecond}, {1000, 8 * time.Millisecond}} {
		rows = append(rows, k.list(ctx, size.n, size.target, 5*o.rounds))
	}
	rows = append(rows, k.logIn(ctx, 5*o.rounds), k.reads(ctx), k.memory(ctx), k.create(ctx, o.rounds/2))
	return rows, ctx.Err()
}

// turns sends the same to the vault and to the stub, in turn.
func (k *keep) turns(ctx context.Context, d door, what string, rounds int, request func(i int) (method, path string, body []byte)) (ours, bare *start) {
	ours, bare = &start{name: what}, &start{name: "a bare server"}
	for i := range rounds {
		method, path, body := request(i)
		begin := time.Now()
		answer, err := ask(ctx, d.client, method, d.base+path, body)
		ours.times = append(ours.times, time.Since(begin))
		if err != nil {
			ours.err = err
			return ours, bare
		}
		k.stub.answer = answer
		begin = time.Now()
		_, bare.err = ask(ctx, d.bare, method, d.stub+path, body)
		bare.times = append(bare.times, time.Since(begin))
	}
	return ours, bare
}

// within compares with the stub and judges the time itself.
func within(ours, bare *start, target time.Duration) row {
	r := pair(ours, bare)
	if r.err == nil {
		r.ratio = float64(ours.median()) / float64(bare.median())
		r.judge(ours.median() <= target, float64(target), fmt.Sprintf("≤ %s", target))
	}
	return r
}

func (k *keep) where(folder string) string {
	return "projectId=" + k.project + "&environment=development&secretPath=" + url.QueryEscape(folder)
}

func (k *keep) list(ctx context.Context, n int, target time.Duration, rounds int) row {
	what, folder := fmt.Sprintf("list %d secrets", n), fmt.Sprintf("/list%d", n)
	if err := k.fill(ctx, folder, n); err != nil {
		return row{what: what, err: err}
	}
	ours, bare := k.turns(ctx, k.socket, what, rounds, func(int) (string, string, []byte) {
		return http.MethodGet, "/api/v4/secrets?" + k.where(folder), nil
	})
	return within(ours, bare, target)
}

// fill makes a folder with n secrets.
func (k *keep) fill(ctx context.Context, folder string, n int) error {
	if err := k.folder(ctx, folder); err != nil {
		return err
	}
	_, err := k.ask(ctx, http.MethodPost, "/api/v4/secrets/batch", k.batch("development", folder, n))
	return err
}

func (k *keep) folder(ctx context.Context, folder string) error {
	body, err := json.Marshal(map[string]string{"projectId": k.project, "environment": "development", "path": "/", "name": strings.TrimPrefix(folder, "/")})
	if err != nil {
		return err
	}
	_, err = k.ask(ctx, http.MethodPost, "/api/v1/folders", body)
	return err
}

func (k *keep) batch(environment, folder string, n int) []byte {
	type one struct {
		Key   string `json:"secretKey"`
		Value string `json:"secretValue"`
	}
	list := make([]one, n)
	for i := range list {
		list[i] = one{fmt.Sprintf("SECRET_%04d", i), fmt.Sprintf("sk_live_%032d", i)}
	}
	b, _ := json.Marshal(map[string]any{"projectId": k.project, "environment": environment, "secretPath": folder, "secrets": list})
	return b
}

func (k *keep) create(ctx context.Context, rounds int) row {
	const what = "create 1000 secrets at once"
	for i := range rounds {
		body := fmt.Appendf(nil, `{"name":"made%d","slug":"made%d"}`, i, i)
		if _, err := k.ask(ctx, http.MethodPost, "/api/v1/workspace/"+k.project+"/environments", body); err != nil {
			return row{what: what, err: err}
		}
	}
	ours, bare := k.turns(ctx, k.socket, what, rounds, func(i int) (string, string, []byte) {
		return http.MethodPost, "/api/v4/secrets/batch", k.batch(fmt.Sprint("made", i), "/", 1000)
	})
	return within(ours, bare, 100*time.Millisecond)
}

func (k *keep) logIn(ctx context.Context, rounds int) row {
	ours, bare := k.turns(ctx, k.wire, "log in as a machine, over TCP", rounds, func(int) (string, string, []byte) {
		return http.MethodPost, "/api/v1/auth/universal-auth/login", k.login
	})
	return within(ours, bare, time.Millisecond)
}

// reads counts single reads, each of which is in the audit log.
func (k *keep) reads(ctx context.Context) row {
	r := row{what: fmt.Sprintf("single reads a second, %d at once", readers), against: "a bare server"}
	path := func(i int64) string {
		return fmt.Sprintf("/api/v4/secrets/SECRET_%04d?", i%1000) + k.where("/list1000")
	}
	answer, err := k.ask(ctx, http.MethodGet, path(0), nil)
	if err != nil {
		r.err = err
		return r
	}
	k.stub.answer = answer
	ours, err := perSecond(ctx, k.socket.client, k.socket.base, path)
	bare, err2 := perSecond(ctx, k.socket.bare, k.socket.stub, path)
	if r.err = errors.Join(err, err2); r.err == nil {
		r.measured, r.ratio = fmt.Sprintf("%.0f : %.0f", ours, bare), bare/ours
		r.judge(ours >= least, least, fmt.Sprintf("≥ %d", least))
	}
	return r
}

func perSecond(ctx context.Context, client *http.Client, base string, path func(int64) string) (float64, error) {
	var n atomic.Int64
	var all sync.WaitGroup
	errs := make([]error, readers)
	begin := time.Now()
	for i := range readers {
		all.Go(func() {
			for time.Since(begin) < reading && errs[i] == nil {
				_, errs[i] = ask(ctx, client, http.MethodGet, base+path(n.Add(1)), nil)
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

// memory fills the vault and reads each secret once, so that all that the
// daemon keeps is there, and waits for it to be at rest.
func (k *keep) memory(ctx context.Context) row {
	r := row{what: fmt.Sprintf("memory of the daemon, %d secrets", kept), against: "this process"}
	for i := range kept / 1000 {
		folder := fmt.Sprint("/kept", i)
		r.err = k.fill(ctx, folder, 1000)
		if r.err == nil {
			_, r.err = k.ask(ctx, http.MethodGet, "/api/v4/secrets?"+k.where(folder), nil)
		}
		if r.err != nil {
			return r
		}
	}
	time.Sleep(atRest)
	ours, err := resident(k.pid)
	bare, err2 := resident(os.Getpid())
	if r.err = errors.Join(err, err2); r.err == nil {
		r.measured, r.ratio = fmt.Sprintf("%d MB : %d MB", ours>>10, bare>>10), float64(ours)/float64(bare)
		r.judge(ours <= most, most, fmt.Sprintf("≤ %d MB", most>>10))
	}
	return r
}

// resident is the memory of a process, KiB, from proc(5).
func resident(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "VmRSS:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	return strconv.Atoi(number)
}
