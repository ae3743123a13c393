//go:build linux

package attack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

// read keeps what a file holds.
func (t *try) read(path string) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxEvidence))
	if err != nil {
		t.saw(wire.Errno(err))
	}
	t.found(b)
}

// attest reads what the kernel says of this process.
func attest(t *try) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	for _, line := range []string{`NoNewPrivs:\s1`, `Seccomp:\s2`, `CapEff:\s0+`, `CapPrm:\s0+`, `CapBnd:\s0+`, `CapAmb:\s0+`} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).Match(b) {
			t.claim = "not as it must be: " + line
		}
	}
}

func cores(t *try) {
	for _, p := range []string{"/var/lib/systemd/coredump/canary", "/var/crash/canary", "/var/lib/apport/coredump/canary"} {
		t.read(p)
	}
	// One of one's own, with what PID 1 or a program of the launcher may hold.
	cmd := exec.Command("sh", "-c", "ulimit -c unlimited; kill -SEGV $$")
	cmd.Dir = t.WS
	_ = cmd.Run()
}

func rawDevices(t *try) {
	for _, p := range []string{"/dev/mem", "/dev/kmem", "/proc/kcore", "/dev/port"} {
		f, err := os.Open(p)
		if err == nil {
			_, err = f.Read(make([]byte, 1))
			f.Close()
		}
		t.met(err, "read "+p)
	}
	disks, _ := filepath.Glob("/dev/[svh]d[a-z]")
	for _, p := range disks {
		f, err := os.Open(p)
		if err == nil {
			f.Close()
		}
		t.met(err, "opened "+p)
	}
	t.saw("ENOENT")
}

// descriptors looks at everything that was open before main.
func descriptors(t *try) {
	for _, n := range inherited() {
		b := make([]byte, 4096)
		if k, err := unix.Pread(n, b, 0); err == nil {
			t.found(b[:k])
		}
	}
}

func dirDescriptors(t *try) {
	for _, n := range inherited() {
		fd, err := unix.Openat(n, "secret", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			fd, err = unix.Openat(n, "../out/secret", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		if err == nil {
			b := make([]byte, 4096)
			k, _ := unix.Read(fd, b)
			t.found(b[:max(k, 0)])
		}
	}
}

// inherited lists descriptors above 2 that are not this program's own.
func inherited() (fds []int) {
	list, _ := os.ReadDir("/proc/self/fd")
	for _, e := range list {
		n, err := strconv.Atoi(e.Name())
		if err != nil || n <= 2 {
			continue
		}
		to, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/proc/") {
			fds = append(fds, n)
		}
	}
	return fds
}

func byHandle(t *try) {
	at, err := unix.Open(t.WS, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	fd, err := unix.OpenByHandleAt(at, unix.NewFileHandle(t.HType, t.Handle), unix.O_RDONLY)
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	b := make([]byte, 4096)
	k, _ := unix.Read(fd, b)
	t.found(b[:max(k, 0)])
}

func oracle(t *try) {
	p := t.Out + "/secret"
	var st unix.Stat_t
	var sx unix.Statx_t
	var sf unix.Statfs_t
	t.met(unix.Stat(p, &st), "stat")
	t.met(unix.Statx(unix.AT_FDCWD, p, 0, unix.STATX_ALL, &sx), "statx")
	t.met(unix.Access(p, unix.R_OK), "access")
	t.met(unix.Chdir(t.Out), "chdir")
	t.met(unix.Statfs(p, &sf), "statfs")
	fd, err := unix.Open(p, unix.O_PATH|unix.O_CLOEXEC, 0)
	t.met(err, fmt.Sprint("O_PATH ", fd))
	_, _, err = unix.NameToHandleAt(unix.AT_FDCWD, p, 0)
	t.met(err, "name_to_handle_at")
	_, err = unix.Getxattr(p, "user.x", nil)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) {
		err = nil
	}
	t.met(err, "getxattr")
}

func metadata(t *try) {
	p := t.Out + "/secret"
	t.met(os.Chmod(p, 0o666), "")
	t.met(os.Chtimes(p, time.Unix(1, 0), time.Unix(1, 0)), "")
	t.met(unix.Setxattr(p, "user.x", []byte("1"), 0), "")
	t.met(os.Truncate(p, 1), "")
	t.met(os.Rename(p, p+"2"), "")
	t.met(os.Link(p, t.WS+"/link"), "")
	t.claim = "" // the host looks at the file itself
}

func inotify(t *try) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err == nil {
		_, err = unix.InotifyAddWatch(fd, t.Out, unix.IN_ALL_EVENTS)
	}
	t.met(err, "watch on "+t.Out)
}

