// SPDX-License-Identifier: Apache-2.0
// From the boot CPU's arrival to a running enclave. The kernel's threads are the control task, the idle task, and the
// one that keeps the timers, all on the boot CPU; its stack of the start becomes that of its idle loop.
#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/x86_64/apic.hpp"
#include "cokernel/arch/x86_64/cpu_life.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/halt.hpp"
#include "cokernel/arch/x86_64/kernel_space.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/arch/x86_64/scheduler.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/main.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"

extern "C" void (*const x86_constructors[])();
extern "C" void (*const x86_constructors_end[])();

namespace hobbes::lwk {
namespace {

hobbes_boot_params* params = nullptr;
Thread boot_thread;  ///< until there is memory to make one

void run_constructors() {
  for (auto constructor = x86_constructors; constructor != x86_constructors_end; ++constructor) (*constructor)();
}

Thread& new_kernel_thread(void (*start)(Thread&)) {
  Thread* thread = create_kernel_thread(start);
  if (thread == nullptr) panic("no memory for the kernel's threads");
  return *thread;
}

/// The bridge has started them along with this one.
void await_other_cpus() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 1; i < boot.cpu_count; ++i)
    if (const int error = port::attach_cpu(i, boot.cpus[i]); error != 0)
      panic("CPU %u (APIC id %u) has not come: error %d", static_cast<uint64_t>(boot.cpus[i].cpu_id),
            static_cast<uint64_t>(boot.cpus[i].apic_id), static_cast<int64_t>(error));
}

void control_thread(Thread& self) {
  await_other_cpus();
  run_control_task(self);
  x86::stop_enclave();
}

}  // namespace

hobbes_boot_params& boot_params() { return *params; }

void port::complete_start() {
  if (start_thread(new_kernel_thread(run_timers)) != 0 || start_thread(new_kernel_thread(run_idle_task)) != 0)
    panic("the kernel's threads do not start");
}

}  // namespace hobbes::lwk

void x86_main(hobbes_boot_params* boot, uint32_t) {
  using namespace hobbes::lwk;
  using namespace hobbes::lwk::x86;
  write_msr(msr_gs_base, reinterpret_cast<uint64_t>(&boot_cpu()));
  params = boot;
  run_constructors();
  Cpu& cpu = boot_cpu();
  cpu.thread = &boot_thread;
  learn_features();
  start_kernel_space();
  start_cpu(cpu);
  arch::learn_cpu();
  cpu.apic_id = boot->cpus[0].apic_id;
  start_apic();
  start_kernel();
  use_page_allocator_for_tables();
  if (prepare_cpu(cpu, 0, boot->cpus[0], reinterpret_cast<uint64_t>(x86_boot_stack_top)) != 0)
    panic("no memory for the boot CPU");
  cpu.state = CpuState::online;
  Thread& control = new_kernel_thread(control_thread);
  cpu.thread = nullptr;
  if (port::start_thread(control) != 0) panic("the control task does not start");
  run_idle_loop();
}
