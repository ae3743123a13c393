package sandbox

import (
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls about paths, thousands of them and chosen by chance, have the same
// results with the name broker as with the kernel alone.
func TestStrictNamesBehaveLikeTheKernel(t *testing.T) {
	seeds := 6
	if n, err := strconv.Atoi(os.Getenv("BAILEY_PATH_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range seeds {
		plain, with := comparePaths(t, seed, false), comparePaths(t, seed, true)
		if len(plain) < 1000 {
			t.Fatalf("only %d lines: %s", len(plain), strings.Join(plain, "\n"))
		}
		for i := range plain {
			if i >= len(with) || plain[i] != with[i] {
				t.Fatalf("seed %d, line %d:\nkernel %s\nbroker %s", seed, i, plain[i], strings.Join(with[min(i, len(with)):min(i+1, len(with))], ""))
			}
		}
	}
}

func comparePaths(t *testing.T, seed int, broker bool) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, ws := baseSpec(t, "")
	// What the calls closed to everybody is to be removed all the same.
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+rwX", ws).Run() })
	s.Mounts = append(s.Mounts, Mount{Source: self, Target: "/opt/self"})
	s.Path, s.Args = "/opt/self", []string{"self", callArg, "paths", strconv.Itoa(seed), ws}
	if broker {
		s = strict(s, ws)
	}
	out, e := run(t, s)
	if e.Code != 0 {
		t.Fatalf("%+v\n%s", e, out)
	}
	return strings.Split(strings.ReplaceAll(out, ws, "WS"), "\n")
}

// paths is the state of one run.
type paths struct {
	*rand.Rand
	root string
	dirs []int
}

// performPaths makes calls and prints how each ended.
func performPaths(seed, root string) {
	n, _ := strconv.Atoi(seed)
	if err := os.Chdir(root); err != nil {
		panic(err)
	}
	p := &paths{Rand: rand.New(rand.NewSource(int64(n))), root: root}
	p.setUp()
	for i := range 2500 {
		fmt.Println(i, p.one())
	}
	_ = filepath.WalkDir(".", func(name string, _ fs.DirEntry, _ error) error {
		var st unix.Stat_t
		err := unix.Lstat(name, &st)
		to, _ := os.Readlink(name)
		fmt.Println("left", name, err, strconv.FormatUint(uint64(st.Mode), 8), st.Uid, st.Size, st.Nlink, to)
		return nil
	})
}

// setUp makes the directories, among them what is open as descriptors.
func (p *paths) setUp() {
	for _, d := range []string{"d1", "d1/e", "d2", "d2/f/g", "deep/er"} {
		_ = os.MkdirAll(d, 0o755)
	}
	for name, to := range map[string]string{"loop": "loop", "dangling": "d1/new", "todir": "d1/e", "up": "d1/../d2",
		"abs": p.root + "/d2/f", "slash": "d1/e/", "tofile": "file", "chain": "dangling", "self": "/proc/self/cwd/d1", "fdlink": "/proc/self/fd/0"} {
		_ = os.Symlink(to, name)
	}
	_ = os.WriteFile("file", []byte("0123456789"), 0o644)
	_ = unix.Mkfifo("fifo", 0o644)
	for _, d := range []string{".", "d1", "d2/f", "file", "deep"} {
		fd, err := unix.Open(d, unix.O_RDONLY, 0)
		if err != nil {
			panic(err)
		}
		p.dirs = append(p.dirs, fd)
	}
	p.dirs = append(p.dirs, 99, -1, unix.AT_FDCWD, unix.AT_FDCWD, unix.AT_FDCWD, unix.AT_FDCWD)
}

var pieces = []string{"d1", "d2", "e", "f", "g", "new", "x", "y", "z", "file", "loop", "dangling", "todir", "up", "abs", "slash", "tofile", "chain", "self",
	"..", ".", "", "fifo", "deep", "er", strings.Repeat("n", 255), strings.Repeat("n", 256)}

var whole = []string{"", "/", "//", ".", "..", "/dev/null", "/dev/stdin", "/proc/self/cwd/x", "/proc/self/fd/0", "/proc/thread-self/fd/0", "/proc/self/comm",
	"/proc/1/comm", "/proc/1/cwd/x", "/proc/1/fd/0", "/proc/self/nothing", "/proc/x", "/usr/x", "/etc/x", "/x", "/tmp/x", "/dev/full", "/dev/tty", "fdlink",
	strings.Repeat("d1/../", 680) + "x", strings.Repeat("d1/../", 690) + "x", "/proc/self/root/tmp/x", "/proc/self/exe", "/proc/999999/fd/0", "/proc/self/../self/cwd/d1/x"}

func (p *paths) path() string {
	if p.Intn(6) == 0 {
		return whole[p.Intn(len(whole))]
	}
	var parts []string
	for range 1 + p.Intn(3) {
		parts = append(parts, pieces[p.Intn(len(pieces))])
	}
	s := strings.Join(parts, "/")
	switch p.Intn(12) {
	case 0:
		s += "/"
	case 1:
		s = p.root + "/" + s
	case 2:
		s += "//"
	}
	return s
}

func (p *paths) dir() int { return p.dirs[p.Intn(len(p.dirs))] }

// ptr is now and then no text.
func (p *paths) ptr(s string) uintptr {
	switch p.Intn(150) {
	case 0:
		return 0
	case 1:
		return 8
	}
	b, err := unix.BytePtrFromString(s)
	if err != nil {
		panic(err)
	}
	kept = append(kept, b)
	return uintptr(unsafe.Pointer(b))
}

var kept []*byte // what the kernel is told of by number

func (p *paths) one() string {
	a, b := p.path(), p.path()
	da, db := p.dir(), p.dir()
	var errno unix.Errno
	call := func(nr uintptr, args ...uintptr) {
		var six [6]uintptr
		copy(six[:], args)
		_, _, errno = unix.Syscall6(nr, six[0], six[1], six[2], six[3], six[4], six[5])
	}
	at := uintptr(da)
	what := ""
	switch n := p.Intn(20); n {
	case 0, 1, 2, 3, 4, 5, 6:
		return p.open(da, a)
	case 7:
		mode := uintptr(p.Intn(0o1000))
		what = fmt.Sprint("mkdir ", mode)
		call(unix.SYS_MKDIRAT, at, p.ptr(a), mode)
	case 8, 9:
		flags := []uintptr{0, 0, 0, 1, 2, 2, 3, 8}[p.Intn(8)]
		what = fmt.Sprint("rename ", db, " ", b, " ", flags)
		call(unix.SYS_RENAMEAT2, at, p.ptr(a), uintptr(db), p.ptr(b), flags)
	case 10, 11:
		flags := []uintptr{0, 0, unix.AT_SYMLINK_FOLLOW, 0x10}[p.Intn(4)]
		what = fmt.Sprint("link ", db, " ", b, " ", flags)
		call(unix.SYS_LINKAT, at, p.ptr(a), uintptr(db), p.ptr(b), flags)
	case 12:
		what = "symlink " + b
		call(unix.SYS_SYMLINKAT, p.ptr(b), at, p.ptr(a))
	case 13:
		size := []int64{0, 5, 4096, -1}[p.Intn(4)]
		what = fmt.Sprint("truncate ", size)
		call(unix.SYS_TRUNCATE, p.ptr(a), uintptr(size))
	case 14:
		mode := []uintptr{unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFDIR, 0, unix.S_IFLNK}[p.Intn(7)] | 0o666
		what = fmt.Sprint("mknod ", mode)
		call(unix.SYS_MKNODAT, at, p.ptr(a), mode, 0x103)
	case 15, 16:
		flag := []uintptr{0, unix.AT_REMOVEDIR}[p.Intn(2)]
		what = fmt.Sprint("unlink ", flag)
		call(unix.SYS_UNLINKAT, at, p.ptr(a), flag)
	case 17:
		mask := p.Intn(0o100)
		return fmt.Sprint("umask ", mask, unix.Umask(mask))
	case 18:
		mode := []uint32{0o755, 0o755, 0o755, 0o500, 0o300, 0}[p.Intn(6)]
		return fmt.Sprint("chmod ", mode, " d1 ", unix.Fchmod(p.dirs[1], mode))
	default:
		p.setUpAgain()
		return "again"
	}
	return fmt.Sprintf("%s %d %s: %v", what, da, a, errno)
}

// setUpAgain brings back what was removed, now and then.
func (p *paths) setUpAgain() {
	_ = unix.Fchmod(p.dirs[1], 0o755)
	for _, d := range []string{"d1/e", "d2/f/g", "deep/er"} {
		_ = os.MkdirAll(d, 0o755)
	}
	_ = os.Symlink("d1/new", "dangling")
	if fd, err := unix.Open("file", unix.O_CREAT|unix.O_WRONLY|unix.O_NONBLOCK, 0o644); err == nil { // it may be the FIFO by now
		_, _ = unix.Write(fd, []byte("0123456789"))
		unix.Close(fd)
	}
}

// open never blocks: whether a FIFO is there differs only in time.
func (p *paths) open(dir int, name string) string {
	flags := unix.O_NONBLOCK | []int{unix.O_RDONLY, unix.O_WRONLY, unix.O_RDWR, unix.O_WRONLY, 3}[p.Intn(5)]
	for _, f := range []int{unix.O_CREAT, unix.O_CREAT, unix.O_EXCL, unix.O_TRUNC, unix.O_APPEND, unix.O_DIRECTORY, unix.O_NOFOLLOW, unix.O_CLOEXEC, unix.O_TMPFILE,
		unix.O_SYNC, unix.O_PATH, 1 << 30, unix.O_NOATIME} {
		if p.Intn(6) == 0 {
			flags |= f
		}
	}
	mode := p.Intn(0o1000)
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), p.ptr(name), uintptr(flags), uintptr(mode), 0, 0)
	s := fmt.Sprintf("open %d %s %#o %#o: %v", dir, name, flags, mode, errno)
	if errno != 0 {
		return s
	}
	defer unix.Close(int(fd))
	var st unix.Stat_t
	err := unix.Fstat(int(fd), &st)
	fl, _ := unix.FcntlInt(fd, unix.F_GETFL, 0)
	cl, _ := unix.FcntlInt(fd, unix.F_GETFD, 0)
	size := st.Size
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		size = 0
	}
	n, werr := 0, error(nil)
	if st.Mode&unix.S_IFMT == unix.S_IFREG && !strings.HasPrefix(name, "/proc") {
		n, werr = unix.Write(int(fd), []byte("written"))
	}
	return s + fmt.Sprintf(" fd %d mode %#o size %d nlink %d fl %#o cl %d %v; wrote %d %v", fd, st.Mode, size, st.Nlink, fl, cl, err, n, werr)
}
