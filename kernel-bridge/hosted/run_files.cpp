// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/run_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace hobbes::bridge {
namespace {

constexpr std::size_t log_tail_size = 400;

Result<UniqueFd> create_file(const std::filesystem::path& file) {
  constexpr int flags = O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd fd(::open(file.c_str(), flags, S_IRUSR | S_IWUSR));
  if (!fd) return last_errno("run directory: create " + file.string());
  return fd;
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

Status RunFiles::record_init(std::string_view stat_line) const {
  const UniqueFd file = TRY(create_file(identity()));
  if (::write(file.get(), stat_line.data(), stat_line.size()) != static_cast<ssize_t>(stat_line.size()))
    return last_errno("run directory: write " + identity().string());
  return {};
}

Result<UniqueFd> RunFiles::create_log() const { return create_file(log()); }

Result<ProcessId> RunFiles::init() const {
  const std::string line = read_text(identity());
  if (line.empty())
    return Error(Code::not_found, "run directory " + directory_.string() + ": nothing was started here");
  return identify(std::string_view(line));
}

std::string RunFiles::log_tail() const {
  std::string text = read_text(log());
  if (text.size() > log_tail_size) text.erase(0, text.size() - log_tail_size);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // It goes into an error, which is one line: what an enclave wrote must not forge others.
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  return text;
}

Status RunFiles::remove() const {
  for (const auto& file : {socket(), identity(), log()}) {
    std::error_code failure;
    std::filesystem::remove(file, failure);
    if (failure) return errno_error(failure.value(), "run directory: remove " + file.string());
  }
  return {};
}

}  // namespace hobbes::bridge
