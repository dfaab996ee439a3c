# SPDX-License-Identifier: Apache-2.0
# The ways into and out of the kernel.
#
# GS is the user's in user mode and points at the Cpu (cpu.hpp) in the kernel. A thread's Registers
# (kernel/registers.hpp) lie at the top of its kernel stack: a system call pushes them there; what interrupts user
# mode is pushed further down, because the CPU aligns the stack, and is moved there. Interrupts are off from the last
# look at `attention` and `reschedule` to user mode, so nothing that is asked for with an interrupt is missed.

#include "cokernel/arch/common/registers.inc"

.set CPU_SELF, 0
.set CPU_THREAD, 8
.set CPU_STACK_TOP, 16
.set CPU_USER_RSP, 24
.set CPU_RESCHEDULE, 32
.set CPU_IDLE_STACK_TOP, 40
.set THREAD_ATTENTION, 40

.set USER_CS32, 0x23
.set USER_SS, 0x2b
.set USER_CS, 0x33
.set KERNEL_CS, 0x10
.set KERNEL_SS, 0x18
.set TRAP_OR_RESUME_FLAG, 0x10100
.set NO_SUCH_CALL, 640   # kernel/syscall.hpp: syscall_limit
.set BOOT_CPU_APIC_ID, 2540  # in the boot parameters
.set MSR_EFER, 0xc0000080
.set EFER_NXE, 0x800

.macro forbid_user_memory
	cmpb $0, x86_has_smap(%rip)
	je .Lno_smap\@
	clac
.Lno_smap\@:
.endm

.macro pop_registers_to_rsi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
.endm

.text

# ---- CPUs arrive: rdi = boot parameters, esi = APIC id, the starter's page tables, no stack (abi/x86_64.h)
# ------------

.globl x86_start
x86_start:
	cli
	cld
	cmp %esi, BOOT_CPU_APIC_ID(%rdi)
	jne .Larrive
	lea x86_boot_stack_top(%rip), %rsp
	xor %ebp, %ebp
	call x86_main
	ud2

.Larrive:
	pause
	cmpq $0, x86_kernel_cr3(%rip)
	je .Larrive
	cmpb $0, x86_has_nx(%rip)
	je 1f
	mov $MSR_EFER, %ecx
	rdmsr
	or $EFER_NXE, %eax
	wrmsr
1:	mov x86_kernel_cr3(%rip), %rax
	mov %rax, %cr3
.Llook_for_offer:
	pause
	cmpl $0, x86_stopping(%rip)
	jne x86_halt_forever
	lea x86_offers(%rip), %rdi
	mov $256, %ecx
2:	cmp %esi, 4(%rdi)
	jne 3f
	mov $1, %eax
	mov $2, %edx
	lock cmpxchg %edx, (%rdi)
	je .Ltake_offer
3:	add $16, %rdi
	dec %ecx
	jnz 2b
	jmp .Llook_for_offer
.Ltake_offer:
	mov 8(%rdi), %rdi
	mov CPU_IDLE_STACK_TOP(%rdi), %rsp
	xor %ebp, %ebp
	call x86_secondary_main
	ud2

# void x86_load_segments(table_pointer rdi)
.globl x86_load_segments
x86_load_segments:
	lgdt (%rdi)
	mov $KERNEL_SS, %eax
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	pop %rax
	pushq $KERNEL_CS
	push %rax
	lretq

# ---- System calls ---------------------------------------------------------------------------------------------------

.globl x86_syscall_entry
x86_syscall_entry:
	swapgs
	mov %rsp, %gs:CPU_USER_RSP
	mov %gs:CPU_STACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:CPU_USER_RSP
	push %r11
	pushq $USER_CS
	push %rcx
	mov %eax, %eax
	push %rax
.Lserve:
	push %rdi
	push_registers_behind_rdi
	sti
	mov %gs:CPU_THREAD, %rdi
	mov %rsp, %rsi
	xor %ebp, %ebp
	call x86_serve
	# falls through

# rsp = the running thread's Registers.
.globl x86_exit_to_user
x86_exit_to_user:
	cli
	mov %gs:CPU_THREAD, %rdi
	cmpl $0, THREAD_ATTENTION(%rdi)
	jne .Lattention
	cmpl $0, %gs:CPU_RESCHEDULE
	jne .Lreschedule
	# sysret, where it does the same as iret: rcx and r11 are what it takes rip and the flags from.
	mov RIP(%rsp), %rcx
	mov RFLAGS(%rsp), %r11
	cmp RCX(%rsp), %rcx
	jne .Lslow
	cmp R11(%rsp), %r11
	jne .Lslow
	cmpq $USER_CS, CS(%rsp)
	jne .Lslow
	test $TRAP_OR_RESUME_FLAG, %r11d
	jnz .Lslow
	mov %rcx, %rax
	shr $47, %rax
	jnz .Lslow
	load_registers_kept_by_calls
	mov RAX(%rsp), %rax
	mov RSP(%rsp), %rsp
	swapgs
	sysretq

