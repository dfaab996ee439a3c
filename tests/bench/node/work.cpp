// SPDX-License-Identifier: Apache-2.0
// What programs ask of a kernel, in an enclave and on Linux, on the same CPU.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"

namespace hobbes::bench {
namespace {

constexpr Bytes memory_for_all = mib(512);
constexpr Bytes file_size = gib(1);

struct Work {
  const char* title;
  const char* name;      // of programs/work.c
  std::uint64_t inside;  // times in a sample
  std::uint64_t outside;
  Target target;         // of enclave / Linux
  const char* operand = nullptr;
};

constexpr Target at_most(double bound) { return {Target::Side::at_most, bound}; }

constexpr Target told{Target::Side::none, 0};

constexpr const char* true_program = "true";
constexpr const char* the_file = "file";

constexpr Work works[] = {
    {"clock_gettime, one call", "clock", 50'000, 50'000, at_most(1.1)},
    {"fork, exec and wait of a static program", "program", 10, 10, at_most(2), true_program},
    {"a thread, created and joined", "thread", 100, 100, at_most(1)},
    // Judged where each has a CPU: parallel.cpp.
    {"a byte through pipes between two processes, there and back", "pipe", 500, 500, told},
    {"a file of 1 GiB in the page cache, read", "read", 1, 1, at_most(1 / 0.9), the_file},
};

Result<std::string> make_file(const Node& node) {
  const std::string path = node.directory() / "read";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file) return last_errno(path);
  const std::vector<std::byte> piece(mib(1).value, std::byte{'x'});
  for (Bytes written; written < file_size; written = written + mib(1)) TRY(write_exactly(file.get(), piece));
  return path;
}

Result<std::vector<std::string>> command(const Node& node, const Work& work) {
  std::vector<std::string> args{program("work"), work.name};
  if (work.operand == true_program) args.push_back(program(true_program));
  if (work.operand == the_file) args.push_back(TRY(make_file(node)));
  return args;
}

Status compare(Node& node, Report& report, std::size_t rounds, const Work& work) {
  const auto args = TRY(command(node, work));
  Served on_linux = TRY(Served::on_linux(node, args));
  Served inside = TRY(Served::in_enclave(node, args));
  const auto times = TRY(alternate(
      {one_batch("enclave", inside, work.inside), one_batch("Linux", on_linux, work.outside)}, rounds));
  report.heading(work.title);
  report.times(times);
  report.ratios({{"enclave / Linux", times[0], times[1], work.target}});
  return {};
}

/// Linux has two ways to do it.
Status compare_mapping(Node& node, Report& report, std::size_t rounds) {
  const std::string work = program("work");
  Served pages = TRY(Served::on_linux(node, {work, "pages"}));
  Served huge = TRY(Served::on_linux(node, {work, "huge-pages"}));
  Served inside = TRY(Served::in_enclave(node, {work, "pages"}));
  const auto times = TRY(alternate({one_batch("enclave", inside, 1), one_batch("Linux, 4 KiB pages", pages, 1),
                                    one_batch("Linux, transparent huge pages", huge, 1)},
                                   rounds));
  report.heading("64 MiB mapped, touched and unmapped");
  report.times(times);
  report.ratios({{"enclave / 4 KiB pages", times[0], times[1], at_most(0.1)},
                 {"enclave / transparent huge pages", times[0], times[2], at_most(0.25)}});
  return {};
}

}  // namespace

Status measure_work(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, memory_for_all));
  TRY(compare_mapping(node, report, rounds));
  for (const Work& work : works) TRY(compare(node, report, rounds, work));
  return {};
}

}  // namespace hobbes::bench
