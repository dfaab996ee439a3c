// SPDX-License-Identifier: Apache-2.0
// Inputs of the PMI server's bounded run: what ranks say, some of it damaged.
#include <array>
#include <string_view>

#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::array<std::string_view, 22> lines = {
    "cmd=init pmi_version=1 pmi_subversion=1\n", "cmd=init pmi_version=2\n", "cmd=get_maxes\n", "cmd=get_appnum\n",
    "cmd=get_universe_size\n", "cmd=get_my_kvsname\n", "cmd=put kvsname=job_1 key=a value=1\n",
    "cmd=put kvsname=job_1 key=b value=", "cmd=get kvsname=job_1 key=a\n", "cmd=get kvsname=job_2 key=a\n",
    "cmd=get kvsname=job_1 key=PMI_process_mapping\n", "cmd=barrier_in\n", "cmd=barrier_in\n", "cmd=barrier_in\n",
    "cmd=finalize\n", "cmd=abort exitcode=1\n", "mcmd=spawn\nnprocs=1\n", "endcmd\n", "cmd=lookup_name service=x\n",
    "cmd=\n", "\n", "cmd=x ==  =\n"};

}  // namespace

const int bounded_inputs = 50'000;

Bytes next_input(Random& random) {
  Bytes input;
  for (std::uint64_t i = 1 + random.below(40); i > 0; --i) {
    const std::string_view line = lines[random.below(lines.size())];
    append(input, static_cast<std::uint8_t>(random.one_in(30) ? random.below(256) : random.below(3)));
    append(input, static_cast<std::uint8_t>(line.size()));
    append(input, line.data(), line.size());
  }
  if (random.one_in(2)) mutate(input, random);
  return input;
}

}  // namespace hobbes::fuzz
