// Package seccomp is the system-call filter of a sandbox as one table: each
// row names a call, the condition on its arguments, the answer and the reason.
//
// It is not the wall: namespaces and Landlock are. It closes what they leave
// open (nested namespaces, keyrings, io_uring, foreign socket families,
// set-id bits, terminal injection) and shrinks the kernel's attack surface.
//
// Its invariant: a foreign architecture or the x32 ABI dies, a call newer than
// the table is ENOSYS, and no row looks through a pointer.
package seccomp

import "golang.org/x/sys/unix"

// Action is the answer to a call that a Row matches.
type Action struct {
	Errno unix.Errno // 0 means the whole process is killed
}

// Op compares one argument.
type Op uint8

// The comparisons. All look at the low 32 bits: ioctl numbers, modes, flags
// and families are 32 bits wide in the kernel, and whatever stands above them
// is ignored there as well.
const (
	AnyOf Op = iota // argument & Mask has a bit set
	Is              // argument & Mask equals Values[0]
	NotIn           // argument & Mask equals none of Values
)

// Cond is a condition on argument Arg (0–5).
type Cond struct {
	Arg    uint8
	Op     Op
	Mask   uint32
	Values []uint32
}

// Row is one line of the table: when all conditions hold, the call gets the
// answer. Calls without a matching row are allowed.
type Row struct {
	Name string
	Nr   uint32
	When []Cond
	Then Action
	Why  string
}

func eperm(name string, nr uint32, why string, when ...Cond) Row {
	return Row{name, nr, when, Action{unix.EPERM}, why}
}

func enosys(name string, nr uint32, why string) Row {
	return Row{name, nr, nil, Action{unix.ENOSYS}, why}
}

func anyOf(arg uint8, mask uint32) Cond { return Cond{arg, AnyOf, mask, nil} }

func is(arg uint8, mask, v uint32) Cond { return Cond{arg, Is, mask, []uint32{v}} }

func notIn(arg uint8, vs ...uint32) Cond { return Cond{arg, NotIn, ^uint32(0), vs} }

// Table returns the rows for the architecture this binary was built for.
func Table() []Row {
	rows := append(commonRows(), archRows()...)
	return append(rows, socketRows()...)
}
