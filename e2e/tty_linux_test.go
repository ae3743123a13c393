package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// console is a command on a terminal of its own.
type console struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	done chan error

	mu   sync.Mutex
	text string // all output
	seen int    // up to where expect has read
}

// user is a home with a project, for commands on a terminal.
type user struct {
	t    *testing.T
	dir  string // project
	env  []string
	home string
}

func newUser(t *testing.T, files map[string]string) *user {
	t.Helper()
	work, err := os.MkdirTemp("", "bailey") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t: t, dir: filepath.Join(work, "shop"), home: filepath.Join(work, "b")}
	u.env = []string{"HOME=" + filepath.Join(work, "user"), "BAILEY_HOME=" + u.home, "PATH=" + os.Getenv("PATH"), "TERM=xterm"}
	t.Cleanup(func() {
		endDaemon(filepath.Join(u.home, "run/daemon.sock"))
		_ = os.RemoveAll(work)
	})
	for name, content := range files {
		p := filepath.Join(u.dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func (u *user) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		u.t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"bailey"}, args...), Env: u.env, Dir: u.dir}
}

// start runs bailey on a new terminal.
func (u *user) start(args ...string) *console {
	u.t.Helper()
	tty, name := openPTY(u.t)
	slave, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		u.t.Fatal(err)
	}
	defer slave.Close()
	c := &console{t: u.t, tty: tty, cmd: u.command(args...), done: make(chan error, 1)}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	go c.read()
	go func() { c.done <- c.cmd.Wait() }()
	u.t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = tty.Close() })
	return c
}

func openPTY(t *testing.T) (*os.File, string) {
	t.Helper()
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs /dev/ptmx: %v", err)
	}
	n, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(tty.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tty, fmt.Sprintf("/dev/pts/%d", n)
}

func (c *console) read() {
	buf := make([]byte, 4096)
	for {
		n, err := c.tty.Read(buf)
		c.mu.Lock()
		c.text += string(buf[:n])
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *console) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text
}

// expect waits for text after what was expected before.
func (c *console) expect(text string) {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		out := c.output()
		if i := strings.Index(out[c.seen:], text); i >= 0 {
			c.seen += i + len(text)
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%q does not appear in\n%s", text, out[c.seen:])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *console) send(text string) {
	c.t.Helper()
	if _, err := c.tty.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

// exit waits for the command and checks its status.
func (c *console) exit(want int) {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		c.t.Fatalf("does not end:\n%s", c.output())
	}
	if got := c.cmd.ProcessState.ExitCode(); got != want {
		c.t.Fatalf("exit status %d, want %d\n%s", got, want, c.output())
	}
}

// echoes says whether the terminal shows what is typed.
func (c *console) echoes() bool {
	t, err := unix.IoctlGetTermios(int(c.tty.Fd()), unix.TCGETS)
	return err == nil && t.Lflag&unix.ECHO != 0
}

// initialise runs init through its questions.
func initialise(t *testing.T, u *user) {
	t.Helper()
	c := u.start("init")
	c.expect("New passphrase: ")
	c.send("short\n")
	c.expect("too short")
	c.expect("New passphrase: ")
	c.send(passphrase + "\n")
	c.expect("Once more: ")
	c.send("something else\n")
	c.expect("not the same")
	c.expect("New passphrase: ")
	c.send(passphrase + "\n")
	c.expect("Once more: ")
	c.send(passphrase + "\n")
	c.expect("of the code: ")
	a, b := askedGroups(t, c)
	c.send("AAAAA BBBBB\n")
	c.expect("not what the code says")
	c.expect("of the code: ")
	again, other := askedGroups(t, c)
	if again != a || other != b {
		t.Error("a second try asks for other groups")
	}
	c.send(strings.ToLower(a + "-" + b + "\n"))
	c.expect("sealed in the vault and read back")
	if _, err := os.Stat(filepath.Join(u.dir, ".env")); err != nil {
		t.Error("the file went before the answer")
	}
	c.expect("Remove .env? ")
	c.send("t\n")
	c.expect("npm test: fine")
	c.expect("Remove .env? ")
	c.send("y\n")
	c.expect("removed .env")
	c.exit(0)
	if strings.Contains(c.output(), passphrase) {
		t.Error("the passphrase was echoed")
	}
	if _, err := os.Stat(filepath.Join(u.dir, ".env")); err == nil {
		t.Error("the file is still there")
	}
}

// askedGroups reads the code and which of its groups are asked for.
func askedGroups(t *testing.T, c *console) (string, string) {
	t.Helper()
	code := regexp.MustCompile(`\s{4}(([0-9A-Z]+-)+[0-9A-Z]+)`).FindStringSubmatch(c.output())
	asked := regexp.MustCompile(`Groups (\d) and (\d) of`).FindAllStringSubmatch(c.output(), -1)
	if code == nil || asked == nil {
		t.Fatalf("no code or no question:\n%s", c.output())
	}
	groups, last := strings.Split(code[1], "-"), asked[len(asked)-1]
	return groups[last[1][0]-'1'], groups[last[2][0]-'1']
}

func shopFiles() map[string]string {
	return map[string]string{
		".env": "TOKEN=canary-0123456789\n", "package.json": `{"scripts":{"test":"true"}}`,
		"bin/npm": "#!/bin/sh\n[ \"$TOKEN\" = canary-0123456789 ]\n",
	}
}

func shop(t *testing.T) *user {
	u := newUser(t, shopFiles())
	bin := filepath.Join(u.dir, "bin")
	if err := os.Chmod(filepath.Join(bin, "npm"), 0o755); err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, "PATH="+bin+":"+os.Getenv("PATH"))
	initialise(t, u)
	return u
}

