# SPDX-License-Identifier: Apache-2.0
# Access to user memory that may fault: each routine's faulting instructions are listed in hosted_fixups, and a fault there
# continues at the routine's failure exit.

.text

# bool hosted_copy(to rdi, from rsi, size rdx)
.globl hosted_copy
hosted_copy:
	mov %rdx, %rcx
.Lcopy:	rep movsb
.Lcopy_end:
	mov $1, %eax
	ret

# int64_t hosted_copy_string(to rdi, from rsi, limit rdx): length, -1 fault, -2 too long
.globl hosted_copy_string
hosted_copy_string:
	xor %eax, %eax
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
3:	ret

# bool hosted_load_word(from rdi, value* rsi)
.globl hosted_load_word
hosted_load_word:
.Lload:	mov (%rdi), %eax
.Lload_end:
	mov %eax, (%rsi)
	mov $1, %eax
	ret

# bool hosted_compare_exchange(word* rdi, expected* rsi, desired edx)
.globl hosted_compare_exchange
hosted_compare_exchange:
	mov (%rsi), %eax
.Lexchange:
	lock cmpxchg %edx, (%rdi)
.Lexchange_end:
	mov %eax, (%rsi)
	mov $1, %eax
	ret

# bool hosted_xsave(to rdi, features rsi)
.globl hosted_xsave
hosted_xsave:
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
.Lxsave:
	xsave64 (%rdi)
.Lxsave_end:
	mov $1, %eax
	ret

# bool hosted_xrstor(from rdi, features rsi)
.globl hosted_xrstor
hosted_xrstor:
	mov %rsi, %rax
	mov %rsi, %rdx
	shr $32, %rdx
.Lxrstor:
	xrstor64 (%rdi)
.Lxrstor_end:
	mov $1, %eax
	ret

.Lfail:	xor %eax, %eax
	ret
.Lfail_string:
	mov $-1, %rax
	ret

.section .rodata
.balign 8
.globl hosted_fixups
hosted_fixups:
	.quad .Lcopy, .Lcopy_end, .Lfail
	.quad .Lstring, .Lstring_end, .Lfail_string
	.quad .Lload, .Lload_end, .Lfail
	.quad .Lexchange, .Lexchange_end, .Lfail
	.quad .Lxsave, .Lxsave_end, .Lfail
	.quad .Lxrstor, .Lxrstor_end, .Lfail
.globl hosted_fixups_end
hosted_fixups_end:

.section .note.GNU-stack, "", @progbits
