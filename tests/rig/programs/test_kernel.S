/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel of some instructions for tests of the driver, position-independent: rdi is the boot parameters, esi the APIC
 * id (abi/x86_64.h). The boot CPU says that it runs, rings, and counts its heartbeats; when its own bell is rung it
 * says so and rings back; when it is told to stop it does. It looks for interrupts and never takes one. */
#include "tests/rig/programs/test_kernel.h"

	.section .rodata
	.globl test_kernel, test_kernel_end
	.balign 16
test_kernel:
	lock incq TEST_ARRIVALS(%rdi)
	movq TEST_CR3(%rdi), %rax
	movq %rax, %cr3
	leaq TEST_STACK_END(%rdi), %rsp
	cmpl PARAMS_BOOT_APIC_ID(%rdi), %esi
	jne .Lhalt
	cmpl $TEST_MODE_HANG, TEST_MODE(%rdi)
	je .Lhang

	movl $LOCAL_APIC, %r8d
	movl APIC_SPURIOUS(%r8), %eax
	orl $0x1ff, %eax /* enabled */
	movl %eax, APIC_SPURIOUS(%r8)
	movl $1, PARAMS_STATE(%rdi) /* RUNNING */
	call .Lring
.Lloop:
	lock incq PARAMS_HEARTBEAT(%rdi)
	pause
	cmpl $0, TEST_STOP(%rdi)
	jne .Lstop
	movl APIC_REQUESTS_7(%r8), %eax
	btl $(DOORBELL_VECTOR - 0xe0), %eax
	jnc .Lloop
	cmpl $0, TEST_HEARD(%rdi)
	jne .Lloop
	movl $1, TEST_HEARD(%rdi)
	call .Lring
	jmp .Lloop

.Lstop:
	movl $2, PARAMS_STATE(%rdi) /* STOPPED */
	call .Lring
.Lhalt:
	cli
	hlt
	jmp .Lhalt

.Lhang:
	pause
	jmp .Lhang

.Lring:
	movl PARAMS_HOST_BELL(%rdi), %eax
	shll $24, %eax
	movl %eax, APIC_COMMAND_HIGH(%r8)
	movl PARAMS_HOST_BELL + 4(%rdi), %eax
	movl %eax, APIC_COMMAND(%r8)
	ret
test_kernel_end:
	.section .note.GNU-stack, "", @progbits
