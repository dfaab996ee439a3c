// SPDX-License-Identifier: Apache-2.0
// What a traced program executes for us, in a page of its own at hpmmap_stub_address: system calls that the filter lets
// through because they come from here. It ends in one that the filter stops, with the result in rbx; all registers are then
// made what they were. See stub.hpp.
    .section .rodata
    .globl hpmmap_stub
    .globl hpmmap_stub_map
    .globl hpmmap_stub_end
    .p2align 4
hpmmap_stub:                    // one call, its registers as they must be
    syscall
    jmp done

    .p2align 4
hpmmap_stub_map:                // r12 path of a file, r13 address, r14 size, r15 protection, rbx offset, rbp flags
    mov %r12, %rdi
    mov $0x80002, %esi          // O_RDWR | O_CLOEXEC
    mov $2, %eax                // open
    syscall
    test %rax, %rax
    js done
    mov %rax, %r12
    mov %r13, %rdi
    mov %r14, %rsi
    mov %r15, %rdx
    mov %rbp, %r10
    mov %r12, %r8
    mov %rbx, %r9
    mov $9, %eax                // mmap
    syscall
    mov %rax, %r13
    mov %r12, %rdi
    mov $3, %eax                // close
    syscall
    mov %r13, %rax
done:
    mov %rax, %rbx
    mov $12, %eax               // brk, from where the filter stops it
    jmp stopped

    .org hpmmap_stub + 128      // stub_calls_end
stopped:
    syscall
    ud2
hpmmap_stub_end:
    .section .note.GNU-stack, "", @progbits
