// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/apic.hpp"

#include "cokernel/arch/x86_64/cpu.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk::x86 {
namespace {

enum Register : uint32_t {
  apic_version = 0x30, apic_task_priority = 0x80, apic_end_of_interrupt = 0xb0, apic_spurious = 0xf0,
  apic_command_low = 0x300, apic_command_high = 0x310, apic_timer = 0x320,
  apic_thermal = 0x330, apic_performance = 0x340, apic_lint0 = 0x350,
  apic_lint1 = 0x360, apic_error = 0x370, apic_initial_count = 0x380, apic_current_count = 0x390, apic_divide = 0x3e0,
};
constexpr uint64_t base_x2apic = 1 << 10, base_enabled = 1 << 11;
constexpr uint32_t masked = 1 << 16, software_enable = 1 << 8, timer_tsc_deadline = 2 << 17;
constexpr uint32_t deliver_fixed = 0 << 8, deliver_nmi = 4 << 8, level_assert = 1 << 14, still_pending = 1 << 12;
constexpr uint32_t divide_by_16 = 3;

bool x2apic = false;
volatile uint32_t* registers = nullptr;
uint64_t timer_ratio = 0;  // 2^32 * timer counts per tick of the time-stamp counter

uint32_t read(Register at) {
  return x2apic ? static_cast<uint32_t>(read_msr(msr_x2apic + at / 16)) : registers[at / 4];
}
void write(Register at, uint32_t value) {
  if (x2apic) write_msr(msr_x2apic + at / 16, value);
  else registers[at / 4] = value;
}

void send(uint32_t apic_id, uint32_t command) {
  const InterruptsOff off;  // the two halves belong together
  if (x2apic) {
    // The write is not serializing: stores come before it (SDM vol. 3, 11.12.3).
    asm volatile("mfence\n\tlfence" : : : "memory");
    write_msr(msr_x2apic + apic_command_low / 16, static_cast<uint64_t>(apic_id) << 32 | command);
    return;
  }
  while ((read(apic_command_low) & still_pending) != 0) port::relax();
  write(apic_command_high, apic_id << 24);
  write(apic_command_low, command);
}

void find_registers() {
  const uint64_t base = read_msr(msr_apic_base);
  x2apic = (base & base_x2apic) != 0;
  constexpr uint64_t address = 0xffffffffff000;
  if (!x2apic) registers = static_cast<volatile uint32_t*>(map_device_page(base & address));
}

/// What else the APIC could interrupt for. Older ones have less, and an x2APIC's missing registers may not be touched.
void mask_other_sources() {
  const uint32_t last_entry = read(apic_version) >> 16 & 0xff;
  constexpr uint32_t with_performance = 4, with_thermal = 5;
  write(apic_lint0, masked);
  write(apic_lint1, masked);
  write(apic_error, masked);
  if (last_entry >= with_performance) write(apic_performance, masked);
  if (last_entry >= with_thermal) write(apic_thermal, masked);
}

/// The timer's rate, over a millisecond of the time-stamp counter, whose rate is known.
void measure_timer() {
  write(apic_timer, masked);
  write(apic_divide, divide_by_16);
  write(apic_initial_count, UINT32_MAX);
  const uint64_t start = port::ticks(), wanted = boot_params().tsc_hz / 1000;
  while (port::ticks() - start < wanted) port::relax();
  const uint64_t counted = UINT32_MAX - read(apic_current_count), passed = port::ticks() - start;
  write(apic_initial_count, 0);
  timer_ratio = max<uint64_t>((counted << 32) / passed, 1);
}

}  // namespace

void start_apic() {
  if (&this_cpu() == &boot_cpu()) find_registers();
  write_msr(msr_apic_base, read_msr(msr_apic_base) | base_enabled);
  mask_other_sources();
  write(apic_task_priority, 0);
  write(apic_spurious, software_enable | vector_spurious);
  if (timer_ratio == 0 && !features.tsc_deadline) measure_timer();
  write(apic_divide, divide_by_16);
  write(apic_timer, vector_timer | (features.tsc_deadline ? timer_tsc_deadline : 0));
}

void stop_apic() {
  set_timer(0);
  write(apic_timer, masked);
  write(apic_spurious, vector_spurious);
}

void end_of_interrupt() { write(apic_end_of_interrupt, 0); }

void send_interrupt(uint32_t apic_id, uint32_t vector) { send(apic_id, vector | deliver_fixed | level_assert); }
void send_nmi(uint32_t apic_id) { send(apic_id, deliver_nmi | level_assert); }

// Intel SDM vol. 3, 11.11: physical destination, no redirection.
uint64_t message_address(uint32_t apic_id) { return 0xfee00000 | static_cast<uint64_t>(apic_id) << 12; }

void set_timer(uint64_t ticks) {
  if (features.tsc_deadline) {
    // The mode is set by a store that may still be on its way (SDM vol. 3, 11.5.4.1).
    if (!x2apic) asm volatile("mfence" : : : "memory");
    write_msr(msr_tsc_deadline, ticks);
    return;
  }
  if (ticks == 0) return write(apic_initial_count, 0);
  constexpr uint64_t longest = UINT32_MAX;
  const uint64_t now = port::ticks();
  const uint64_t left = ticks > now ? min(ticks - now, boot_params().tsc_hz) : 0;  // a second at most, then again
  __extension__ using Wide = unsigned __int128;
  const auto counts = static_cast<uint64_t>(static_cast<Wide>(left) * timer_ratio >> 32);
  write(apic_initial_count, static_cast<uint32_t>(min(counts + 1, longest)));
}

}  // namespace hobbes::lwk::x86
