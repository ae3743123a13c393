// Package job runs a command as a shell runs one: in a process group of its
// own that has the terminal, so that it can be ended with all it started and
// another put in its place.
//
// It knows nothing of secrets and restarts nothing by itself. Its invariants:
// the terminal is the caller's again whenever no job has it; what a person
// types (Ctrl-C, Ctrl-Z) reaches the job and not the caller; and End leaves
// nothing of the group alive.
package job

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Job is a command that runs.
type Job struct {
	pid  int
	tty  int // descriptor of the terminal that it has, -1 if none
	done chan struct{}
	code int
}

// Start runs path with the caller's standard streams. tty is the terminal to
// give it, nil for none; it must stay open until Done.
func Start(path string, argv, env []string, tty *os.File) (*Job, error) {
	j := &Job{tty: -1, done: make(chan struct{})}
	attr := &syscall.SysProcAttr{Setpgid: true}
	if tty != nil && ours(int(tty.Fd())) {
		j.tty = int(tty.Fd())
		attr.Foreground, attr.Ctty = true, j.tty
	}
	p, err := os.StartProcess(path, argv, &os.ProcAttr{Env: env, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: attr})
	if err != nil {
		return nil, err
	}
	j.pid = p.Pid
	_ = p.Release()
	go j.wait()
	return j, nil
}

// ours says whether this process's group has the terminal: a job must not take
// it from another.
func ours(tty int) bool {
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// Done is closed when the command has ended.
func (j *Job) Done() <-chan struct{} { return j.done }

// Code is its exit status once Done is closed; 128 and the signal's number when
// one ended it, as a shell says.
func (j *Job) Code() int { return j.code }

// Signal sends sig to the whole group.
func (j *Job) Signal(sig syscall.Signal) { _ = unix.Kill(-j.pid, sig) }

// End asks the group to end and makes it after grace.
func (j *Job) End(grace time.Duration) {
	j.Signal(unix.SIGTERM)
	j.Signal(unix.SIGCONT) // a stopped one takes no other signal
	for deadline := time.Now().Add(grace); j.alive() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if j.alive() {
		j.Signal(unix.SIGKILL)
	}
	<-j.done
}

// alive says whether anything of the group is left, the command or what it
// started.
func (j *Job) alive() bool { return unix.Kill(-j.pid, 0) == nil }

// wait follows the command. When it stops, this process stops with it, and
// what continues this process continues it.
func (j *Job) wait() {
	defer close(j.done)
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(j.pid, &status, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			j.code = 1
			j.take(unix.Getpgrp())
			return
		case status.Stopped():
			j.suspend()
		case status.Signaled():
			j.code = 128 + int(status.Signal())
			j.take(unix.Getpgrp())
			return
		default:
			j.code = status.ExitStatus()
			j.take(unix.Getpgrp())
			return
		}
	}
}

func (j *Job) suspend() {
	if j.tty < 0 {
		return // whoever stopped it continues it
	}
	j.take(unix.Getpgrp())
	_ = unix.Kill(0, unix.SIGSTOP)
	// Here this process has been continued, by a shell that gave it the
	// terminal, or in the background.
	if ours(j.tty) {
		j.take(j.pid)
	}
	j.Signal(unix.SIGCONT)
}

// take gives the terminal to a group. The kernel stops a background process
// that does that, unless it ignores the signal.
func (j *Job) take(group int) {
	if j.tty < 0 {
		return
	}
	signal.Ignore(syscall.SIGTTOU)
	defer signal.Reset(syscall.SIGTTOU)
	_ = unix.IoctlSetPointerInt(j.tty, unix.TIOCSPGRP, group)
}
