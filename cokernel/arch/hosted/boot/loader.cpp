// SPDX-License-Identifier: Apache-2.0
// The boot loader of the hosted port: a static program without libc that the bridge starts as the enclave's init. It maps
// the boot block into the direct map and the kernel image at its base, and jumps (abi/hosted.h).
#include "cokernel/arch/hosted/linux.hpp"
#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/hosted.h"

using namespace hobbes::lwk;

namespace {

constexpr uint64_t read_only_code = 5, read_write = 3;

enum Exit : uint64_t { bad_arguments = 2, no_boot_block = 3, bad_boot_params = 4, no_kernel = 5 };

[[noreturn]] void leave(Exit status) {
  while (true) linux::call(linux::nr_exit_group, status);
}

uint64_t number(const char* text) {
  uint64_t value = 0;
  if (text == nullptr || *text == '\0') leave(bad_arguments);
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') leave(bad_arguments);
    value = value * 10 + static_cast<uint64_t>(*text - '0');
  }
  return value;
}

bool map(uint64_t address, uint64_t size, uint64_t protection, uint64_t fd, uint64_t offset) {
  return linux::call(linux::nr_mmap, address, size, protection, linux::map_shared | linux::map_fixed, fd, offset) ==
         static_cast<int64_t>(address);
}

}  // namespace

/// `stack` is the initial process stack: argc, argv[0], ...
extern "C" [[noreturn]] void load(const uint64_t* stack) {
  if (stack[0] != 4) leave(bad_arguments);
  auto* const* arguments = reinterpret_cast<const char* const*>(stack + 1);
  const uint64_t fd = number(arguments[1]);
  const uint64_t base = number(arguments[2]);
  const uint64_t size = number(arguments[3]);
  if (!map(HOBBES_HOSTED_DIRECT_MAP + base, size, read_write, fd, 0)) leave(no_boot_block);

  auto* params = reinterpret_cast<hobbes_boot_params*>(HOBBES_HOSTED_DIRECT_MAP + base);
  if (params->magic != HOBBES_BOOT_MAGIC || params->version != HOBBES_BOOT_VERSION || params->kernel_base < base ||
      params->kernel_base - base > size || params->kernel_size > size - (params->kernel_base - base) ||
      params->kernel_text > params->kernel_size)
    leave(bad_boot_params);
  const uint64_t kernel = params->kernel_base - base;
  const uint64_t text = params->kernel_text;
  if (!map(HOBBES_HOSTED_KERNEL_BASE, text, read_only_code, fd, kernel) ||
      !map(HOBBES_HOSTED_KERNEL_BASE + text, params->kernel_size - text, read_write, fd, kernel + text))
    leave(no_kernel);
  reinterpret_cast<void (*)(hobbes_boot_params*)>(params->kernel_entry)(params);
  leave(no_kernel);
}

asm(".globl _start\n_start:\n\tmov %rsp, %rdi\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall load\n\tud2\n");
