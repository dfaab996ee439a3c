# SPDX-License-Identifier: Apache-2.0
# Access to user memory that may fault: each routine's faulting instructions are listed in user_fixups, and a fault
# there continues at the routine's failure exit. What the kernel must do before and after it reaches user memory at
# all is the port's (user_access.inc): it may use r8 and flags, and the failure exits do it, too.

#include <user_access.inc>

.text

# bool user_copy(to rdi, from rsi, size rdx)
.globl user_copy
user_copy:
	mov %rdx, %rcx
	allow_user_access
.Lcopy:	rep movsb
.Lcopy_end:
	forbid_user_access
	mov $1, %eax
	ret

# int64_t user_copy_string(to rdi, from rsi, limit rdx): length, -1 fault, -2 too long
.globl user_copy_string
user_copy_string:
	xor %eax, %eax
	allow_user_access
1:	cmp %rdx, %rax
	je 2f
.Lstring:
	movb (%rsi,%rax), %cl
.Lstring_end:
	movb %cl, (%rdi,%rax)
	test %cl, %cl
	jz 3f
	inc %rax
	jmp 1b
2:	mov $-2, %rax
3:	forbid_user_access
	ret

# bool user_load_word(from rdi, value* rsi)
.globl user_load_word
user_load_word:
	allow_user_access
.Lload:	mov (%rdi), %eax
.Lload_end:
	forbid_user_access
	mov %eax, (%rsi)
	mov $1, %eax
	ret

# bool user_compare_exchange(word* rdi, expected* rsi, desired edx)
.globl user_compare_exchange
user_compare_exchange:
	mov (%rsi), %eax
	allow_user_access
.Lexchange:
	lock cmpxchg %edx, (%rdi)
.Lexchange_end:
	forbid_user_access
	mov %eax, (%rsi)
	mov $1, %eax
	ret

# bool user_xsave(to rdi, features rsi)
.globl user_xsave
user_xsave:
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
	allow_user_access
.Lxsave:
	xsave64 (%rdi)
.Lxsave_end:
	forbid_user_access
	mov $1, %eax
	ret

# bool user_xrstor(from rdi, features rsi)
.globl user_xrstor
user_xrstor:
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
	allow_user_access
.Lxrstor:
	xrstor64 (%rdi)
.Lxrstor_end:
	forbid_user_access
	mov $1, %eax
	ret

.Lfail:	forbid_user_access
	xor %eax, %eax
	ret
.Lfail_string:
	forbid_user_access
	mov $-1, %rax
	ret

.section .rodata
.balign 8
.globl user_fixups
user_fixups:
	.quad .Lcopy, .Lcopy_end, .Lfail
	.quad .Lstring, .Lstring_end, .Lfail_string
	.quad .Lload, .Lload_end, .Lfail
	.quad .Lexchange, .Lexchange_end, .Lfail
	.quad .Lxsave, .Lxsave_end, .Lfail
	.quad .Lxrstor, .Lxrstor_end, .Lfail
.globl user_fixups_end
user_fixups_end:

.section .note.GNU-stack, "", @progbits
