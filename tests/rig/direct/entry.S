# SPDX-License-Identifier: Apache-2.0
# The loader's way from QEMU's direct boot to C++, and a CPU's way from STARTUP to the kernel.

# PVH (Xen's docs/misc/pvh.pandoc): QEMU enters here in 32-bit protected mode without paging.
.section .note.pvh, "a", @note
	.long 4, 4, 18          # sizes of name and value, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long loader_start

.text
.code32
.globl loader_start
loader_start:
	cli
	mov $stack_top, %esp
	# 4 GiB, one to one, by 1 GiB pages.
	movl $(pdpt + 3), pml4
	movl $0x00000083, pdpt
	movl $0x40000083, pdpt + 8
	movl $0x80000083, pdpt + 16
	movl $0xc0000093, pdpt + 24
	mov $pml4, %eax
	mov %eax, %cr3
	mov $0x620, %eax        # PAE, OSFXSR, OSXMMEXCPT
	mov %eax, %cr4
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov $0x80000011, %eax
	mov %eax, %cr0
	lgdt gdt_pointer
	ljmp $8, $in_long_mode
.code64
in_long_mode:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	call loader_main
1:	hlt
	jmp 1b

# The kernel's bell: an interrupt that does nothing but end `hlt`.
.globl bell_entry
bell_entry:
	push %rax
	mov $0xfee000b0, %eax
	movl $0, (%rax)
	incq bells_heard(%rip)
	pop %rax
	iretq

# ---- Copied to the trampoline page
# --------------------------------------------------------------------------------------
.set AT, 0x10000
.code16
.globl trampoline
trampoline:
	cli
	mov %cs, %ax
	mov %ax, %ds
	lgdtl gdt16_pointer - trampoline
	mov $0x20, %eax
	mov %eax, %cr4
	mov trampoline_cr3 - trampoline, %eax
	mov %eax, %cr3
	mov $0xc0000080, %ecx
	rdmsr
	or $0x100, %eax
	wrmsr
	mov $0x80000001, %eax
	mov %eax, %cr0
	ljmpl $8, $(AT + trampoline_long - trampoline)
.code64
trampoline_long:
	mov $1, %eax
	cpuid
	shr $24, %ebx
	mov %ebx, %esi
	mov AT + trampoline_params - trampoline, %rdi
	mov AT + trampoline_kernel - trampoline, %rax
	jmp *%rax
.balign 8
gdt16:
	.quad 0
	.quad 0x00af9b000000ffff
gdt16_pointer:
	.word 15
	.long AT + gdt16 - trampoline
.balign 8
.globl trampoline_cr3
trampoline_cr3: .quad 0
.globl trampoline_params
trampoline_params: .quad 0
.globl trampoline_kernel
trampoline_kernel: .quad 0
.globl trampoline_end
trampoline_end:

.data
.balign 8
gdt:
	.quad 0
	.quad 0x00af9b000000ffff
gdt_pointer:
	.word 15
	.long gdt
.balign 8
.globl bells_heard
bells_heard: .quad 0

.bss
.balign 4096
pml4: .skip 4096
pdpt: .skip 4096
.skip 16384
stack_top:

.section .note.GNU-stack, "", @progbits
