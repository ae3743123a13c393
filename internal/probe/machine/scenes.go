//go:build linux

package machine

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
)

// scene plays a probe that takes more than one process or session.
func (w *world) scene(p probe.Probe, s side) probe.Seen {
	f := map[string]func(*world, probe.Probe, side) probe.Seen{
		"typo": typo, "without": without, "flagged": flagged, "names": names, "traps": traps, "ownManifest": ownManifest,
		"siblings": siblings, "daemon": daemon, "terminal": terminal, "inbound": inbound, "killed": killed, "leftovers": leftovers,
		"belief": belief, "oddPath": oddPath, "tooWide": tooWide, "crowd": crowd, "hog": hog, "forgedLine": forgedLine,
	}[p.Scene]
	if f == nil {
		return probe.Seen{How: []string{"no scene " + p.Scene}}
	}
	return f(w, p, s)
}

func stopped(how ...string) probe.Seen { return probe.Seen{How: how} }

func leaked(format string, args ...any) probe.Seen {
	return probe.Seen{Leaked: true, Proof: fmt.Sprintf(format, args...)}
}

// shell is what the agent runs on that side.
func (w *world) shell(s side, script string) *exec.Cmd {
	return w.command(s, nil, "/bin/sh", "-c", script)
}

// host runs a program of the user's own and returns what it prints.
func (w *world) host(args ...string) string {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = w.target.WS, w.env
	out, complaints, _ := w.output(cmd)
	return string(out) + complaints
}

func (w *world) bailey(args ...string) string {
	return w.host(append([]string{w.job.Dir + "/bin/bailey"}, args...)...)
}

// refused judges a start that must not be one.
func refused(out []byte, complaints string) probe.Seen {
	switch {
	case bytes.Contains(out, []byte("ran")):
		return leaked("it ran")
	case !strings.Contains(complaints, "bailey: "):
		return probe.Seen{How: []string{"no reason given"}, Note: complaints}
	}
	return stopped(probe.Refused)
}

func typo(w *world, _ probe.Probe, s side) probe.Seen {
	if err := os.WriteFile(w.target.WS+"/bailey.yaml", []byte("project: shop\nnett: {}\n"), 0o644); err != nil {
		return stopped(err.Error())
	}
	out, complaints, _ := w.output(w.shell(s, "echo ran"))
	return refused(out, complaints)
}

// without starts on a kernel that lacks something.
func without(w *world, p probe.Probe, s side) probe.Seen {
	cmd := w.shell(s, "echo ran")
	cmd.Args = append([]string{w.job.Dir + "/bin/bailey", probe.Arg, "without", p.Args[0]}, cmd.Args...)
	cmd.Path = cmd.Args[0]
	if p.Args[0] == "procfs" {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS
		cmd.SysProcAttr.AmbientCaps = w.caps()
	}
	out, complaints, _ := w.output(cmd)
	return refused(out, complaints)
}

// flagged looks whether the user is told of every changed file that a tool of
// theirs executes.
func flagged(w *world, p probe.Probe, s side) probe.Seen {
	var script strings.Builder
	for _, f := range p.Args {
		fmt.Fprintf(&script, "mkdir -p '%s'; echo '#x' >> '%s'; ", filepath.Dir(f), f)
	}
	_, complaints, _ := w.output(w.shell(s, script.String()))
	report := complaints
	if s.sandbox {
		report += w.bailey("session", "diff")
	}
	for _, f := range p.Args {
		top, _, _ := strings.Cut(f, "/") // a directory of packages is one line
		told := false
		for line := range strings.Lines(report) {
			told = told || strings.Contains(line, "executed: ") && (strings.Contains(line, f) || strings.Contains(line, top+"/ ("))
		}
		if !told {
			return leaked("%s was changed and nobody said so", f)
		}
	}
	return stopped(probe.Flagged)
}

// names plants file names that act when they are printed or pasted.
func names(w *world, _ probe.Probe, s side) probe.Seen {
	script := `touch "\$(touch $MARK)" "a$(printf '\033')]0;pwned$(printf '\007')b" "$(printf 'x\nbailey: FORGED')" ./-rf "$(printf 'c\r1')" '; touch '"$MARK"`
	_, complaints, _ := w.output(w.shell(s, "MARK="+w.target.Mark+"\n"+script))
	report := complaints
	if s.sandbox {
		report += w.bailey("session", "diff") + w.bailey("session", "list")
	} else {
		report += w.host("find", w.target.WS)
	}
	if strings.ContainsAny(report, "\x1b\r") || strings.Contains(report, "\nbailey: FORGED") {
		return leaked("control characters of a name reach the terminal: %.200q", report)
	}
	if _, err := os.Lstat(w.target.Mark); err == nil {
		return leaked("a name was run")
	}
	return stopped(probe.Nothing)
}

// traps leaves what hangs or floods who reads it; what reads it on the host is
// the end of the session, its report and the next start, or a plain reader.
func traps(w *world, _ probe.Probe, s side) probe.Seen {
	script := `rm -f package.json README.md; mkfifo package.json .env.new pipe; ln -s /dev/zero README.md; ln -s loop loop; truncate -s 8G huge.env; mkdir -p x/.git; mkfifo x/.git/config x/.git/HEAD
		mkfifo bailey.yaml .gitmodules 2>/dev/null; true`
	begin := w.shell(s, script)
	if _, _, err := w.output(begin); err != nil {
		return leaked("the end of the session: %v", err)
	}
	if !s.sandbox {
		if w.host("timeout", "1", "sh", "-c", "cat package.json; echo read") == "" {
			return leaked("a reader hangs")
		}
		return stopped(probe.Nothing)
	}
	w.bailey("session", "diff")
	if _, complaints, err := w.output(w.shell(s, "true")); err != nil {
		return leaked("the next start: %v: %s", err, complaints)
	}
	return stopped(probe.Nothing)
}

