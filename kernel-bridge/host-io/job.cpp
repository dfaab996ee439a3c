// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/job.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cmdqueue/fd_passing.hpp"
#include "cmdqueue/wire_status.hpp"
#include "kernel-bridge/abi/host_io.h"

namespace hobbes::host_io {
namespace {

constexpr std::size_t max_job = 64 * 1024;
constexpr std::size_t stdio_count = 3;
/// In front of a refusal's text.
struct RefusalHead {
  std::int32_t status;  ///< HOBBES_STATUS_*
  std::int32_t sys_errno;
};

constexpr std::size_t mark_digits = 20;  // of the largest 64-bit number

std::string digits_of(std::uint64_t app) {
  const std::string digits = std::to_string(app);
  return std::string(mark_digits - digits.size(), '0') + digits;
}

/// NUL-terminated strings, one after the other.
std::vector<std::string> split(std::span<const std::byte> bytes) {
  std::vector<std::string> strings;
  const auto* at = reinterpret_cast<const char*>(bytes.data());
  const char* end = at + bytes.size();
  while (at < end) {
    strings.emplace_back(at, ::strnlen(at, static_cast<std::size_t>(end - at)));
    at += strings.back().size() + 1;
  }
  return strings;
}

/// Those that options speak of. In a message they stand for places among its descriptors.
std::vector<int*> descriptors_of(Options& options) {
  std::vector<int*> fds;
  for (BlockOption& block : options.blocks) fds.push_back(&block.fd);
  if (options.lender >= 0) fds.push_back(&options.lender);
  return fds;
}

Status take_stdio(const std::vector<UniqueFd>& fds) {
  for (int number = 0; number < static_cast<int>(stdio_count); ++number) {
    if (::dup2(fds[static_cast<std::size_t>(number)].get(), number) < 0) return last_errno("standard descriptors");
  }
  return {};
}

/// Behind the job, as many messages as they need: one holds no more than so many.
Status send_rank_fds(int socket, std::span<const int> ranks) {
  while (!ranks.empty()) {
    const auto some = ranks.first(std::min(ranks.size(), cmdqueue::max_passed_fds));
    TRY(cmdqueue::send_fds(socket, std::array{std::byte{1}}, some));
    ranks = ranks.subspan(some.size());
  }
  return {};
}

/// To their places, which are above all others there are yet: so each of these is free.
Status receive_rank_fds(int socket, std::uint32_t count) {
  for (std::uint32_t rank = 0; rank < count;) {
    const auto message = TRY(cmdqueue::receive_fds(socket, 1));
    if (message.fds.empty()) return Error(Code::corrupt, "job of a proxy: a rank's descriptor is missing");
    for (const UniqueFd& fd : message.fds) {
      const int place = HOBBES_HIO_FIRST_RANK_FD + static_cast<int>(rank++);
      if (::dup3(fd.get(), place, O_CLOEXEC) < 0) return last_errno("descriptor of a rank");
    }
  }
  return {};
}

}  // namespace

std::string mark_of(std::string_view owner, std::uint64_t app) {
  return std::string(mark_variable) + "=" + std::string(owner) + ":" + digits_of(app);
}

void remark(std::uint64_t app) {
  char* mark = std::getenv(std::string(mark_variable).c_str());
  if (mark == nullptr || std::strlen(mark) < mark_digits) return;
  std::memcpy(mark + std::strlen(mark) - mark_digits, digits_of(app).data(), mark_digits);
}

Status send_job(int socket, const Options& options, std::span<const int> stdio, std::span<const int> ranks) {
  if (stdio.size() != stdio_count) return Error(Code::invalid, "job of a proxy: it takes three standard descriptors");
  Options sent = options;
  sent.rank_fds = static_cast<std::uint32_t>(ranks.size());
  std::vector<int> fds(stdio.begin(), stdio.end());
  for (int* fd : descriptors_of(sent)) fds.push_back(std::exchange(*fd, static_cast<int>(fds.size())));
  std::string bytes;
  for (const std::string& argument : to_arguments(sent)) bytes.append(argument).push_back('\0');
  TRY(cmdqueue::send_fds(socket, std::as_bytes(std::span(bytes)), fds));
  return send_rank_fds(socket, ranks);
}

Status send_channel(int socket, std::uint64_t channel) {
  return cmdqueue::send_fds(socket, std::as_bytes(std::span(&channel, 1)), {});
}

Result<std::uint64_t> receive_channel(int socket) {
  const auto message = TRY(cmdqueue::receive_fds(socket, sizeof(std::uint64_t)));
  std::uint64_t channel = 0;
  if (message.bytes.size() != sizeof channel) return Error(Code::corrupt, "job of a proxy: no channel's address");
  std::memcpy(&channel, message.bytes.data(), sizeof channel);
  return channel;
}

void refuse_job(int socket, const Error& why) {
  const RefusalHead head{cmdqueue::to_wire(why.code()), why.sys_errno()};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes += why.text();
  // Where nobody listens there is nobody to tell.
  (void)cmdqueue::send_fds(socket, std::as_bytes(std::span(bytes)), {});
}

Status await_answer(int socket) {
  const auto answer = cmdqueue::receive_fds(socket, max_job);
  if (!answer) return answer.error().code() == Code::unavailable ? Status() : Status(answer.error());
  RefusalHead head;
  if (answer->bytes.size() < sizeof head) return Error(Code::corrupt, "proxy: its answer is damaged");
  std::memcpy(&head, answer->bytes.data(), sizeof head);
  const auto* text = reinterpret_cast<const char*>(answer->bytes.data()) + sizeof head;
  return cmdqueue::from_wire(head.status, head.sys_errno, std::string_view(text, answer->bytes.size() - sizeof head));
}

Result<std::optional<Job>> receive_job(int socket) {
  auto message = cmdqueue::receive_fds(socket, max_job);
  if (!message && message.error().code() == Code::unavailable) return std::optional<Job>();
  if (!message) return message.error();
  Job job{TRY(parse_options(split(message->bytes))), std::move(message->fds)};
  remark(job.options.app);  // first of all: from here on this process is that application's
  const std::vector<int*> named = descriptors_of(job.options);
  if (job.fds.size() != stdio_count + named.size()) {
    return Error(Code::corrupt, "job of a proxy: its descriptors do not match its options");
  }
  for (int* fd : named) {
    const auto place = static_cast<std::size_t>(*fd);
    if (place >= job.fds.size()) return Error(Code::corrupt, "job of a proxy: it names a descriptor it does not have");
    *fd = job.fds[place].get();
  }
  TRY(take_stdio(job.fds));
  TRY(receive_rank_fds(socket, job.options.rank_fds));
  return std::optional(std::move(job));
}

}  // namespace hobbes::host_io
