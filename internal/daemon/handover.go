package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/home"
)

// self is the program's file: the path it was started from while that still
// holds a program, so that an update takes effect, else the running image.
func self() string {
	if path, err := os.Executable(); err == nil {
		path = strings.TrimSuffix(path, " (deleted)")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return "/proc/self/exe"
}

// carry duplicates the listener and the lock for the next image. Clients that
// connect meanwhile wait in the listener's queue.
func (d *Daemon) carry() string {
	file, err := d.listener.File()
	if err != nil {
		return ""
	}
	d.carried = file
	for _, f := range []*os.File{file, d.lock} {
		if _, err := unix.FcntlInt(f.Fd(), unix.F_SETFD, 0); err != nil {
			return ""
		}
	}
	return fmt.Sprintf("%d,%d", file.Fd(), d.lock.Fd())
}

func withoutInherited(env []string) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, inherited+"=") {
			out = append(out, e)
		}
	}
	return out
}

// acquire takes the lock and the socket, from the image before or afresh. No
// error and no listener: another daemon has them.
func (d *Daemon) acquire() error {
	defer func() {
		d.file = fileOf(d.Socket)
		if d.listener != nil {
			d.listener.SetUnlinkOnClose(false) // the name may be a newer daemon's by then
		}
	}()
	if err := d.inherit(); err != nil || d.listener != nil {
		return err
	}
	dir := filepath.Dir(d.Socket)
	if err := home.MakeDir(dir); err != nil {
		return err
	}
	lock, err := tryLock(filepath.Join(dir, "daemon.lock"))
	if err != nil || lock == nil {
		return err
	}
	d.lock = lock
	if err := os.Remove(d.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	d.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: d.Socket, Net: "unix"})
	if err != nil {
		return err
	}
	return os.Chmod(d.Socket, 0o600)
}

func (d *Daemon) inherit() error {
	value := os.Getenv(inherited)
	if value == "" {
		return nil
	}
	_ = os.Unsetenv(inherited)
	var listener, lock int
	if _, err := fmt.Sscanf(value, "%d,%d", &listener, &lock); err != nil {
		return fmt.Errorf("%s is not two numbers", inherited)
	}
	unix.CloseOnExec(listener)
	unix.CloseOnExec(lock)
	file := os.NewFile(uintptr(listener), "listener")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return err
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		return fmt.Errorf("%s names no Unix socket", inherited)
	}
	d.listener, d.lock = u, os.NewFile(uintptr(lock), "lock")
	return nil
}

// fileID tells files apart; zero is none. As long as the listener is open, no
// other file can have its number.
type fileID struct{ dev, inode uint64 }

// socketIsOurs says whether clients still find this daemon.
func (d *Daemon) socketIsOurs() bool {
	file := fileOf(d.Socket)
	return file != fileID{} && file == d.file
}

func fileOf(path string) fileID {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileID{}
	}
	return fileID{uint64(st.Dev), st.Ino}
}

// tryLock takes a lock file without waiting; nil when somebody has it.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, f.Close()
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return f, nil
}
