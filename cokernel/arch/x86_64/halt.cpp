// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/halt.hpp"

#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/bells.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/kernel/print.hpp"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk {
namespace x86 {
namespace {

constexpr const char* names[] = {
    "divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode", "no x87",
    "double fault", "exception 9", "invalid TSS", "segment not present", "stack fault", "protection fault",
    "page fault",
    "exception 15", "x87 error", "alignment check", "machine check", "SIMD error"};
constexpr uint32_t page_fault = 14;

bool is_kernel_memory(uint64_t address) {
  if (address % sizeof(uint64_t) != 0) return false;
  if (address - reinterpret_cast<uint64_t>(x86_image) < static_cast<uint64_t>(x86_image_end - x86_image)) return true;
  return address - HOBBES_X86_DIRECT_MAP < HOBBES_X86_DIRECT_SIZE;
}

bool is_code(uint64_t address) {
  return address - reinterpret_cast<uint64_t>(x86_image) < static_cast<uint64_t>(x86_text_end - x86_image);
}

/// Return addresses, from frame pointers. What is broken ends it: each frame lies above the one before.
void show_backtrace(uint64_t frame) {
  constexpr int most = 24;
  print("backtrace:");
  for (int i = 0; i < most && is_kernel_memory(frame); ++i) {
    const auto* const at = reinterpret_cast<const uint64_t*>(frame);
    if (!is_code(at[1])) break;
    print(" %x", at[1]);
    if (at[0] <= frame) break;
    frame = at[0];
  }
  print("\n");
}

}  // namespace

uint32_t running_apic_id() {
  constexpr uint32_t topology = 0xb;
  if (cpuid(0).eax >= topology) {
    const CpuId leaf = cpuid(topology);
    if (leaf.ebx != 0) return leaf.edx;
  }
  return cpuid(1).ebx >> 24;
}

void end_in_fault(const Registers& registers, uint32_t vector, uint64_t error) {
  asm volatile("cli");
  // A fault on the way down.
  if (__atomic_exchange_n(&x86_stopping, 1, __ATOMIC_SEQ_CST) != 0) x86_halt_forever();
  const uint64_t address = read_cr2();
  const char* const name = vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "exception";
  const Thread* const thread = this_cpu().thread;
  const int64_t tid = thread != nullptr ? thread->tid : 0;
  const uint64_t rip = registers.rip;
  if (vector == page_fault)
    panic_at(rip, "%s in the kernel at %x, address %x, error %x, thread %d", name, rip, address, error, tid);
  panic_at(rip, "%s in the kernel at %x, error %x, thread %d", name, rip, error, tid);
}

void stop_enclave() {
  asm volatile("cli");
  __atomic_store_n(&x86_stopping, 1, __ATOMIC_SEQ_CST);
  for (Cpu& cpu : cpus)
    if (&cpu != &this_cpu() && __atomic_load_n(&cpu.state, __ATOMIC_ACQUIRE) != CpuState::absent) send_nmi(cpu.apic_id);
  ring_host();
  x86_halt_forever();
}

}  // namespace x86

void port::halt() {
  asm volatile("cli");
  __atomic_store_n(&x86_stopping, 1, __ATOMIC_SEQ_CST);
  x86::show_backtrace(reinterpret_cast<uint64_t>(__builtin_frame_address(0)));
  x86::stop_enclave();
}

}  // namespace hobbes::lwk
