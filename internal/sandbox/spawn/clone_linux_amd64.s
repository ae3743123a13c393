#include "textflag.h"

// func clone(trap, a1, a2 uintptr, next *call) (pid uintptr)
//
// clone or clone3, as trap says. In the new process R12 walks through the
// calls, 64 bytes each: number, six arguments, result. The first that fails
// ends it. Between SYSCALLs nothing but registers is used, so that sharing our
// memory, our stack even, is safe.
TEXT ·clone(SB), NOSPLIT, $0-40
	MOVQ trap+0(FP), AX
	MOVQ a1+8(FP), DI
	MOVQ a2+16(FP), SI
	MOVQ next+24(FP), R12
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	XORL R9, R9
	SYSCALL
	TESTQ AX, AX
	JZ   step
	MOVQ AX, pid+32(FP)
	RET
step:
	MOVQ 0(R12), AX
	MOVQ 8(R12), DI
	MOVQ 16(R12), SI
	MOVQ 24(R12), DX
	MOVQ 32(R12), R10
	MOVQ 40(R12), R8
	MOVQ 48(R12), R9
	SYSCALL
	MOVQ AX, 56(R12)
	ADDQ $64, R12
	CMPQ AX, $0xfffffffffffff001
	JCS  step
	MOVL $231, AX // exit_group
	MOVL $127, DI
	SYSCALL
	INT  $3
