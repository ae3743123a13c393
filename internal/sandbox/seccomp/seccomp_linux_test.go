package seccomp

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// data is struct seccomp_data without the instruction pointer.
type data struct {
	arch, nr uint32
	args     [6]uint64
}

// plain says what the table means, in as few words as possible.
func plain(d data) uint32 {
	switch {
	case d.arch != auditArch, x32Bit != 0 && d.nr >= x32Bit:
		return unix.SECCOMP_RET_KILL_PROCESS
	case d.nr > lastKnown:
		return unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	}
	for _, r := range Table() {
		if r.Nr == d.nr && holds(r.When, d.args) {
			if r.Then.Errno == 0 {
				return unix.SECCOMP_RET_KILL_PROCESS
			}
			return unix.SECCOMP_RET_ERRNO | uint32(r.Then.Errno)
		}
	}
	return unix.SECCOMP_RET_ALLOW
}

func holds(when []Cond, args [6]uint64) bool {
	for _, c := range when {
		v := uint32(args[c.Arg]) & c.Mask
		among := false
		for _, want := range c.Values {
			among = among || v == want
		}
		if c.Op == AnyOf && v == 0 || c.Op == Is && !among || c.Op == NotIn && among {
			return false
		}
	}
	return true
}

// interpret runs the compiled program as the kernel would (bpf(4)). What it
// does not know is an error: so nothing passes by an instruction left out.
func interpret(p []unix.SockFilter, d data) (uint32, error) {
	var a uint32
	for pc := 0; pc < len(p); pc++ {
		in := p[pc]
		taken := false
		switch in.Code {
		case ld:
			switch {
			case in.K == offNr:
				a = d.nr
			case in.K == offArch:
				a = d.arch
			case in.K >= offArgs && in.K%8 == 0:
				a = uint32(d.args[(in.K-offArgs)/8])
			default:
				return 0, fmt.Errorf("load from %d", in.K)
			}
			continue
		case and:
			a &= in.K
			continue
		case unix.BPF_RET | unix.BPF_K:
			return in.K, nil
		case jeq:
			taken = a == in.K
		case jge:
			taken = a >= in.K
		case jgt:
			taken = a > in.K
		case set:
			taken = a&in.K != 0
		default:
			return 0, fmt.Errorf("instruction %#x", in.Code)
		}
		if taken {
			pc += int(in.Jt)
		} else {
			pc += int(in.Jf)
		}
	}
	return 0, fmt.Errorf("ran off the end")
}

// samples are calls that lie on every edge of the table, and some that do not.
func samples() []data {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []data
	for _, r := range Table() {
		for range 40 {
			d := data{arch: auditArch, nr: r.Nr}
			for i := range d.args {
				d.args[i] = rng.Uint64() >> rng.IntN(64)
			}
			for _, c := range r.When { // near what the row asks for
				d.args[c.Arg] = near(rng, c)
			}
			all = append(all, d)
		}
	}
	for nr := range uint32(lastKnown + 40) {
		all = append(all, data{arch: auditArch, nr: nr}, data{arch: auditArch, nr: nr | 0x40000000}, data{arch: 0x40000003, nr: nr})
	}
	return append(all, data{arch: auditArch, nr: ^uint32(0)}, data{})
}

// near is a value that a condition holds or just does not hold for, often with
// bits above those that the kernel reads.
func near(rng *rand.Rand, c Cond) uint64 {
	v := c.Mask
	if len(c.Values) > 0 {
		v = c.Values[rng.IntN(len(c.Values))]
	}
	switch rng.IntN(5) {
	case 0:
		v = 0
	case 1:
		v++
	case 2:
		v ^= 1 << rng.IntN(32)
	case 3:
		v |= ^c.Mask & rng.Uint32()
	}
	return uint64(v) | uint64(rng.Uint32N(3))<<32
}

func TestProgramMeansTheTable(t *testing.T) {
	p := Program(Table())
	if len(p) > 4096 {
		t.Fatalf("%d instructions: the kernel takes 4096 (BPF_MAXINSNS)", len(p))
	}
	answers := map[uint32]int{}
	for _, d := range samples() {
		got, err := interpret(p, d)
		if want := plain(d); err != nil || got != want {
			t.Fatalf("%+v: %#x, %v; the table says %#x", d, got, err, want)
		}
		answers[got]++
	}
	for _, want := range []uint32{unix.SECCOMP_RET_ALLOW, unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM), unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)} {
		if answers[want] < 100 {
			t.Errorf("%d samples end in %#x: they prove nothing", answers[want], want)
		}
	}
}

// Each row has a reason, is reached by some call, and refuses it.
func TestEveryRowCounts(t *testing.T) {
	rows := Table()
	for i, r := range rows {
		if r.Name == "" || len(r.Why) < 10 || r.Nr > lastKnown {
			t.Errorf("row %d: %+v", i, r)
		}
		less := append(append([]Row{}, rows[:i]...), rows[i+1:]...)
		with, without := Program(rows), Program(less)
		counts := false
		for _, d := range samples() {
			if d.nr == r.Nr {
				a, _ := interpret(with, d)
				b, _ := interpret(without, d)
				counts = counts || a != b
			}
		}
		if !counts {
			t.Errorf("without the row for %s (%s) nothing would change", r.Name, r.Why)
		}
	}
}

// The kernel itself answers every refused sample as the table says. Allowed ones
// are not tried: they would be performed.
func TestKernelAnswersAsTheTableSays(t *testing.T) {
	const child = "BAILEY_TEST_KERNEL"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", t.Name(), "-test.v")
		cmd.Env = append(os.Environ(), child+"=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "refused samples") {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	runtime.LockOSThread() // and never unlocked: the filter stays
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range samples() {
		want := plain(d)
		if want&unix.SECCOMP_RET_ACTION_FULL != unix.SECCOMP_RET_ERRNO {
			continue
		}
		n++
		_, _, errno := unix.RawSyscall6(uintptr(d.nr), uintptr(d.args[0]), uintptr(d.args[1]), uintptr(d.args[2]),
			uintptr(d.args[3]), uintptr(d.args[4]), uintptr(d.args[5]))
		if errno != unix.Errno(want&0xffff) {
			t.Errorf("%+v: %v, the table says %v", d, errno, unix.Errno(want&0xffff))
		}
	}
	t.Logf("%d refused samples", n)
}
