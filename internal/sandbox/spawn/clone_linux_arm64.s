#include "textflag.h"

// func clone(trap, a1, a2 uintptr, next *call) (pid uintptr)
//
// clone or clone3, as trap says. In the new process R19 walks through the
// calls, 64 bytes each: number, six arguments, result. The first that fails
// ends it. Between SVCs nothing but registers is used, so that sharing our
// memory, our stack even, is safe.
TEXT ·clone(SB), NOSPLIT, $0-40
	MOVD trap+0(FP), R8
	MOVD a1+8(FP), R0
	MOVD a2+16(FP), R1
	MOVD next+24(FP), R19
	MOVD ZR, R2
	MOVD ZR, R3
	MOVD ZR, R4
	MOVD ZR, R5
	SVC
	CBZ  R0, step
	MOVD R0, pid+32(FP)
	RET
step:
	MOVD 0(R19), R8
	MOVD 8(R19), R0
	MOVD 16(R19), R1
	MOVD 24(R19), R2
	MOVD 32(R19), R3
	MOVD 40(R19), R4
	MOVD 48(R19), R5
	SVC
	MOVD R0, 56(R19)
	ADD  $64, R19
	CMN  $4095, R0
	BLO  step
	MOVD $94, R8 // exit_group
	MOVD $127, R0
	SVC
	BRK
