package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
)

const (
	startPatience = 10 * time.Second // for a daemon to answer after its start
	askPatience   = 5 * time.Minute  // for another command's question to be answered
	poll          = 10 * time.Millisecond
	maxSocket     = 100 // of 108 that a socket's path may have, on some systems 104
	attempts      = 4   // of one request: started, replaced, unlocked, answered
)

// Connector is an http.RoundTripper to the daemon. It starts the daemon when
// there is none, has one of an older build replaced, and has the vault
// unlocked when a request meets a locked one.
type Connector struct {
	Socket  string
	Version string
	Command []string // starts the daemon: program and arguments

	// Ask obtains the passphrase from a person, and is called once per try.
	// With an error the request fails with it.
	Ask func(ctx context.Context, try int) (secret.Value, error)
	// Open tries what opens the vault without a question, before Ask; may be nil.
	Open func(ctx context.Context, client *api.Client) bool
	// Notef tells a person what goes on; may be nil.
	Notef func(format string, args ...any)

	transport *http.Transport
	build     string
}

// NewConnector fills in the defaults.
func NewConnector(version string) *Connector {
	return &Connector{
		Socket: home.Socket(), Version: version, Command: []string{self(), "daemon"},
		transport: api.UnixTransport(home.Socket()), build: api.OwnBuild(version).String(),
		Notef: func(string, ...any) {},
	}
}

// RoundTrip sends r, as often as the daemon's state makes necessary. A request
// is sent again only when it was not acted upon, or may be acted upon twice.
//
// Values pass through this process from now on: it closes itself to others of
// the same user. A program that it starts or becomes is open again (execve(2)).
func (c *Connector) RoundTrip(r *http.Request) (*http.Response, error) {
	hide()
	for range attempts {
		resp, err := c.once(r)
		if err != nil || resp != nil {
			return resp, err
		}
	}
	return nil, api.Errorf(api.Unavailable, "the daemon does not stay up").WithHint("its log is %s", home.Log())
}

// once sends r; without answer and error it is to be sent again.
func (c *Connector) once(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if len(c.Socket) > maxSocket { // the system only says that an argument is invalid
		return nil, api.Errorf(api.Unavailable, "the socket's path is too long for the system: %s", c.Socket).
			WithHint("set %s to a shorter directory", home.Variable)
	}
	again, err := rewound(r)
	if err != nil {
		return nil, err
	}
	again.Header.Set(api.HeaderBuild, c.build)
	resp, err := c.transport.RoundTrip(again)
	switch {
	case notRunning(err):
		return nil, c.start(ctx)
	case err != nil && ctx.Err() == nil && broken(err) && repeatable(r):
		return nil, nil
	case err != nil:
		return nil, err
	}
	replace := resp.Header.Get(api.HeaderReplace)
	switch {
	case replace == api.ReplaceNewer:
		_ = resp.Body.Close()
		return nil, c.replaced(ctx)
	case replace == api.ReplaceWait:
		_ = resp.Body.Close()
		return nil, c.back(ctx)
	case resp.StatusCode == http.StatusLocked && c.Ask != nil:
		_ = resp.Body.Close()
		return nil, c.unlock(ctx)
	}
	return resp, nil
}

// back waits for a daemon that executes itself again.
func (c *Connector) back(ctx context.Context) error {
	bare := api.New(c.transport, api.LocalBase)
	return until(ctx, startPatience, func() (bool, error) {
		_, err := bare.Status(ctx)
		return !api.IsCode(err, api.Unavailable), nil
	})
}

// broken is true when a connection ended before it answered: its daemon ended.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}

func repeatable(r *http.Request) bool {
	_, marked := r.Header["Idempotency-Key"]
	return marked || r.Method == http.MethodGet
}

// notRunning is true when nobody listens.
func notRunning(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT)
}

// replaced waits for the old daemon to be gone and starts this build's.
func (c *Connector) replaced(ctx context.Context) error {
	c.Notef("the daemon was of an older build; it is replaced and locked")
	c.transport.CloseIdleConnections()
	err := until(ctx, startPatience, func() (bool, error) { return !c.answers(ctx), nil })
	if err != nil {
		return api.Errorf(api.Unavailable, "the daemon of the older build does not end")
	}
	return c.start(ctx)
}

// start starts the daemon unless another command just does, and returns when
// it answers.
func (c *Connector) start(ctx context.Context) error {
	dir := filepath.Dir(c.Socket)
	if err := home.MakeDir(dir); err != nil {
		return api.Errorf(api.Unavailable, "starting the daemon: %s", err).
			WithHint("without a place for a daemon, set %s", PassphraseVariable)
	}
	lock, err := waitLock(ctx, filepath.Join(dir, "start.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if c.answers(ctx) {
		return nil
	}
	exited, err := c.spawn()
	if err != nil {
		return api.Errorf(api.Unavailable, "starting the daemon: %s", err)
	}
	err = until(ctx, startPatience, func() (bool, error) {
		select {
		case err = <-exited:
			if err == nil { // an ending daemon still had the lock
				exited, err = c.spawn()
			}
			return false, err
		default:
			return c.answers(ctx), nil
		}
	})
	if err != nil {
		return api.Errorf(api.Unavailable, "the daemon does not start: %s", err).WithHint("its log is %s", home.Log())
	}
	return nil
}

// spawn starts the daemon in a session of its own, so that closing the
// terminal does not end it, with nothing of this process but the environment.
func (c *Connector) spawn() (<-chan error, error) {
	log, err := os.OpenFile(filepath.Join(filepath.Dir(c.Socket), "daemon.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Args[0] = "bailey"
	cmd.Dir = "/"
	cmd.Env = daemonEnv(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return exited, nil
}

// daemonEnv is what a daemon needs to find its home and nothing else: the
// environment of whichever command happened to start it may hold secrets.
func daemonEnv(env []string) []string {
	keep := []string{
		"HOME", "PATH", "LANG", "TZ", "TMPDIR", "GOCOVERDIR",
		home.Variable, "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR",
	}
	var out []string
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); slices.Contains(keep, name) {
			out = append(out, e)
		}
	}
	return out
}

// answers says whether a daemon listens.
func (c *Connector) answers(ctx context.Context) bool {
	conn, err := c.transport.DialContext(ctx, "unix", c.Socket)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// until polls ready until it is true, fails, or patience ends.
func until(ctx context.Context, patience time.Duration, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	every := time.NewTicker(poll)
	defer every.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer within %s", patience)
		case <-every.C:
		}
	}
}

// waitLock takes a lock file, waiting for whoever has it.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	var lock *os.File
	err := until(ctx, startPatience+time.Second, func() (bool, error) {
		var err error
		lock, err = tryLock(path)
		return lock != nil, err
	})
	return lock, err
}
