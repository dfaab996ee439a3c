// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"

namespace hobbes::shell {

Status check_cpu_choice(const Arguments& arguments) {
  if (arguments.has("count") == arguments.has("cpulist"))
    return Error(Code::invalid, "give either a number of CPUs or --cpulist");
  if (arguments.has("numa") && arguments.has("cpulist"))
    return Error(Code::invalid, "--numa goes with a number of CPUs, not with --cpulist");
  return {};
}

Result<int> assign_cpus(Shell& shell, const Arguments& arguments) {
  const std::string enclave = arguments.text("enclave");
  client::Client& client = *TRY(shell.connect());
  const auto count = arguments.number("count");
  shell.out << TRY(count ? client.assign_cpus(enclave, *count, arguments.numa("numa"))
                         : client.assign_cpus(enclave, arguments.cpus("cpulist")))
            << '\n';
  return exit_done;
}

Result<int> remove_cpus(Shell& shell, const Arguments& arguments) {
  const std::string enclave = arguments.text("enclave");
  client::Client& client = *TRY(shell.connect());
  const auto count = arguments.number("count");
  shell.out << TRY(count ? client.remove_cpus(enclave, *count) : client.remove_cpus(enclave, arguments.cpus("cpulist")))
            << '\n';
  return exit_done;
}

}  // namespace hobbes::shell
