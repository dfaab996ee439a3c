// SPDX-License-Identifier: Apache-2.0
// bench_xemem: shared memory beside its floors, in one run, in turns. `run` starts the node and the exporter it needs.
#include <cstdio>

#include "tests/bench/xemem/contest.hpp"

using namespace hobbes;
using namespace hobbes::bench;

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto json = take_json_option(arguments);
  if (!json || !arguments.empty()) {
    std::fputs("usage: bench_xemem [--json FILE]\n", stderr);
    return 2;
  }
  Results results("xemem");
  bench_attach(results);
  bench_signal(results);
  bench_snapshot(results);
  if (!*json) return 0;
  if (const Status written = results.write(**json); !written) {
    std::fprintf(stderr, "%s\n", written.error().text().c_str());
    return 1;
  }
  return 0;
}
