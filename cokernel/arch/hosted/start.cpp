// SPDX-License-Identifier: Apache-2.0
// From the boot loader's jump to a running enclave. Init's Linux process has five kernel threads: this one reaps the
// enclave's processes, the others are the control task, the idle task, the one that keeps the timers, and the one that
// serves the machine protocol.
#include "cokernel/arch/hosted/blocks.hpp"
#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/arch/hosted/machine.hpp"
#include "cokernel/arch/hosted/rewrite.hpp"
#include "cokernel/arch/hosted/seccomp.hpp"
#include "cokernel/arch/hosted/threads.hpp"
#include "cokernel/arch/hosted/trap.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/main.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"

extern "C" void (*const hosted_constructors[])();
extern "C" void (*const hosted_constructors_end[])();

namespace hobbes::lwk {
namespace {

hobbes_boot_params* params = nullptr;
uint64_t init_linux_pid = 0;
uint32_t children_noted = 0;
Thread boot_thread;  ///< until there is memory to make one

void run_constructors() {
  for (auto constructor = hosted_constructors; constructor != hosted_constructors_end; ++constructor) (*constructor)();
}

/// AT_HWCAP2: Linux (5.9 and later) keeps what wrgsbase sets. That the CPU has the instruction says nothing: under some
/// hypervisors it works though Linux does not know, and the next switch to another thread forgets it.
constexpr uint64_t linux_keeps_gsbase = 2;

Thread& new_kernel_thread(void (*start)(Thread&)) {
  Thread* thread = create_kernel_thread(start);
  if (thread == nullptr) panic("no memory for the kernel's threads");
  return *thread;
}

void control_thread(Thread& self) {
  run_control_task(self);
  linux::call(linux::nr_exit_group, 0);
}

void reap() {
  while (true) {
    const uint32_t seen = __atomic_load_n(&children_noted, __ATOMIC_ACQUIRE);
    hosted::reap_processes();
    port::wait(&children_noted, seen, never);
  }
}

}  // namespace

hobbes_boot_params& boot_params() { return *params; }

void port::complete_start() {
  // The loader, its data and whatever Linux put there make way for applications.
  unmap(user_start, user_end - user_start);
  arch::learn_cpu();
  if (start_thread(new_kernel_thread(run_timers)) != 0 || start_thread(new_kernel_thread(run_idle_task)) != 0)
    panic("Linux gives no threads");
}

namespace hosted {

uint64_t init_pid() { return init_linux_pid; }

void note_child() {
  // release: the child exists; partner: the reaper's acquire before it looks for children.
  __atomic_add_fetch(&children_noted, 1, __ATOMIC_RELEASE);
  port::wake(&children_noted, 1);
}

}  // namespace hosted
}  // namespace hobbes::lwk

void hosted_main(void* boot, uint64_t capabilities) {
  using namespace hobbes::lwk;
  params = static_cast<hobbes_boot_params*>(boot);
  run_constructors();
  hosted::start_threads((capabilities & linux_keeps_gsbase) != 0);
  hosted::set_current(boot_thread);
  init_linux_pid = static_cast<uint64_t>(linux::call(linux::nr_getpid));
  hosted::start_blocks();
  start_kernel();
  Thread& reaper = new_kernel_thread(nullptr);
  reaper.port_process = static_cast<uint32_t>(init_linux_pid);
  hosted::become(reaper);
  hosted::start_traps();
  hosted::start_seccomp();
  if (port::start_thread(new_kernel_thread(control_thread)) != 0 ||
      port::start_thread(new_kernel_thread(hosted::serve_machine)) != 0)
    panic("Linux gives no threads");
  reap();
  __builtin_unreachable();
}
