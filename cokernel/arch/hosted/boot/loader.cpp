// SPDX-License-Identifier: Apache-2.0
// The boot loader of the hosted port: a static program without libc that the bridge starts ahead, as an enclave's init to
// be. It waits for its enclave, maps the boot block into the direct map and the kernel image at its base, and jumps
// (abi/hosted.h).
#include "cokernel/arch/hosted/linux.hpp"
#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/hosted.h"

using namespace hobbes::lwk;

namespace {

constexpr uint64_t read_only_code = 5, read_write = 3;

constexpr uint64_t log_fd = 2;
constexpr uint64_t resource_core = 4;  // RLIMIT_CORE

enum Exit : uint64_t {
  no_enclave = 0, bad_arguments = 2, no_boot_block = 3, bad_boot_params = 4, no_kernel = 5, bad_message = 6, no_user = 7
};

struct ControlBuffer {
  linux::ControlHeader header;
  int32_t descriptors[HOBBES_HOSTED_MAX_FDS + 1];
};

[[noreturn]] void leave(Exit status) {
  while (true) linux::invoke(linux::nr_exit_group, status);
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
  return linux::invoke(linux::nr_mmap, address, size, protection, linux::map_shared | linux::map_fixed, fd, offset) ==
         static_cast<int64_t>(address);
}

/// Waits for the enclave. Its descriptors have the numbers they are to have, or the sender was wrong about us.
hobbes_hosted_boot receive(uint64_t socket) {
  hobbes_hosted_boot boot;
  ControlBuffer control;
  linux::IoVector vector{linux::address(&boot), sizeof(boot)};
  linux::MessageHeader message{0, 0, 0, linux::address(&vector), 1, linux::address(&control), sizeof(control), 0, 0};
  const int64_t got = linux::invoke(linux::nr_recvmsg, socket, linux::address(&message), 0);
  if (got == 0) leave(no_enclave);
  if (got != sizeof(boot) || boot.version != HOBBES_HOSTED_BOOT_VERSION || boot.fd_count == 0 ||
      boot.fd_count > HOBBES_HOSTED_MAX_FDS || control.header.level != linux::level_socket ||
      control.header.type != linux::type_rights ||
      control.header.length != sizeof(control.header) + boot.fd_count * sizeof(control.descriptors[0]))
    leave(bad_message);
  for (uint32_t i = 0; i < boot.fd_count; ++i)
    if (control.descriptors[i] != boot.first_fd + static_cast<int32_t>(i)) leave(bad_message);
  return boot;
}

void take_log(const hobbes_hosted_boot& boot) {
  const uint64_t log = static_cast<uint64_t>(boot.first_fd) + boot.fd_count - 1;
  linux::invoke(linux::nr_dup2, log, log_fd);
  linux::invoke(linux::nr_close, log);
}

void forbid_core_dumps() {  // they would be all of the enclave's memory
  const uint64_t none[2] = {0, 0};
  linux::invoke(linux::nr_setrlimit, resource_core, linux::address(none));
}

void become_user(const hobbes_hosted_boot& boot) {
  if (boot.change_user == 0) return;
  if (linux::invoke(linux::nr_setgroups, 0, 0) != 0 ||
      linux::invoke(linux::nr_setresgid, boot.gid, boot.gid, boot.gid) != 0 ||
      linux::invoke(linux::nr_setresuid, boot.uid, boot.uid, boot.uid) != 0)
    leave(no_user);
}

/// What Linux says in the auxiliary vector, behind the environment.
uint64_t hardware_capabilities_2(const uint64_t* stack) {
  constexpr uint64_t at_null = 0, at_hwcap2 = 26;
  const uint64_t* at = stack + 1 + stack[0] + 1;
  while (*at != 0) ++at;
  for (++at; at[0] != at_null; at += 2)
    if (at[0] == at_hwcap2) return at[1];
  return 0;
}

/// Maps boot block and kernel, and starts it.
[[noreturn]] void start(const hobbes_hosted_boot& boot, uint64_t capabilities) {
  const auto fd = static_cast<uint64_t>(boot.first_fd);
  const uint64_t base = boot.base, size = boot.size;
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
  reinterpret_cast<void (*)(hobbes_boot_params*, uint64_t)>(params->kernel_entry)(params, capabilities);
  leave(no_kernel);
}

}  // namespace

/// `stack` is the initial process stack: argc, argv[0], ...
extern "C" [[noreturn]] void load(const uint64_t* stack) {
  if (stack[0] != 2) leave(bad_arguments);
  const uint64_t socket = number(reinterpret_cast<const char* const*>(stack + 1)[1]);
  const hobbes_hosted_boot boot = receive(socket);
  linux::invoke(linux::nr_close, socket);
  take_log(boot);
  forbid_core_dumps();
  become_user(boot);
  start(boot, hardware_capabilities_2(stack));
}

asm(".globl _start\n_start:\n\tmov %rsp, %rdi\n\txor %ebp, %ebp\n\tand $-16, %rsp\n\tcall load\n\tud2\n");
