// SPDX-License-Identifier: Apache-2.0
// patched_call NUMBER: calls getpid by the technique that zpoline published (Yasukata and others, USENIX ATC 2023),
// as a control: `syscall` has become `call *%rax`, two bytes as well, which calls the address that is the system
// call's number. There lie nops, and behind them a handler. NUMBER is where the call enters: 39, getpid's own number,
// slides through all the nops that stand for the numbers above it; one near 512 slides through few, which is what any
// sled costs at least.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/node/programs/serve.h"

enum { sled_size = 512, code_size = 4096, nop = 0x90, elsewhere = 0x10000 };

long patched_pid;

// It keeps what the published handler keeps: the red zone below the caller's stack pointer, and every register that a
// hook written in C may change, on an aligned stack. In the place of the hook it takes the answer.
__asm__(
    ".globl patched_handler\n"
    "patched_handler:\n"
    "\tpush %rbp\n"
    "\tmov %rsp, %rbp\n"
    "\tand $-16, %rsp\n"
    "\tpush %r11\n"
    "\tpush %r10\n"
    "\tpush %r9\n"
    "\tpush %r8\n"
    "\tpush %rdi\n"
    "\tpush %rsi\n"
    "\tpush %rdx\n"
    "\tpush %rcx\n"
    "\tmov patched_pid(%rip), %rax\n"
    "\tpop %rcx\n"
    "\tpop %rdx\n"
    "\tpop %rsi\n"
    "\tpop %rdi\n"
    "\tpop %r8\n"
    "\tpop %r9\n"
    "\tpop %r10\n"
    "\tpop %r11\n"
    "\tleave\n"
    "\tadd $128, %rsp\n"
    "\tret\n");
void patched_handler(void);

static char* sled;
static unsigned long entry;

/// Where the numbers are addresses; where that is forbidden, at a low address of the same shape.
static char* map_sled(void) {
  const int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  char* const zero = mmap(NULL, code_size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (zero != MAP_FAILED) return zero;
  fprintf(stderr, "patched_call: page zero: %s (/proc/sys/vm/mmap_min_addr); the nops are at %#x instead\n",
          strerror(errno), elsewhere);
  char* const low = mmap((void*)elsewhere, code_size, protection, flags, -1, 0);
  if (low != MAP_FAILED) return low;
  perror("patched_call: mmap");
  exit(1);
}

static void write_sled(void) {
  char code[code_size];
  memset(code, nop, sizeof code);
  static const unsigned char spare_red_zone[] = {0x48, 0x81, 0xec, 0x80, 0, 0, 0};  // sub $128, %rsp
  static const unsigned char load_r11[] = {0x49, 0xbb}, jump_r11[] = {0x41, 0xff, 0xe3};
  const uint64_t handler = (uint64_t)patched_handler;
  char* at = code + sled_size;
  at = (char*)memcpy(at, spare_red_zone, sizeof spare_red_zone) + sizeof spare_red_zone;
  at = (char*)memcpy(at, load_r11, sizeof load_r11) + sizeof load_r11;
  at = (char*)memcpy(at, &handler, sizeof handler) + sizeof handler;
  memcpy(at, jump_r11, sizeof jump_r11);
  // Page zero is no object of C's: copied by an instruction, not by a memcpy whose null pointer the compiler may
  // notice.
  char *from = code, *to = sled;
  uint64_t left = sizeof code;
  __asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(left) : : "memory");
}

static void call_getpid(uint64_t times) {
  while (times-- > 0) {
    unsigned long number_then_pid = entry;
    // The call's return address falls on the red zone of a leaf: this function has none to lose (-mno-red-zone).
    __asm__ volatile("call *%%rax" : "+a"(number_then_pid) : : "rcx", "r11", "memory");
  }
}

int main(int argc, char** argv) {
  const long number = argc == 2 ? atol(argv[1]) : -1;
  if (number < 0 || number >= sled_size) return 2;
  patched_pid = getpid();
  sled = map_sled();
  write_sled();
  entry = (unsigned long)sled + (unsigned long)number;
  return serve(call_getpid);
}
