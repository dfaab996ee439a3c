// SPDX-License-Identifier: Apache-2.0
// bench_node [--json FILE] [--rounds N] [section...]: what a node costs, beside the floor under each number and what people would use
// instead. All sections unless some are named.
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "base/parse.hpp"
#include "tests/bench/node/machine.hpp"
#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;
constexpr std::uint64_t most_rounds = 100'000;

struct Section {
  const char* name;
  const char* summary;
  std::size_t rounds;  // unless --rounds says otherwise
  Status (*measure)(Node& node, Report& report, std::size_t rounds);
  Result<Cpus> (*find_cpus)() = Cpus::find;  // the node's
};

constexpr Section sections[] = {
    {"create", "create_enclave to an application's first instruction", 20, measure_create},
    {"getpid", "a system call of the co-kernel's own", 100, measure_getpid},
    {"ping", "a ping through leviathan to the enclave", 100, measure_ping},
    {"launch", "launch_app of a static program", 100, measure_launch},
    {"cat", "cat_file of 1 GiB", 9, measure_cat},
    {"compute", "a compute loop and STREAM, on one CPU", 40, measure_compute},
    {"work", "what programs ask of a kernel, beside Linux", 20, measure_work},
    {"forward", "a call that Linux serves, beside seccomp's user notification", 30, measure_forward},
    {"redis", "redis-benchmark", 10, measure_redis},
    {"sqlite", "sqlite3 inserts and selects", 10, measure_sqlite},
    {"parallel", "pipes, STREAM and a solver on several CPUs", 20, measure_parallel, Cpus::find_several},
};

struct CommandLine {
  std::vector<const Section*> chosen;
  std::optional<std::size_t> rounds;
  std::optional<std::filesystem::path> json;
};

Result<const Section*> find_section(std::string_view name) {
  for (const Section& section : sections) {
    if (name == section.name) return &section;
  }
  return Error(Code::invalid, "'" + std::string(name) + "': there is no such section");
}

Result<CommandLine> parse(std::vector<std::string> arguments) {
  CommandLine line;
  line.json = TRY(take_json_option(arguments));
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--rounds") {
      const bool last = ++argument == arguments.end();
      line.rounds = TRY(parse_u64(last ? "" : *argument, "--rounds", 1, most_rounds));
      if (last) break;
    } else {
      line.chosen.push_back(TRY(find_section(*argument)));
    }
  }
  if (line.chosen.empty()) {
    for (const Section& section : sections) line.chosen.push_back(&section);
  }
  return line;
}

void complain(const Error& error) { std::fprintf(stderr, "bench_node: %s\n", error.text().c_str()); }

void print_usage() {
  std::fprintf(stderr, "usage: HOBBES_BUILD=<build directory> bench_node [--json FILE] [--rounds N] [section...]\nsections:\n");
  for (const Section& section : sections) {
    std::fprintf(stderr, "  %-8s %s (%zu rounds)\n", section.name, section.summary, section.rounds);
  }
}

/// Sections that need the same kind of node share one.
class Nodes {
 public:
  [[nodiscard]] Result<Node*> node_for(const Section& section) {
    if (node_ && find_cpus_ == section.find_cpus) return &*node_;
    node_.reset();
    const Cpus cpus = TRY(section.find_cpus());
    node_.emplace(TRY(Node::start(cpus)));
    find_cpus_ = section.find_cpus;
    return &*node_;
  }

 private:
  std::optional<Node> node_;
  Result<Cpus> (*find_cpus_)() = nullptr;
};

Status measure(Nodes& nodes, const Section& section, Report& report, std::size_t rounds) {
  Node* node = TRY(nodes.node_for(section));
  return section.measure(*node, report, rounds);
}

/// One section that cannot be measured does not keep the others from it.
int run(const CommandLine& line) {
  Nodes nodes;
  Report report;
  report.note(describe_machine());
  int status = 0;
  for (const Section* section : line.chosen) {
    const Status measured = measure(nodes, *section, report, line.rounds.value_or(section->rounds));
    if (measured) continue;
    if (measured.error().code() == Code::unsupported) {
      report.note("Skipped: " + std::string(section->name) + ": " + measured.error().text());
      continue;
    }
    complain(Error(measured.error()).in(section->name));
    status = exit_failed;
  }
  if (line.json) {
    if (const Status written = report.results().write(*line.json); !written) return complain(written.error()), exit_failed;
  }
  return status;
}

}  // namespace
}  // namespace hobbes::bench

int main(int argc, char** argv) {
  const auto line = hobbes::bench::parse({argv + 1, argv + argc});
  if (line) return hobbes::bench::run(*line);
  hobbes::bench::complain(line.error());
  hobbes::bench::print_usage();
  return hobbes::bench::exit_usage;
}