// ownManifest lets one session write the rules of the next.
func ownManifest(w *world, _ probe.Probe, s side) probe.Seen {
	text := `project: shop\nagent:\n  network: [\"evil.example: write\"]\n`
	_, _, _ = w.output(w.shell(s, fmt.Sprintf("printf '%s' > bailey.yaml; printf '%s' > app/bailey.yaml; true", text, text)))
	for _, dir := range []string{w.target.WS, w.target.WS + "/app"} {
		cmd := w.shell(s, "getent hosts evil.example >/dev/null && echo REACHED")
		cmd.Dir = dir
		if out, _, _ := w.output(cmd); bytes.Contains(out, []byte("REACHED")) {
			return leaked("evil.example resolves")
		}
	}
	return stopped(probe.NoName)
}

// background starts a script that says "up" when it is ready.
func (w *world) background(cmd *exec.Cmd) (*exec.Cmd, error) {
	r, wr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd.Stdout = wr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	wr.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 64)
	var got []byte
	for !bytes.Contains(got, []byte("up")) {
		n, err := r.Read(b)
		if err != nil {
			_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
			_ = cmd.Wait()
			return nil, fmt.Errorf("did not come up: %q", got)
		}
		got = append(got, b[:n]...)
	}
	go func() { _ = cmd.Wait() }()
	return cmd, nil
}

// siblings puts a second session of the same project beside the first.
func siblings(w *world, _ probe.Probe, s side) probe.Seen {
	first, err := w.background(w.shell(s, fmt.Sprintf("echo %s > /tmp/first; echo %s > ~/first; echo up; exec sleep 300 # %s",
		w.canary("/tmp of another session"), w.canary("the home of another session"), w.canary("the arguments of another session"))))
	if err != nil {
		return stopped(err.Error())
	}
	defer func() { _ = unix.Kill(-first.Process.Pid, unix.SIGKILL) }()
	out, _, _ := w.output(w.shell(s, `cat /tmp/first ~/first 2>/dev/null; cat /proc/[0-9]*/cmdline | tr '\0' ' '; ls /tmp ~`))
	if place := w.seen(string(out)); place != "" {
		return leaked("read %s", place)
	}
	return stopped(probe.Nothing)
}

// living are processes, not dead ones, with a word among their arguments.
func living(word string) (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		args, err := os.ReadFile(d + "/cmdline")
		if err != nil || !slices.Contains(strings.Split(string(args), "\x00"), word) {
			continue
		}
		var pid int
		_, _ = fmt.Sscan(filepath.Base(d), &pid)
		pids = append(pids, pid)
	}
	return pids
}

// ended waits until no process with that argument is left; on the free side,
// until there is one.
func ended(word string, s side) probe.Seen {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		pids, late := living(word), time.Now().After(deadline)
		if len(pids) == 0 && (s.sandbox || late) {
			return stopped(probe.Ended)
		}
		if len(pids) > 0 && (!s.sandbox || late) {
			for _, pid := range pids {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
			return leaked("%d processes are alive", len(pids))
		}
	}
}

func daemon(w *world, _ probe.Probe, s side) probe.Seen {
	word := "765420" // another for each side: what a control leaves may come up late
	if s.sandbox {
		word = "765421"
	}
	_, _, _ = w.output(w.shell(s, `setsid nohup sleep `+word+` >/dev/null 2>&1 </dev/null & (trap '' HUP TERM; setsid sleep `+word+` >/dev/null 2>&1 &); exit 0`))
	return ended(word, s)
}

func killed(w *world, p probe.Probe, s side) probe.Seen {
	word, script := "765422", `setsid sleep 765422 >/dev/null 2>&1 & echo up; exec sleep 765422`
	token := w.target.Token(p.ID) + fmt.Sprint(s.sandbox) // beacons of a control may be a moment late
	if p.Args[0] == "network" {
		word, script = token, fmt.Sprintf(`./.attack/bailey %s beacon %d %s >/dev/null 2>&1 & echo up; wait`, probe.Arg, w.target.Port, token)
	}
	first, err := w.background(w.shell(s, script))
	if err != nil {
		return stopped(err.Error())
	}
	_ = unix.Kill(first.Process.Pid, unix.SIGKILL)
	seen := ended(word, s)
	if where := w.sinks.Got(token); where != "" {
		return leaked("arrived at %s", where)
	}
	return seen
}

// inbound aims at a listener of the agent's from outside.
func inbound(w *world, _ probe.Probe, s side) probe.Seen {
	const port = "8099"
	first, err := w.background(w.command(s, nil, w.target.WS+"/.attack/bailey", probe.Arg, "serve", port))
	if err != nil {
		return stopped(err.Error())
	}
	defer func() { _ = unix.Kill(-first.Process.Pid, unix.SIGKILL) }()
	for _, host := range []string{"127.0.0.1", "::1", probe.Ext4, probe.Ext6} {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second)
		if err != nil {
			continue
		}
		c.Close()
		return leaked("connected to %s", host)
	}
	return stopped("ECONNREFUSED")
}