.Lslow:
	pop_registers_to_rsi
	pop %rdi
	add $8, %rsp
	swapgs
.globl x86_iret
x86_iret:
	iretq

.Lattention:
	sti
	mov %rsp, %rsi
	call x86_deliver
	jmp x86_exit_to_user

.Lreschedule:
	call x86_reschedule
	jmp x86_exit_to_user

# From compatibility mode, which only AMD's CPUs let come here: no call of ours.
.globl x86_syscall32_entry
x86_syscall32_entry:
	swapgs
	mov %rsp, %gs:CPU_USER_RSP
	mov %gs:CPU_STACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:CPU_USER_RSP
	push %r11
	pushq $USER_CS32
	push %rcx
	pushq $NO_SUCH_CALL
	jmp .Lserve

.globl x86_go_to_user
x86_go_to_user:
	mov %rdi, %rsp
	jmp x86_exit_to_user

# ---- Interrupts and exceptions ---------------------------------------------------------------------------------------
# Each vector's stub leaves an error code where Registers have `number`, and its vector in edi.

.balign 16
.Lstubs:
.set vector, 0
.rept 256
	.balign 16
	.if vector == 2
	jmp .Lnmi
	.else
	.if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
	pushq $0
	.endif
	push %rdi
	mov $vector, %edi
	.if vector == 8 || vector == 18
	jmp .Lfatal
	.else
	jmp .Ltrap
	.endif
	.endif
	.set vector, vector + 1
.endr

.Ltrap:
	push_registers_behind_rdi
	cld
	forbid_user_memory
	mov %edi, %r12d
	mov NUMBER(%rsp), %r13
	testb $3, CS(%rsp)
	jz .Lfrom_kernel
	swapgs
	mov %rsp, %rsi
	mov %gs:CPU_STACK_TOP, %rdi
	sub $REGISTERS_SIZE, %rdi
	mov %rdi, %rbx
	mov $(REGISTERS_SIZE / 8), %ecx
	rep movsq
	mov %rbx, %rsp
	movq $-1, NUMBER(%rsp)  # no_call
	mov %rsp, %rdi
	mov %r12d, %esi
	mov %r13, %rdx
	xor %ebp, %ebp
	call x86_user_trap
	jmp x86_exit_to_user

.Lfrom_kernel:
	lea x86_iret(%rip), %rax
	cmp %rax, RIP(%rsp)
	je .Lbad_return
	mov %rsp, %rdi
	mov %r12d, %esi
	mov %r13, %rdx
	call x86_kernel_trap
	pop_registers_to_rsi
	pop %rdi
	add $8, %rsp
	iretq

# iret found registers it cannot go to: the program's fault. GS is the user's already.
.Lbad_return:
	swapgs
	mov %rsp, %rdi
	xor %ebp, %ebp
	call x86_bad_return
	mov %gs:CPU_STACK_TOP, %rsp
	sub $REGISTERS_SIZE, %rsp
	jmp x86_exit_to_user

.Lfatal:
	push_registers_behind_rdi
	cld
	forbid_user_memory
	mov %edi, %esi
	mov NUMBER(%rsp), %rdx
	mov %rsp, %rdi
	call x86_fatal_trap
	ud2

.Lnmi:
	cmpl $0, x86_stopping(%rip)
	jne x86_halt_forever
	iretq

# void x86_stop_cpu(state rdi, busy rsi)
.globl x86_stop_cpu
x86_stop_cpu:
	movl $0, (%rdi)
	movl $0, (%rsi)
	# falls through

.globl x86_halt_forever
x86_halt_forever:
	cli
1:	hlt
	jmp 1b

# ---- Threads --------------------------------------------------------------------------------------------------------

# void x86_switch(uint64_t* from rdi, uint64_t to rsi)
.globl x86_switch
x86_switch:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	ret

.globl x86_thread_start
x86_thread_start:
	xor %ebp, %ebp
	call x86_thread_main
	ud2

.section .rodata
.balign 8
.globl x86_vectors
x86_vectors:
.set vector, 0
.rept 256
	.quad .Lstubs + 16 * vector
	.set vector, vector + 1
.endr

.data
.globl x86_has_smap
x86_has_smap: .byte 0
.globl x86_has_nx
x86_has_nx: .byte 0
.balign 8
.globl x86_stopping
x86_stopping: .long 0
.balign 8
.globl x86_kernel_cr3
x86_kernel_cr3: .quad 0

.bss
.balign 16
.globl x86_offers
x86_offers: .skip 4096  # 256 of 16 bytes
.balign 4096
.skip 32768
.globl x86_boot_stack_top
x86_boot_stack_top:

.section .note.GNU-stack, "", @progbits
