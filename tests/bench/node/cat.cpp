// SPDX-License-Identifier: Apache-2.0
// cat_file into a pipe whose reader throws everything away, beside cat of the same file into the same kind of pipe.
#include <fcntl.h>
#include <unistd.h>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

constexpr Bytes host_file_size = gib(1);
constexpr Bytes enclave_file_size = mib(128);
constexpr Bytes enclave_memory = mib(512);
constexpr std::size_t buffer_size = 1 << 20;
constexpr const char* enclave_file = "/enclave/data";  // in the enclave's own memory

/// Writes it once, so that it is in the page cache.
Status make_file(const std::string& path, Bytes size) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return last_errno("'" + path + "'");
  const std::vector<std::byte> buffer(buffer_size, std::byte{'x'});
  for (std::uint64_t at = 0; at < size.value; at += buffer.size()) TRY(write_exactly(file.get(), buffer));
  return {};
}

/// Reads to the end; how much it was.
Result<std::uint64_t> drain(int fd) {
  static std::vector<std::byte> buffer(buffer_size);
  std::uint64_t total = 0;
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0) return last_errno("pipe");
    if (count == 0) return total;
    total += static_cast<std::uint64_t>(count);
  }
}

/// From the start of the program to its end, all of its output read.
Result<Nanoseconds> time_output(const std::vector<std::string>& args, Bytes expected) {
  const UniqueFd null = TRY(open_null());
  Pipe pipe = TRY(Pipe::create());
  const Nanoseconds start = now();
  Child child = TRY(Child::spawn(args, {null.get(), pipe.in.get(), STDERR_FILENO}));
  pipe.in.reset();
  const std::uint64_t total = TRY(drain(pipe.out.get()));
  TRY(child.wait_for_success(args[0]));
  if (total == expected.value) return now() - start;
  return Error(Code::corrupt, "'" + args[0] + "': wrote " + std::to_string(total) + " bytes, not " +
                                  std::to_string(expected.value));
}

Contestant output_of(std::string name, std::vector<std::string> args, Bytes size) {
  return {std::move(name), [args = std::move(args), size](Series& series) -> Status {
            series.add(TRY(time_output(args, size)));
            return {};
          }};
}

Status copy_into_enclave(Node& node, const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return last_errno("'" + path + "'");
  TRY(node.client().cat_into_file(MeasuredEnclave::name, enclave_file, file.get(), false));
  return {};
}

/// `inside`: as the enclave calls the file that Linux calls `path`.
Status compare(Node& node, Report& report, const std::string& title, const std::string& inside,
               const std::string& path, Bytes size, std::size_t rounds) {
  const auto times = TRY(alternate(
      {output_of("hobbes cat_file", {node.hobbes(), "cat_file", MeasuredEnclave::name, inside}, size),
       output_of("cat of the same bytes", {"cat", path}, size)},
      rounds));
  report.heading(title);
  report.times(times);
  report.ratios({{"rate of cat_file / of cat", times[1], times[0], {Target::Side::at_least, 0.5}}});
  return {};
}

}  // namespace

Status measure_cat(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, enclave_memory));
  const std::string large = node.directory() / "large";
  const std::string small = node.directory() / "small";
  TRY(make_file(large, host_file_size));
  TRY(make_file(small, enclave_file_size));
  TRY(copy_into_enclave(node, small));
  TRY(compare(node, report, "cat_file of 1 GiB, a file of Linux", large, large, host_file_size, rounds));
  return compare(node, report, "cat_file of 128 MiB, a file in the enclave's memory", enclave_file, small,
                 enclave_file_size, rounds);
}

}  // namespace hobbes::bench
