// SPDX-License-Identifier: Apache-2.0
#include "tests/rig/direct/machine.hpp"

#include <stdarg.h>

namespace hobbes::direct {
namespace {

constexpr uint16_t serial_port = 0x3f8, debug_exit_port = 0xf4;
constexpr uint64_t apic = 0xfee00000;
constexpr uint32_t apic_spurious = 0xf0, apic_command_low = 0x300, apic_command_high = 0x310;
constexpr uint32_t init = 0x4500, startup = 0x4600, fixed = 0x4000, trampoline_page = 0x10;

struct Gate {
  uint16_t low, selector;
  uint8_t stack, type;
  uint16_t middle;
  uint32_t high, reserved;
};
Gate gates[256];

void out(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
uint8_t in(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

volatile uint32_t& apic_register(uint32_t at) { return *reinterpret_cast<volatile uint32_t*>(apic + at); }

void send_command(uint32_t apic_id, uint32_t command) {
  while ((apic_register(apic_command_low) & 1 << 12) != 0) asm volatile("pause");
  apic_register(apic_command_high) = apic_id << 24;
  apic_register(apic_command_low) = command;
}

void wait_a_moment() {
  for (int i = 0; i < 100'000; ++i) asm volatile("pause");
}

void say_number(uint64_t value, unsigned radix) {
  if (value >= radix) say_number(value / radix, radix);
  write_serial("0123456789abcdef"[value % radix]);
}

}  // namespace

void start_machine() {
  const auto to = reinterpret_cast<uint64_t>(bell_entry);
  gates[bell_vector] = {static_cast<uint16_t>(to), 8, 0, 0x8e, static_cast<uint16_t>(to >> 16),
                        static_cast<uint32_t>(to >> 32), 0};
  struct [[gnu::packed]] {
    uint16_t limit;
    uint64_t base;
  } const table{sizeof(gates) - 1, reinterpret_cast<uint64_t>(gates)};
  asm volatile("lidt %0" : : "m"(table));
  out(0x21, 0xff);  // the old interrupt controllers: silent
  out(0xa1, 0xff);
  apic_register(apic_spurious) = 0x1ff;
}

void write_serial(char byte) {
  while ((in(serial_port + 5) & 0x20) == 0) asm volatile("pause");
  out(serial_port, static_cast<uint8_t>(byte));
}

void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      write_serial(*format);
      continue;
    }
    const char kind = *++format;
    if (kind == 's') {
      for (const char* text = va_arg(arguments, const char*); *text != '\0'; ++text) write_serial(*text);
      continue;
    }
    auto value = va_arg(arguments, uint64_t);
    if (kind == 'd' && static_cast<int64_t>(value) < 0) {
      write_serial('-');
      value = -value;
    }
    say_number(value, kind == 'x' ? 16 : 10);
  }
  va_end(arguments);
}

void leave(uint8_t status) {
  out(debug_exit_port, static_cast<uint8_t>(16 + status));
  while (true) asm volatile("hlt");
}

void send_interrupt(uint32_t apic_id, uint32_t vector) { send_command(apic_id, fixed | vector); }

void start_cpu(uint32_t apic_id) {
  send_command(apic_id, init);
  wait_a_moment();
  send_command(apic_id, startup | trampoline_page);
  wait_a_moment();
}

void stop_cpu(uint32_t apic_id) { send_command(apic_id, init); }

}  // namespace hobbes::direct
