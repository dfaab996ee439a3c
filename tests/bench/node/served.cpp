// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/node/served.hpp"

#include <unistd.h>

namespace hobbes::bench {

Result<Served> Served::on_linux(const Node& node, const std::vector<std::string>& args) {
  Pipe commands = TRY(Pipe::create());
  Pipe answers = TRY(Pipe::create());
  const OnCpus beside(node.cpus().enclave);
  Child child = TRY(
      Child::spawn(args, {commands.out.get(), answers.in.get(), STDERR_FILENO}, Child::Session::its_own));
  return Served(std::move(child), std::move(commands.in), std::move(answers.out));
}

Result<Served> Served::in_enclave(Node& node, const std::vector<std::string>& args, bool rewrite) {
  Pipe commands = TRY(Pipe::create());
  Pipe answers = TRY(Pipe::create());
  TRY(node.launch(MeasuredEnclave::name,
                  {.args = args, .stdio = {commands.out.get(), answers.in.get(), STDERR_FILENO}, .rewrite = rewrite}));
  return Served(Child(), std::move(commands.in), std::move(answers.out));
}

Result<Nanoseconds> Served::ask(std::uint64_t times) {
  TRY(write_value(commands_.get(), times));
  return Nanoseconds(static_cast<double>(TRY(read_value<std::uint64_t>(answers_.get()))));
}

Contestant one_batch(std::string name, Served& served, std::uint64_t times) {
  return {std::move(name), [&served, times](Series& series) -> Status {
            series.add(TRY(served.ask(times)) / static_cast<double>(times));
            return {};
          }};
}

}  // namespace hobbes::bench
