package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// roundsOfRequests is how often the two sides take turns.
const roundsOfRequests = 5

// answers collects what the client printed, microseconds.
type answers struct {
	keepAlive, fresh []float64
	err              error
}

// compareRequests runs the same client outside, straight to the payments API,
// and inside a session, where the gateway injects the key.
func compareRequests(ctx context.Context, w *world) []row {
	var direct, through answers
	through.err = w.daemonless
	client := filepath.Join(w.project, "client")
	for range roundsOfRequests {
		direct.add(ctx, w, append(w.environment(), "PAYMENTS_KEY="+key),
			client, "-url", "https://"+w.addr+"/v1/balance", "-ca", w.ca)
		through.add(ctx, w, w.environment(), w.bailey, "agent", "--", "./client")
	}
	err := direct.err
	if err == nil {
		err = through.err
	}
	return []row{
		ratioOf("a request through the gateway, key injected, keep-alive", through.keepAlive, direct.keepAlive, 3, err),
		ratioOf("the same, a new connection each", through.fresh, direct.fresh, 2, err),
	}
}

func (a *answers) add(ctx context.Context, w *world, env []string, argv ...string) {
	if a.err != nil || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.project, env, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		a.err = fmt.Errorf("%w: %s", err, lastLine(stderr.Bytes()))
		return
	}
	var m struct{ KeepAlive, New float64 }
	if a.err = json.Unmarshal(stdout.Bytes(), &m); a.err == nil {
		a.keepAlive, a.fresh = append(a.keepAlive, m.KeepAlive), append(a.fresh, m.New)
	}
}

func ratioOf(what string, through, direct []float64, target float64, err error) row {
	r := row{what: what, against: "direct", err: err}
	if err == nil {
		t, d := median(through), median(direct)
		r.measured, r.ratio = fmt.Sprintf("%.0f µs : %.0f µs", t, d), t/d
		r.judge(t/d <= target, target, fmt.Sprintf("≤ %.0f ×", target))
	}
	return r
}
