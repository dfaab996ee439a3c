/* SPDX-License-Identifier: GPL-2.0 */
/* Real mode to 64-bit mode in one step. Copied to the trampoline page, so it knows no address but what it finds there:
 * cs is the page. It is data for Linux, which never executes it. */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "kernel-bridge/pisces/module/trampoline.h"

	.section .rodata, "a"
	.balign 16
SYM_DATA_START(pisces_trampoline_code)
	.code16
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	movl TRAMPOLINE_CR3, %eax
	testl %eax, %eax
	jz .Lpark

	lgdtl TRAMPOLINE_GDT_POINTER
	movl $X86_CR4_PAE, %edx
	movl %edx, %cr4
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl $(1 << _EFER_LME), %eax
	wrmsr
	movl $(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP | X86_CR0_PE), %eax
	movl %eax, %cr0
	ljmpl *TRAMPOLINE_FAR_POINTER

	/* Whoever stops a CPU sees here that it obeyed. */
.Lpark:
	movl TRAMPOLINE_COOKIE, %eax
	movl %eax, TRAMPOLINE_MARKER
1:	hlt
	jmp 1b

	.code64
SYM_DATA_START(pisces_trampoline_long)
	/* The first 2 MiB are mapped at their own addresses. The page is where this code is, rounded down. */
	leaq pisces_trampoline_long(%rip), %rbx
	andq $-4096, %rbx
	movq TRAMPOLINE_ENTRY(%rbx), %rax
	movq TRAMPOLINE_PARAMS(%rbx), %rdi
	movl TRAMPOLINE_APIC_ID(%rbx), %esi
	movl TRAMPOLINE_COOKIE(%rbx), %ecx
	/* From here on the driver may prepare the page for another CPU: only code, which never changes, is needed. */
	movl %ecx, TRAMPOLINE_MARKER(%rbx)
	jmp *%rax
SYM_DATA_END(pisces_trampoline_long)
SYM_DATA_END_LABEL(pisces_trampoline_code, SYM_L_GLOBAL, pisces_trampoline_end)
