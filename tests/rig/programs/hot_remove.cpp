// SPDX-License-Identifier: Apache-2.0
// hot-remove: the linux bridge's calls for scenarios. Prints what it took; an error is a sentence and status 1.
//   hot-remove cpu take|give N       hot-remove memory take COUNT, give BASE
//   hot-remove pci driver|take DEVICE, bind DEVICE DRIVER, give DEVICE DRIVER
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/parse.hpp"
#include "kernel-bridge/linux/linux_cpus.hpp"
#include "kernel-bridge/linux/linux_memory.hpp"
#include "kernel-bridge/linux/linux_pci.hpp"

namespace {

using namespace hobbes;

Status on_cpu(const std::string& verb, const std::string& number) {
  const CpuId cpu(static_cast<std::uint32_t>(TRY(parse_u64(number, "CPU", 0, UINT32_MAX))));
  return verb == "take" ? bridge::LinuxCpus().take(cpu) : bridge::LinuxCpus().give_back(cpu);
}

Status on_memory(const std::string& verb, const std::string& number) {
  const std::uint64_t value = TRY(parse_u64(number, "number"));
  if (verb == "give") return bridge::LinuxMemory().give_back(value);
  for (const auto& block : TRY(bridge::LinuxMemory().take(value)))
    std::cout << block.base << " of node " << block.numa.value << '\n';
  return {};
}

Status on_pci(const std::vector<std::string>& words) {
  const bridge::LinuxPci devices;
  if (words[1] == "bind") return devices.bind(words[2], words.at(3));
  if (words[1] == "give") return devices.give_back(words[2], words.at(3));
  const auto driver = TRY(words[1] == "take" ? devices.take(words[2]) : devices.driver(words[2]));
  std::cout << driver.value_or("none") << '\n';
  return {};
}

Status run(const std::vector<std::string>& words) {
  if (words.size() < 3) return Error(Code::invalid, "hot-remove: cpu, memory or pci, a verb, and what");
  if (words[0] == "cpu") return on_cpu(words[1], words[2]);
  if (words[0] == "memory") return on_memory(words[1], words[2]);
  return on_pci(words);
}

}  // namespace

int main(int count, char** arguments) {
  const Status done = run({arguments + 1, arguments + count});
  if (done) return EXIT_SUCCESS;
  std::cerr << done.error().text() << '\n';
  return EXIT_FAILURE;
}
