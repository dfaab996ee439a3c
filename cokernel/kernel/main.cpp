// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/main.hpp"

#include "cokernel/kernel/control.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/console.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/fs/random.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall_table.hpp"

namespace hobbes::lwk {
namespace {

/// What the bridge put at the start of the boot block, everything before which nothing is free.
uint64_t boot_reserved(const hobbes_boot_params& boot) {
  uint64_t end = HOBBES_BOOT_PARAMS_SIZE;
  const auto cover = [&](uint64_t base, uint64_t size) {
    const PhysAddr start = boot.regions[0].base;
    if (base >= start && base - start < boot.regions[0].size) end = max(end, base - start + size);
  };
  cover(boot.kernel_base, boot.kernel_size);
  cover(boot.initrd_base, boot.initrd_size);
  for (uint32_t i = 0; i < boot.channel_count; ++i) cover(boot.channels[i].base, boot.channels[i].size);
  return end;
}

void start_memory(const hobbes_boot_params& boot) {
  for (uint32_t i = 0; i < boot.region_count; ++i) {
    const hobbes_boot_region& region = boot.regions[i];
    const int error = page_allocator().add_block(region.base, region.size, i == 0 ? boot_reserved(boot) : 0);
    if (error != 0) panic("memory region %x of %u MiB is refused: error %d", region.base, region.size >> 20,
                          static_cast<int64_t>(error));
  }
}

}  // namespace

void start_kernel() {
  hobbes_boot_params& boot = boot_params();
  if (boot.magic != HOBBES_BOOT_MAGIC || boot.version != HOBBES_BOOT_VERSION)
    panic("boot parameters of version %u, this kernel needs %u", static_cast<uint64_t>(boot.version),
          static_cast<uint64_t>(HOBBES_BOOT_VERSION));
  if (boot.region_count == 0 || boot.region_count > HOBBES_BOOT_MAX_REGIONS || boot.cpu_count == 0 ||
      boot.cpu_count > HOBBES_BOOT_MAX_CPUS || boot.channel_count > HOBBES_BOOT_MAX_CHANNELS)
    panic("boot parameters name %u regions, %u CPUs, %u channels", static_cast<uint64_t>(boot.region_count),
          static_cast<uint64_t>(boot.cpu_count), static_cast<uint64_t>(boot.channel_count));
  fs::start_console();
  start_memory(boot);
  start_cpus();
  start_syscalls();
  fs::start_random(boot.entropy, sizeof(boot.entropy));
  memset(boot.entropy, 0, sizeof(boot.entropy));
  if (fs::start_namespace() != 0) panic("no memory for the file systems");
  Process& init = init_process();
  init.pid = init.group = init.session = 1;
  init.parent = &init;
  init.umask = 0;  // files are opened for others in its name, who say what they mean
  copy_string(init.command, "init", sizeof(init.command));
  all_processes().push_back(init);
}

void run_control_task(Thread& self) {
  hobbes_boot_params& boot = boot_params();
  if (open_control() != 0) panic("there is no control queue");
  print("Hobbes co-kernel: enclave %u '%s', %u CPUs, %u MiB\n", boot.enclave_id, boot.name,
        static_cast<uint64_t>(boot.cpu_count), page_allocator().total_pages() >> (20 - page_shift));
  // release: everything is ready when the state says so; partner: the bridge's acquire.
  __atomic_store_n(&boot.state, HOBBES_ENCLAVE_RUNNING, __ATOMIC_RELEASE);
  port::wake_host(&boot.state, INT32_MAX);
  port::complete_start();
  serve_control(self);
  __atomic_store_n(&boot.state, HOBBES_ENCLAVE_STOPPED, __ATOMIC_RELEASE);
  port::wake_host(&boot.state, INT32_MAX);
}

}  // namespace hobbes::lwk
