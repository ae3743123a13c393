//go:build linux

package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
)

// Run makes the machine, tries the probes and removes it. self is the bailey
// binary; each result is handed over as it comes.
func Run(ctx context.Context, self string, job Job, each func(probe.Result)) error {
	dir, err := os.MkdirTemp("", "bailey-probe-")
	if err != nil {
		return err
	}
	defer removeAll(dir)
	job.Dir = dir
	if err := copyFile(self, dir+"/bin/bailey"); err != nil {
		return err
	}
	in, err := json.Marshal(job)
	if err != nil {
		return err
	}
	runtime.LockOSThread() // PDEATHSIG follows the thread that forks
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, dir+"/bin/bailey", probe.Arg, "machine")
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), os.Stderr
	cmd.SysProcAttr = attributes()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("no fixture machine: %w", err)
	}
	d := json.NewDecoder(out)
	for {
		var r probe.Result
		if d.Decode(&r) != nil {
			break
		}
		each(r)
	}
	return cmd.Wait()
}

// attributes: as root the namespaces belong to root, because that is what
// root's own sessions start from; a user's belong to a user namespace.
func attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		Pdeathsig:  unix.SIGKILL,
	}
	if uid := os.Getuid(); uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		a.AmbientCaps = allCaps()
	}
	return a
}

// caps are what the machine's own user can hand on; root has no need to.
func (w *world) caps() []uintptr {
	if w.target.UID == 0 {
		return nil
	}
	return allCaps()
}

func allCaps() (caps []uintptr) {
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		caps = append(caps, c)
	}
	return caps
}

// Main is the machine's first process. Anywhere else it would rebuild the
// machine that it was started on.
func Main(in io.Reader, out io.Writer) error {
	var job Job
	if err := json.NewDecoder(in).Decode(&job); err != nil {
		return err
	}
	if os.Getpid() != 1 || job.Dir == "" {
		return errors.New("only Run starts a machine")
	}
	// An attacker may signal us in a control; caught and unread means nothing.
	signal.Notify(make(chan os.Signal, 1))
	if err := build(job); err != nil {
		return fmt.Errorf("fixture machine: %w", err)
	}
	w, err := newWorld(job)
	if err != nil {
		return fmt.Errorf("fixture machine: %w", err)
	}
	return w.all(json.NewEncoder(out))
}

// build makes everything that needs capabilities, and lets children have none.
func build(job Job) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("procfs: %w", err)
	}
	if err := hideHost(job.Dir, job.Keep); err != nil {
		return err
	}
	// Numbers that do not exist in a sandbox, so that no attack meets its own.
	_ = os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte("30000"), 0)
	if err := unix.Sethostname([]byte("laptop")); err != nil {
		return err
	}
	if err := loopbackOnly(); err != nil {
		return err
	}
	if os.Getuid() == 0 {
		return nil
	}
	_, _, e := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

// hideHost lays empty memory over the places where other people's things lie,
// but keeps some directories; "" is none.
func hideHost(keep ...string) error {
	fds := make([]int, len(keep))
	for i, dir := range keep {
		var err error
		if dir == "" {
			continue
		}
		if fds[i], err = unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	for _, p := range []string{"/tmp", "/run", "/var", "/home", "/root", "/mnt", "/srv", "/dev/shm"} {
		if st, err := os.Lstat(p); err != nil || !st.IsDir() {
			continue
		}
		if err := unix.Mount("tmpfs", p, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=64m"); err != nil {
			return fmt.Errorf("tmpfs on %s: %w", p, err)
		}
	}
	for i, dir := range keep {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.MoveMount(fds[i], "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		unix.Close(fds[i])
	}
	for _, p := range []string{"/var/tmp", "/var/log", "/var/lib", "/var/crash", "/run/lock"} {
		if err := os.MkdirAll(p, 0o777); err != nil {
			return err
		}
	}
	return os.Symlink("/run", "/var/run")
}

// loopbackOnly makes every address one of this machine's: whatever is sent
// anywhere arrives at a sink.
func loopbackOnly() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0); err != nil {
		return err
	}
	_ = os.WriteFile("/proc/sys/net/ipv4/ping_group_range", fmt.Appendf(nil, "%d %d", os.Getgid(), os.Getgid()), 0)
	_ = os.WriteFile("/proc/sys/net/ipv4/tcp_fastopen", []byte("3"), 0)
	lo := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	for _, cidr := range []string{"0.0.0.0/0", "::/0"} {
		dst, err := netlink.ParseIPNet(cidr)
		if err != nil {
			return err
		}
		r := netlink.Route{LinkIndex: 1, Dst: dst, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, Table: unix.RT_TABLE_LOCAL}
		if err := netlink.RouteAdd(&r); err != nil {
			return fmt.Errorf("route %s: %w", cidr, err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// removeAll also removes what an attacker made unreadable.
func removeAll(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}
