package seccomp

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)); both architectures are little
// endian, so the low half of an argument stands first.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

func stmt(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func jump(code uint16, k uint32, jt, jf uint8) unix.SockFilter {
	return unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k}
}

func ret(a Action) unix.SockFilter {
	if a.Errno == 0 {
		return stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_KILL_PROCESS)
	}
	return stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ERRNO|uint32(a.Errno))
}

const (
	ld  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	jeq = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jge = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	jgt = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	set = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	and = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
)

// Program compiles the table to classic BPF.
func Program(rows []Row) []unix.SockFilter {
	p := []unix.SockFilter{
		stmt(ld, offArch),
		jump(jeq, auditArch, 1, 0),
		ret(Action{}),
		stmt(ld, offNr),
	}
	if x32Bit != 0 {
		p = append(p, jump(jge, x32Bit, 0, 1), ret(Action{}))
	}
	p = append(p, jump(jgt, lastKnown, 0, 1), ret(Action{unix.ENOSYS}))
	for _, r := range rows {
		p = append(p, compile(r)...)
	}
	return append(p, stmt(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW))
}

// compile leaves the call's number in the accumulator for the next row.
func compile(r Row) []unix.SockFilter {
	var body []unix.SockFilter
	for _, c := range r.When {
		body = append(body, condition(c)...)
	}
	body = append(body, ret(r.Then))
	// A condition that fails jumps to the reload behind the answer.
	for i := range body {
		if body[i].Jf == failed {
			body[i].Jf = uint8(len(body) - i - 1)
		}
		if body[i].Jt == failed {
			body[i].Jt = uint8(len(body) - i - 1)
		}
	}
	if len(r.When) > 0 {
		body = append(body, stmt(ld, offNr))
	}
	return append([]unix.SockFilter{jump(jeq, r.Nr, 0, uint8(len(body)))}, body...)
}

// failed stands for "this row does not match" until compile knows where that
// is. No row is long enough to need the distance itself.
const failed = 255

func condition(c Cond) []unix.SockFilter {
	p := []unix.SockFilter{stmt(ld, offArgs+8*uint32(c.Arg))}
	if c.Op == AnyOf {
		return append(p, jump(set, c.Mask, 0, failed))
	}
	if c.Mask != ^uint32(0) {
		p = append(p, stmt(and, c.Mask))
	}
	if c.Op == Is {
		return append(p, jump(jeq, c.Values[0], 0, failed))
	}
	for _, v := range c.Values {
		p = append(p, jump(jeq, v, failed, 0))
	}
	return p
}

// Install puts the filter on the calling thread, which must be locked and must
// already have no_new_privs. It returns the number of rows in force.
func Install() (int, error) {
	rows := Table()
	p := Program(rows)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w", errno)
	}
	return len(rows), nil
}
