// SPDX-License-Identifier: Apache-2.0
// What the control task needs beside the parts the kernel's own tests run on: no process can be made here, and there are no
// devices, so a launch comes as far as that.
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/pci/devices.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/syscall.hpp"
#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::lwk {

Process* create_process(Process&, App*) { return nullptr; }
void discard_process(Process*) { fuzz::fail("there was no process"); }
void exit_process(int) { fuzz::fail("there was no process"); }
int execute(Thread&, const char*, ProgramStrings&, const MemoryPlan&, const char*&, bool&) {
  fuzz::fail("there was no process");
}
ProgramStrings::~ProgramStrings() { release(bytes); }
int send_signal_locked(Process&, const SignalInfo&) { return 0; }
const char* syscall_name(uint32_t) { return nullptr; }
int pci::add_device(const hobbes_pci_command&) { return -ENODEV; }
int pci::remove_device(const hobbes_pci_ref&) { return -ENODEV; }

namespace port {

int start_process(Process&, Thread&) { fuzz::fail("there was no process"); }
void enter_user(Thread&) { fuzz::fail("there was no process"); }
void ring_control_bell() {}

}  // namespace port
}  // namespace hobbes::lwk
