# SPDX-License-Identifier: Apache-2.0
# int vdso_call(int64_t rdi, void* rsi, uint32_t edx): a system call of two arguments with the number in edx.
#
# A port whose programs need no `syscall` to reach it has put its way in into vdso_entry (kernel/vdso.cpp): that takes the
# number in rax and the address behind the instruction in rcx. The instruction stands before that address, because an
# interrupted call is repeated there.
.text
.globl vdso_call
.hidden vdso_call
.type vdso_call, @function
vdso_call:
	.cfi_startproc
	mov %edx, %eax
	lea 2f(%rip), %rcx
	mov vdso_entry(%rip), %r11
	test %r11, %r11
	jz 1f
	jmp *%r11
1:	syscall
2:	ret
	.cfi_endproc
.size vdso_call, . - vdso_call

.section .entry, "a"

.globl vdso_entry
.hidden vdso_entry
vdso_entry:
	.quad 0

.section .note.GNU-stack, "", @progbits
