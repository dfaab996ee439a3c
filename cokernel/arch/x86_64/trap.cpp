// SPDX-License-Identifier: Apache-2.0
// Exceptions and interrupts. A program's exception is its signal, as Linux gives it (arch/x86/kernel/traps.c names
// the codes); the kernel's own ends the enclave, unless it was reaching for user memory.
#include "cokernel/arch/common/user_copy.hpp"
#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/devices.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/halt.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/scheduler.hpp"
#include "cokernel/arch/x86_64/sleep.hpp"
#include "cokernel/arch/x86_64/space.hpp"
#include "cokernel/arch/x86_64/tlb.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "kernel-bridge/abi/x86_64.h"

namespace hobbes::lwk {
namespace {

enum Exception : uint32_t {
  divide_error = 0, debug = 1, breakpoint = 3, overflow = 4, bound_range = 5, invalid_opcode = 6, invalid_tss = 10,
  no_segment = 11, stack_fault = 12, protection_fault = 13, page_fault = 14, x87_error = 16, alignment_check = 17,
  simd_error = 19, first_interrupt = 32, old_system_call = 0x80,
};

constexpr int trap_trace = 2, illegal_operand = 2, map_error = 1, access_error = 2, bus_alignment = 1;
constexpr int divide_by_zero = 1;

/// FPE_* by the flags of an unmasked floating-point exception: invalid, denormal, zero divide, overflow, underflow,
/// precision.
int float_code(uint32_t raised) {
  constexpr int float_divide = 3, float_overflow = 4, float_underflow = 5, float_inexact = 6, float_invalid = 7;
  if ((raised & 1) != 0) return float_invalid;
  if ((raised & 4) != 0) return float_divide;
  if ((raised & 8) != 0) return float_overflow;
  if ((raised & 0x12) != 0) return float_underflow;
  return (raised & 0x20) != 0 ? float_inexact : 0;
}

int x87_code() {
  uint16_t control = 0, status = 0;
  asm volatile("fnstcw %0\n\tfnstsw %1\n\tfnclex" : "=m"(control), "=m"(status));
  return float_code(status & ~static_cast<uint32_t>(control) & 0x3f);
}

int simd_code() {
  uint32_t mxcsr = 0;
  asm volatile("stmxcsr %0" : "=m"(mxcsr));
  return float_code(mxcsr & ~(mxcsr >> 7) & 0x3f);
}

/// Whether memory or reserved addresses are there, which may not be reached so.
int page_fault_code(uint64_t address, uint64_t error) {
  constexpr uint64_t was_present = 1;
  if ((error & was_present) != 0 && address < port::user_end) return access_error;
  x86::Space* const space = x86::running_thread_state().space;
  if (address >= port::user_end || space == nullptr) return map_error;
  Guard guard(space->lock);  // another thread may be changing the tables
  return (space->tables.find(address) & x86::page_held) != 0 ? access_error : map_error;
}

SignalInfo fault(int signal, int code, uint64_t address) {
  SignalInfo info{};
  info.signo = signal;
  info.code = code;
  info.fault.address = address;
  return info;
}

SignalInfo signal_of(const Registers& registers, uint32_t vector, uint64_t error, uint64_t address) {
  switch (vector) {
    case divide_error: return fault(SIGFPE, divide_by_zero, registers.rip);
    case debug: return fault(SIGTRAP, trap_trace, registers.rip);
    case breakpoint: return fault(SIGTRAP, si_kernel, 0);
    case invalid_opcode: return fault(SIGILL, illegal_operand, registers.rip);
    case page_fault: return fault(SIGSEGV, page_fault_code(address, error), address);
    case x87_error: return fault(SIGFPE, x87_code(), registers.rip);
    case simd_error: return fault(SIGFPE, simd_code(), registers.rip);
    case alignment_check: return fault(SIGBUS, bus_alignment, 0);
    case no_segment: case stack_fault: return fault(SIGBUS, si_kernel, 0);
    default: return fault(SIGSEGV, si_kernel, 0);
  }
}

/// An interrupt of ours, or a stray one. Interrupts are off.
void take_interrupt(uint32_t vector) {
  if (const uint32_t place = vector - HOBBES_X86_DEVICE_VECTOR; place < HOBBES_X86_MAX_DEVICES) {
    x86::end_of_interrupt();
    return x86::take_device_interrupt(place);
  }
  switch (vector) {
    case HOBBES_X86_DOORBELL_VECTOR: x86::end_of_interrupt(); return x86::wake_host_sleepers();
    case x86::vector_wake: x86::end_of_interrupt(); return x86::take_wake_interrupt();
    case x86::vector_flush: x86::answer_flush(); return x86::end_of_interrupt();
    case x86::vector_timer: x86::end_of_interrupt(); return x86::take_timer_interrupt();
    case x86::vector_spurious: return;
    default: x86::end_of_interrupt();
  }
}

}  // namespace
}  // namespace hobbes::lwk

using namespace hobbes::lwk;

void x86_user_trap(Registers* registers, uint32_t vector, uint64_t error) {
  if (vector >= first_interrupt && vector != old_system_call) return take_interrupt(vector);
  const uint64_t address = x86::read_cr2();  // before another fault
  asm volatile("sti" : : : "memory");
  Thread& self = port::current();
  if (vector == old_system_call) {  // Linux's 32-bit calls are none of ours
    registers->number = syscall_limit;
    return serve_system_call(self, *registers);
  }
  force_signal(self, signal_of(*registers, vector, error, address));
}

void x86_kernel_trap(Registers* registers, uint32_t vector, uint64_t error) {
  if (vector >= first_interrupt) return take_interrupt(vector);
  const uint64_t target = fixup_of(registers->rip);
  if (target == 0) x86::end_in_fault(*registers, vector, error);
  registers->rip = target;
}

void x86_bad_return(const Registers* clobbered) {
  Thread& self = port::current();
  Registers& registers = *self.registers;
  const Registers users = *clobbered;  // it overlaps with where they belong
  const uint64_t rip = registers.rip, rflags = registers.rflags, rsp = registers.rsp;
  registers = users;
  registers.number = no_call;
  registers.rip = rip, registers.rflags = rflags, registers.rsp = rsp;
  registers.cs = x86::user_code, registers.ss = x86::user_data;
  asm volatile("sti" : : : "memory");
  force_signal(self, fault(SIGSEGV, si_kernel, 0));
}

void x86_fatal_trap(Registers* registers, uint32_t vector, uint64_t error) {
  // It may have come before GS was the kernel's.
  const uint32_t apic_id = x86::running_apic_id();
  for (x86::Cpu& cpu : x86::cpus)
    if (cpu.state != x86::CpuState::absent && cpu.apic_id == apic_id)
      x86::write_msr(x86::msr_gs_base, reinterpret_cast<uint64_t>(&cpu));
  x86::end_in_fault(*registers, vector, error);
}

void x86_serve(Thread* self, Registers* registers) { serve_system_call(*self, *registers); }
void x86_deliver(Thread* self, Registers* registers) { deliver_signals(*self, *registers); }
void x86_reschedule() { x86::yield_cpu(); }
