// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/print.hpp"

#include <stdarg.h>

#include "cokernel/kernel/fs/console.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

constexpr size_t line_limit = 512;

class Writer {
 public:
  Writer(char* to, size_t size) : to_(to), size_(size) {}
  void put(char c) {
    if (length_ + 1 < size_) to_[length_++] = c;
  }
  void put(const char* text) {
    for (; *text != '\0'; ++text) put(*text);
  }
  void number(uint64_t value, unsigned radix) {
    char digits[20];
    int count = 0;
    do {
      digits[count++] = "0123456789abcdef"[value % radix];
      value /= radix;
    } while (value != 0);
    while (count > 0) put(digits[--count]);
  }
  size_t finish() {
    to_[length_] = '\0';
    return length_;
  }

 private:
  char* to_;
  size_t size_;
  size_t length_ = 0;
};

size_t format_list(char* to, size_t size, const char* format, va_list arguments) {
  Writer writer(to, size);
  for (; *format != '\0'; ++format) {
    if (*format != '%') {
      writer.put(*format);
      continue;
    }
    switch (*++format) {
      case 's': writer.put(va_arg(arguments, const char*)); break;
      case 'u': writer.number(va_arg(arguments, uint64_t), 10); break;
      case 'x': writer.number(va_arg(arguments, uint64_t), 16); break;
      case 'd': {
        const int64_t value = va_arg(arguments, int64_t);
        if (value < 0) writer.put('-');
        writer.number(value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 10);
        break;
      }
      case '%': writer.put('%'); break;
      case '\0': return writer.finish();
      default: writer.put('?');
    }
  }
  return writer.finish();
}

}  // namespace

void print(const char* format, ...) {
  char line[line_limit];
  va_list arguments;
  va_start(arguments, format);
  const size_t length = format_list(line, sizeof(line), format, arguments);
  va_end(arguments);
  fs::kernel_console_write(line, length);
}

size_t format(char* to, size_t size, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const size_t length = format_list(to, size, format, arguments);
  va_end(arguments);
  return length;
}

namespace {

[[noreturn]] void end(uint64_t address, const char* format, va_list arguments) {
  hobbes_boot_params& boot = boot_params();
  const size_t length = format_list(boot.crash.text, sizeof(boot.crash.text), format, arguments);
  boot.crash.address = address;
  boot.crash.cpu = port::machine_cpu();
  // release: the text is there when the state says so; partner: the bridge's acquire.
  __atomic_store_n(&boot.state, HOBBES_ENCLAVE_CRASHED, __ATOMIC_RELEASE);
  fs::kernel_console_write("panic: ", 7);
  fs::kernel_console_write(boot.crash.text, length);
  fs::kernel_console_write("\n", 1);
  port::wake_host(&boot.state, INT32_MAX);
  port::halt();
}

}  // namespace

void panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  end(reinterpret_cast<uint64_t>(__builtin_return_address(0)), format, arguments);
}

void panic_at(uint64_t address, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  end(address, format, arguments);
}

}  // namespace hobbes::lwk
