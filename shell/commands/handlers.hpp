// SPDX-License-Identifier: Apache-2.0
// The handlers of the command table, one file each (or each pair of mirror images). Their rows are in
// shell/command_table.cpp; what they do for the user is in docs/commands.md.
#pragma once

#include "shell/arguments.hpp"
#include "shell/shell.hpp"

namespace hobbes::shell {

Result<int> create_enclave(Shell& shell, const Arguments& arguments);
Result<int> destroy_enclave(Shell& shell, const Arguments& arguments);
Result<int> ping_enclave(Shell& shell, const Arguments& arguments);
Result<int> list_enclaves(Shell& shell, const Arguments& arguments);
Result<int> list_segments(Shell& shell, const Arguments& arguments);
Result<int> launch_app(Shell& shell, const Arguments& arguments);
Result<int> list_apps(Shell& shell, const Arguments& arguments);
Result<int> wait_app(Shell& shell, const Arguments& arguments);
Result<int> kill_app(Shell& shell, const Arguments& arguments);
Result<int> syscalls(Shell& shell, const Arguments& arguments);
Result<int> dump_cmd_queue(Shell& shell, const Arguments& arguments);
Result<int> cat_file(Shell& shell, const Arguments& arguments);
Result<int> cat_into_file(Shell& shell, const Arguments& arguments);
Result<int> list_memory(Shell& shell, const Arguments& arguments);
Result<int> list_cpus(Shell& shell, const Arguments& arguments);
Result<int> list_pci(Shell& shell, const Arguments& arguments);
Result<int> assign_memory(Shell& shell, const Arguments& arguments);
Result<int> remove_memory(Shell& shell, const Arguments& arguments);
Result<int> assign_cpus(Shell& shell, const Arguments& arguments);
Result<int> remove_cpus(Shell& shell, const Arguments& arguments);
Result<int> assign_pci(Shell& shell, const Arguments& arguments);
Result<int> remove_pci(Shell& shell, const Arguments& arguments);
Result<int> console(Shell& shell, const Arguments& arguments);
Result<int> check_db(Shell& shell, const Arguments& arguments);
Result<int> help(Shell& shell, const Arguments& arguments);
Result<int> completion(Shell& shell, const Arguments& arguments);
Result<int> exit(Shell& shell, const Arguments& arguments);

/// launch_app: a descriptor or a program, not both, not neither.
Status check_launch(const Arguments& arguments);
/// assign_cpus, remove_cpus: a count or a list, not both, not neither.
Status check_cpu_choice(const Arguments& arguments);
/// syscalls: an order there is.
Status check_syscalls(const Arguments& arguments);
/// console: --dump alone.
Status check_console(const Arguments& arguments);

}  // namespace hobbes::shell