func TestTerminal(t *testing.T) {
	u := shop(t)
	t.Run("values are shown with a line end", func(t *testing.T) {
		c := u.start("secret", "get", "TOKEN")
		c.exit(0)
		c.expect("canary-0123456789\r\n")
	})
	t.Run("a copied value passes by the screen and is cleared", func(t *testing.T) {
		c := u.start("secret", "get", "TOKEN", "--copy", "--clear-after", "200ms")
		c.expect("\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte("canary-0123456789")) + "\a")
		c.expect("\x1b]52;c;\a")
		c.expect("the clipboard is cleared")
		c.exit(0)
		if strings.Contains(c.output(), "canary") {
			t.Error("the value was shown")
		}
	})
	t.Run("an interrupted copy is cleared at once", func(t *testing.T) {
		c := u.start("secret", "get", "TOKEN", "--copy", "--clear-after", "1h")
		c.expect("Ctrl-C clears it")
		c.send("\x03")
		c.expect("\x1b]52;c;\a")
		c.exit(0)
	})
	t.Run("a locked vault asks and goes on", func(t *testing.T) {
		lock(t, u)
		c := u.start("secret", "get", "TOKEN")
		c.expect("Passphrase of the vault: ")
		c.send("not this one\n")
		c.expect("that was not it")
		c.expect("Passphrase of the vault: ")
		c.send(passphrase + "\n")
		c.expect("canary-0123456789")
		c.exit(0)
		if strings.Contains(c.output(), passphrase) {
			t.Error("the passphrase was echoed")
		}
	})
	t.Run("interrupting gives the terminal back", func(t *testing.T) {
		lock(t, u)
		c := u.start("secret", "get", "TOKEN")
		c.expect("Passphrase of the vault: ")
		c.send("half\x03")
		c.exit(130)
		if !c.echoes() {
			t.Error("the terminal was left without echo")
		}
	})
	t.Run("two commands share one question", func(t *testing.T) { shareQuestion(t, u) })
	t.Run("a secret is typed unseen", func(t *testing.T) {
		c := u.start("secret", "set", "TYPED")
		c.expect("Value of TYPED: ")
		c.send("typed-canary\n")
		c.expect("TYPED is set")
		c.exit(0)
		if strings.Contains(c.output(), "typed-canary") {
			t.Error("the value was echoed")
		}
	})
	t.Run("a variable that hides a secret is said", func(t *testing.T) {
		cmd := *u
		cmd.env = append(cmd.env[:len(cmd.env):len(cmd.env)], "TOKEN=mine")
		c := cmd.start("run", "--", "sh", "-c", "echo $TOKEN; tty; exit 5")
		c.expect("used instead of the vault: TOKEN")
		c.expect("mine")
		c.expect("/dev/pts/")
		c.exit(5)
	})
}

// The command begins anew with a value that another terminal set; all that it
// had started is ended; and the terminal's keys are its own.
func TestWatch(t *testing.T) {
	u := shop(t)
	set := func(value string) {
		t.Helper()
		cmd := u.command("secret", "set", "TOKEN")
		cmd.Stdin = strings.NewReader(value)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	script := `echo "pid $$ has $TOKEN"; sleep 1000 & echo "child $! of $$"; trap 'echo "int $$"; exit 9' INT; while :; do sleep 0.05; done`
	c := u.start("run", "--watch", "--", "sh", "-c", script)
	c.expect("has canary-0123456789")
	child := c.number(`child (\d+) of`)
	set("second-value")
	c.expect("TOKEN changed: starting sh again")
	c.expect("has second-value")
	if syscall.Kill(child, 0) == nil {
		t.Error("what the first one started is still there")
	}
	pid := c.number(`pid (\d+) has second`)
	set("second-value") // the same again is no change
	c.send("\x1a")
	awaitState(t, pid, "T")
	awaitState(t, c.cmd.Process.Pid, "T")
	_ = syscall.Kill(c.cmd.Process.Pid, syscall.SIGCONT)
	awaitState(t, pid, "SR")
	c.send("\x03")
	c.expect(fmt.Sprint("int ", pid))
	c.exit(9)
	if n := strings.Count(c.output(), " has "); n != 2 {
		t.Errorf("it was started %d times", n)
	}
}

// number is what a pattern finds last in the output.
func (c *console) number(pattern string) int {
	c.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if all := re.FindAllStringSubmatch(c.output(), -1); len(all) > 0 {
			n, err := strconv.Atoi(all[len(all)-1][1])
			if err != nil {
				c.t.Fatal(err)
			}
			return n
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s does not stand in %q", pattern, c.output())
		}
	}
}

// awaitState waits until a process is in one of the states of proc(5).
func awaitState(t *testing.T, pid int, states string) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, after, ok := strings.Cut(string(b), ") "); ok {
			if last = after[:1]; strings.Contains(states, last) {
				return
			}
		}
	}
	t.Fatalf("process %d is in state %s, not %s", pid, last, states)
}

func lock(t *testing.T, u *user) {
	t.Helper()
	cmd := u.command("lock")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
}

func shareQuestion(t *testing.T, u *user) {
	lock(t, u)
	first := u.start("secret", "get", "TOKEN")
	first.expect("Passphrase of the vault: ")
	second := u.start("secret", "get", "TOKEN")
	second.expect("waiting for the passphrase")
	first.send(passphrase + "\n")
	first.exit(0)
	second.exit(0)
	second.expect("canary-0123456789")
	if strings.Contains(second.output(), "Passphrase of") {
		t.Error("both asked")
	}
}
