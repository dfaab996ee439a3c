// SPDX-License-Identifier: Apache-2.0
// Labels and routines of entry.S, and what it calls.
#pragma once

#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/registers.hpp"

// Where entry.S finds the fields of Thread (which has base classes with members: GCC puts them first) and of Cpu.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(__builtin_offsetof(hobbes::lwk::Thread, attention) == 40);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, self) == 0);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, thread) == 8);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, kernel_stack_top) == 16);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, user_rsp) == 24);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, reschedule) == 32);
static_assert(__builtin_offsetof(hobbes::lwk::x86::Cpu, idle_stack_top) == 40);
#pragma GCC diagnostic pop
static_assert(__builtin_offsetof(hobbes_boot_params, cpus) + __builtin_offsetof(hobbes_boot_cpu, apic_id) == 2540);

namespace hobbes::lwk::x86 {

/// A CPU that has come to the kernel looks here for the place that is kept for it.
struct Offer {
  uint32_t state = offer_none;  // +0 atomic
  uint32_t apic_id = 0;         // +4
  Cpu* cpu = nullptr;           // +8
  static constexpr uint32_t offer_none = 0, offer_made = 1, offer_taken = 2;
};
static_assert(sizeof(Offer) == 16);

}  // namespace hobbes::lwk::x86

extern "C" {

extern const uint64_t x86_vectors[256];  ///< where interrupts and exceptions go
extern const char x86_syscall_entry[];
extern const char x86_syscall32_entry[];
extern const char x86_iret[];            ///< the instruction that goes to user mode the slow way
extern uint8_t x86_has_smap;
extern uint8_t x86_has_nx;
extern uint32_t x86_stopping;            ///< an NMI means: halt
extern uint64_t x86_kernel_cr3;          ///< 0: the kernel has no page tables yet
extern hobbes::lwk::x86::Offer x86_offers[hobbes::lwk::max_cpus];
extern const char x86_image[], x86_text_end[], x86_data[], x86_image_end[];
extern const char x86_boot_stack_top[];

void x86_load_segments(const void* table_pointer);
/// Saves the running context's stack pointer to *from and goes on with that of `to`.
void x86_switch(uint64_t* from, uint64_t to);
void x86_thread_start();  ///< first code of a thread
[[noreturn]] void x86_go_to_user(hobbes::lwk::Registers* registers);
[[noreturn]] void x86_halt_forever();
/// Clears both words, the second last, and halts, without a stack.
[[noreturn]] void x86_stop_cpu(uint32_t* state, uint32_t* busy);

// Called from entry.S.
[[noreturn]] void x86_main(hobbes_boot_params* boot_params, uint32_t apic_id);
[[noreturn]] void x86_secondary_main(hobbes::lwk::x86::Cpu* cpu);
[[noreturn]] void x86_thread_main();
void x86_serve(hobbes::lwk::Thread* self, hobbes::lwk::Registers* registers);
void x86_deliver(hobbes::lwk::Thread* self, hobbes::lwk::Registers* registers);
void x86_reschedule();
void x86_user_trap(hobbes::lwk::Registers* registers, uint32_t vector, uint64_t error);
void x86_kernel_trap(hobbes::lwk::Registers* registers, uint32_t vector, uint64_t error);
/// The way to user mode failed: `registers` are the user's but for rip to ss.
void x86_bad_return(const hobbes::lwk::Registers* registers);
[[noreturn]] void x86_fatal_trap(hobbes::lwk::Registers* registers, uint32_t vector, uint64_t error);
}