// plant writes one control file below the project.
func plant(t *try) {
	p := filepath.Join(t.WS, t.args[0])
	err := os.MkdirAll(filepath.Dir(p), 0o755)
	if err == nil {
		err = os.WriteFile(p, []byte("{}\n"), 0o644)
	}
	if err != nil {
		t.saw(wire.Errno(err))
	}
}

func procExe(t *try) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	self := "/proc/" + strconv.Itoa(os.Getpid())
	for _, d := range dirs {
		if p, _ := strconv.Atoi(filepath.Base(d)); d == self || p != t.Victim && p != 1 {
			continue // one's own, and the attackers beside
		}
		f, err := os.OpenFile(d+"/exe", os.O_WRONLY, 0)
		if errors.Is(err, unix.ETXTBSY) && filepath.Base(d) == strconv.Itoa(t.Victim) {
			t.claim = "reached the program of the host's process " + filepath.Base(d)
		}
		if err == nil {
			f.Close()
			t.claim = "opened " + d + "/exe for writing"
			continue
		}
		t.saw(wire.Errno(err))
	}
}

// swap renames a link to the outside over a file while another thread reads it.
func swap(t *try) {
	a, b := t.WS+"/swap", t.WS+"/swap2"
	stop := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Remove(b)
			if i%2 == 0 {
				_ = os.Symlink(t.Out+"/secret", b)
			} else {
				_ = os.WriteFile(b, []byte("harmless"), 0o644)
			}
			_ = os.Rename(b, a)
		}
	}()
	for range 20000 {
		if c, err := os.ReadFile(a); err == nil && strings.Contains(string(c), probe.CanaryPrefix) {
			t.found(c)
			break
		}
	}
	close(stop)
}

// disconnected moves a directory away while one stands in it, and climbs.
func disconnected(t *try) {
	if err := os.MkdirAll(t.WS+"/a/b/c", 0o755); err != nil {
		t.saw(wire.Errno(err))
		return
	}
	fd, err := unix.Open(t.WS+"/a/b/c", unix.O_PATH|unix.O_CLOEXEC, 0)
	t.met(err, "")
	t.met(os.Rename(t.WS+"/a/b", "/tmp/b"), "")
	t.met(os.Rename(t.WS+"/a/b", t.WS+"/b"), "")
	t.claim = ""
	for up := ".."; len(up) < 40; up += "/.." {
		in, err := unix.Openat(fd, up+"/out/secret", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.saw(wire.Errno(err))
			continue
		}
		b := make([]byte, 4096)
		k, _ := unix.Read(in, b)
		t.found(b[:max(k, 0)])
	}
}

// harvest walks over what there is as a stealer does.
func harvest(t *try) {
	for _, root := range []string{t.Home, "/home", "/root", "/run", "/tmp", "/var", "/etc", "/mnt", "/opt", "/srv"} {
		seen := 0
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if seen++; err != nil || seen > 20000 || p == t.WS {
				if d != nil && d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if d.Type().IsRegular() {
				b := make([]byte, 8192)
				f, err := os.Open(p)
				if err != nil {
					return nil
				}
				defer f.Close()
				n, _ := f.Read(b)
				if strings.Contains(string(b[:n]), probe.CanaryPrefix) {
					t.found([]byte(p + ": " + string(b[:n])))
				}
			}
			return nil
		})
	}
}

func systemFiles(t *try) {
	for _, p := range []string{"/usr/bin/.x", "/usr/lib/.x", "/etc/.x", "/usr/local/bin/.x"} {
		err := os.WriteFile(p, nil, 0o644)
		if t.met(err, "wrote "+p) {
			_ = os.Remove(p)
		}
	}
}

func deviceFiles(t *try) {
	for _, p := range []string{"/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/loop-control", "/dev/kmsg", "/dev/userfaultfd", "/dev/vhost-vsock", "/dev/uinput", "/dev/tty0", "/dev/console"} {
		f, err := os.OpenFile(p, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err == nil {
			f.Close()
		}
		t.met(err, "opened "+p)
	}
}

func kernelSettings(t *try) {
	for _, p := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/proc/sys/fs/binfmt_misc/register"} {
		f, err := os.OpenFile(p, os.O_WRONLY, 0) // opened and not written: this may be the real one
		if err == nil {
			f.Close()
		}
		t.met(err, "opened "+p+" for writing")
	}
}
