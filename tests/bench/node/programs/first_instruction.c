// SPDX-License-Identifier: Apache-2.0
// Says on stdout when it began to run: the CPU's time-stamp counter at its first instruction, eight bytes. Without libc,
// whose start would come first.

__asm__(
    ".globl _start\n"
    "_start:\n"
    "\trdtsc\n"
    "\tshl $32, %rdx\n"
    "\tor %rdx, %rax\n"
    "\tpush %rax\n"
    "\tmov $1, %eax\n"  // write(1, &counter, 8)
    "\tmov $1, %edi\n"
    "\tmov %rsp, %rsi\n"
    "\tmov $8, %edx\n"
    "\tsyscall\n"
    "\txor %edi, %edi\n"
    "\tcmp $8, %rax\n"
    "\tsetne %dil\n"
    "\tmov $60, %eax\n"  // exit
    "\tsyscall\n");
