# SPDX-License-Identifier: Apache-2.0
# The ways into and out of the hosted kernel.
#
# A rewritten site jumps to a stub that repeats what stood before the `syscall` there, loads rcx with the address behind
# it, and jumps to hosted_syscall_entry: rcx and r11 are what the instruction itself would clobber. Nothing is pushed
# before the stack is switched, so the red zone survives. GS points at the Thread (kernel/process.hpp), whose fields
# these offsets name; Registers are laid out as pushed here (kernel/registers.hpp).
#
# The way out may be interrupted anywhere before its last instruction: the handler of the interrupt signal then starts it
# over from hosted_exit_to_user, because the Registers stay in place, above everything a signal frame may overwrite.

#include "cokernel/arch/common/registers.inc"

.set THREAD_SELF, 16
.set THREAD_STACK_TOP, 24
.set THREAD_USER_RSP, 32
.set THREAD_ATTENTION, 40
.set THREAD_QUICK_CALLS, 48
.set THREAD_PROCESS_ID, 56
.set THREAD_LINUX_CALLS, 64

.set USER_CS, 0x33
.set USER_SS, 0x2b
# Flags that the fast way out restores (CF PF AF ZF SF OF), and those that are always as they are (IF, bit 1).
.set ARITHMETIC_FLAGS, 0x8d5
.set CONSTANT_FLAGS, 0x202

.text

# Where sites of getpid arrive: nothing but rax and r11 changes, and no flag. An interrupt here is answered by finishing the
# call (trap.cpp), as if it had come behind it.
.globl hosted_getpid_entry
hosted_getpid_entry:
	mov %gs:THREAD_QUICK_CALLS, %r11
	lea 1(%r11), %r11
	mov %r11, %gs:THREAD_QUICK_CALLS
	mov %gs:THREAD_PROCESS_ID, %rax
	jmp *%rcx
.globl hosted_getpid_end
hosted_getpid_end:

.globl hosted_syscall_entry
hosted_syscall_entry:
	mov %rsp, %gs:THREAD_USER_RSP
	mov %gs:THREAD_STACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:THREAD_USER_RSP
	pushfq
	pushq $USER_CS
	push %rcx
	push %rax
	mov 24(%rsp), %r11      # rflags, as the instruction leaves it
	push %rdi
	push_registers_behind_rdi
	cld
	mov %gs:THREAD_SELF, %rdi
	mov %rsp, %rsi
	call hosted_serve
	# falls through

.globl hosted_exit_to_user
hosted_exit_to_user:
	cmpl $0, %gs:THREAD_ATTENTION
	jne .Lattention
	mov RFLAGS(%rsp), %rax
	test $~(ARITHMETIC_FLAGS | CONSTANT_FLAGS), %eax
	jnz .Lslow
	mov RIP(%rsp), %rcx
	cmp RCX(%rsp), %rcx
	jne .Lslow
	load_registers_kept_by_calls
	mov %eax, %r11d
	shr $11, %r11d
	and $1, %r11d
	mov %al, %ah
	mov %r11b, %al
	add $0x7f, %al          # overflows exactly if OF was set
	sahf                    # the other five
	mov R11(%rsp), %r11
	mov RAX(%rsp), %rax
	mov RSP(%rsp), %rsp
	jmp *%rcx

.Lslow:
	load_registers_kept_by_calls
	mov R11(%rsp), %r11
	mov RAX(%rsp), %rax
	mov RCX(%rsp), %rcx
	lea RIP(%rsp), %rsp
.globl hosted_iret
hosted_iret:
	iretq

.globl hosted_exit_window_end
hosted_exit_window_end:
.Lattention:
	mov %gs:THREAD_SELF, %rdi
	mov %rsp, %rsi
	call hosted_deliver
	jmp hosted_exit_to_user

# void hosted_resume_trap(Registers* rdi, uint64_t fpu rsi, uint64_t features rdx): leaves Linux's signal frame for good.
.globl hosted_resume_trap
hosted_resume_trap:
	mov %rdx, %rax
	shr $32, %rdx
	xrstor64 (%rsi)
	mov %rdi, %rsp
	mov %rdi, %rsi
	mov %gs:THREAD_SELF, %rdi
	call hosted_user_trap
	jmp hosted_exit_to_user

.globl hosted_go_to_user
hosted_go_to_user:
	mov %rdi, %rsp
	jmp hosted_exit_to_user

.globl hosted_restorer
hosted_restorer:
	incq %gs:THREAD_LINUX_CALLS
	mov $15, %eax
	syscall
	ud2

# int64_t hosted_clone(flags rdi, stack rsi, parent_tid* rdx, child_tid* rcx, Thread* r8)
.globl hosted_clone
hosted_clone:
	incq %gs:THREAD_LINUX_CALLS
	mov %rcx, %r10
	mov %r8, -8(%rsi)
	sub $8, %rsi
	xor %r8d, %r8d
	mov $56, %eax
	syscall
	test %rax, %rax
	jz 1f
	ret
1:	xor %ebp, %ebp
	pop %rdi
	call hosted_thread_main
	ud2

# void hosted_restart(Thread* rdi, stack rsi): the thread's stack is empty again.
.globl hosted_restart
hosted_restart:
	mov %rsi, %rsp
	xor %ebp, %ebp
	call hosted_thread_again
	ud2

# The boot loader's jump arrives here, with the boot parameters in rdi and Linux's AT_HWCAP2 in rsi.
.globl hosted_start
hosted_start:
	lea boot_stack_end(%rip), %rsp
	xor %ebp, %ebp
	call hosted_main
	ud2

.bss
.balign 4096
.skip 65536
boot_stack_end:

.section .note.GNU-stack, "", @progbits
