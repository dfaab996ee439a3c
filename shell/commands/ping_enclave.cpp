// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <iomanip>
#include <vector>

#include "shell/commands/handlers.hpp"

namespace hobbes::shell {
namespace {

constexpr std::string_view own_enclave = "master";  // the shell runs on the Linux side

double microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace

Result<int> ping_enclave(Shell& shell, const Arguments& arguments) {
  const std::string target = arguments.text("enclave");
  const std::uint64_t count = arguments.number("count").value_or(1);
  const Bytes size = arguments.size("size").value_or(Bytes(0));
  client::Client& client = *TRY(shell.connect());

  shell.out << own_enclave << ": ping\n" << std::flush;
  std::vector<std::chrono::nanoseconds> times;
  for (std::uint64_t i = 0; i < count; ++i) times.push_back(TRY(client.ping(target, size)));
  std::sort(times.begin(), times.end());

  const auto median = times[times.size() / 2];
  shell.out << target << ": pong\n" << std::fixed << std::setprecision(6)
            << "Ping Latency  : " << std::chrono::duration<double>(median).count() << " s" << std::setprecision(1)
            << " (min " << microseconds(times.front()) << " us, median " << microseconds(median) << " us, max "
            << microseconds(times.back()) << " us; " << count << " x " << size.value << " bytes)\n";
  return exit_done;
}

}  // namespace hobbes::shell
