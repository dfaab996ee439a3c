// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/run_once.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace hobbes::bench {
namespace {

Status run_to_end(Node& node, Place place, const std::vector<std::string>& args, const std::array<int, 3>& stdio) {
  if (place == Place::enclave) {
    const AppId app = TRY(node.launch(MeasuredEnclave::name, {.args = args, .stdio = stdio}));
    return node.wait_for_success(app);
  }
  const OnCpus there(place == Place::on_linux ? node.cpus().enclave : node.cpus().host);
  Child child = TRY(Child::spawn(args, stdio, Child::Session::its_own));
  return child.wait_for_success(args[0]);
}

}  // namespace

Result<Ran> run_once(Node& node, Place place, const std::vector<std::string>& args) {
  const UniqueFd null = TRY(open_null());
  Pipe output = TRY(Pipe::create());
  const Nanoseconds start = now();
  TRY(run_to_end(node, place, args, {null.get(), output.in.get(), STDERR_FILENO}));
  const Nanoseconds time = now() - start;
  output.in.reset();
  return Ran{TRY(read_text(output.out.get())), time};
}

Result<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string file = directory + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
  }
  return Error(Code::unsupported, "'" + name + "': is not on this machine; install it to measure it");
}

}  // namespace hobbes::bench
