// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/options.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <string_view>
#include <utility>

#include "base/parse.hpp"
#include "kernel-bridge/abi/host_io.h"
#include "kernel-bridge/host-io/app_fds.hpp"

namespace hobbes::host_io {
namespace {

constexpr std::uint64_t max_poll_us = 1'000'000;
constexpr std::string_view told_later = "later";

constexpr std::array<std::pair<std::string_view, Mode>, 3> modes = {{
    {"none", Mode::none},
    {"files", Mode::files},
    {"all", Mode::all},
}};

Result<int> parse_fd(std::string_view text, std::string_view what) {
  return static_cast<int>(TRY(parse_u64(text, what, 0, INT_MAX)));
}

Result<Mode> parse_mode(std::string_view text) {
  for (const auto& [name, mode] : modes) {
    if (name == text) return mode;
  }
  return Error(Code::invalid, "--mode: " + std::string(text) + ": not one of none, files, all");
}

Result<BlockOption> parse_block(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) {
    return Error(Code::invalid, "--block: " + std::string(text) + ": not <base>:<size>:<fd>");
  }
  BlockOption block;
  block.base = TRY(parse_u64(text.substr(0, first), "--block: base"));
  block.size = Bytes(TRY(parse_u64(text.substr(first + 1, second - first - 1), "--block: size", 1)));
  block.fd = TRY(parse_fd(text.substr(second + 1), "--block: fd"));
  return block;
}

/// "<uid>:<gid>[:<group>]..."
Result<User> parse_user(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(':', at), text.size());
    numbers.push_back(static_cast<std::uint32_t>(TRY(parse_u64(text.substr(at, end - at), "--user", 0, UINT32_MAX))));
    at = end + 1;
  }
  if (numbers.size() < 2) return Error(Code::invalid, "--user: " + std::string(text) + ": not <uid>:<gid>[:<group>]...");
  return User{numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()}};
}

std::string to_text(const User& user) {
  std::string text = std::to_string(user.uid) + ":" + std::to_string(user.gid);
  for (const gid_t group : user.groups) text += ":" + std::to_string(group);
  return text;
}

Status read_option(Options& options, std::string_view name, const std::string& value) {
  if (name == "--channel") {
    if (value != told_later) options.channel = TRY(parse_u64(value, name, 1));
  } else if (name == "--block") {
    options.blocks.push_back(TRY(parse_block(value)));
  } else if (name == "--mode") {
    options.mode = TRY(parse_mode(value));
  } else if (name == "--root") {
    options.root = value;
  } else if (name == "--app") {
    options.app = TRY(parse_u64(value, name));
  } else if (name == "--user") {
    options.user = TRY(parse_user(value));
  } else if (name == "--cwd") {
    options.cwd = value;
  } else if (name == "--rank-fds") {
    options.rank_fds = static_cast<std::uint32_t>(TRY(parse_u64(value, name, 0, AppFds::limit - HOBBES_HIO_FIRST_RANK_FD)));
  } else if (name == "--close-from") {
    options.close_from = TRY(parse_fd(value, name));
  } else if (name == "--owner") {
    options.owner = static_cast<std::uint32_t>(TRY(parse_u64(value, name, 0, UINT32_MAX)));
  } else if (name == "--lender") {
    options.lender = TRY(parse_fd(value, name));
  } else if (name == "--poll-us") {
    options.poll = std::chrono::microseconds(TRY(parse_u64(value, name, 0, max_poll_us)));
  } else {
    return Error(Code::invalid, "unknown option: " + std::string(name));
  }
  return {};
}

Status check(const Options& options) {
  if (options.blocks.empty()) return Error(Code::invalid, "--block is missing");
  if (!options.root.is_absolute()) {
    return Error(Code::invalid, "--root: " + options.root.string() + ": not an absolute path");
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  bool has_channel = false;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return Error(Code::invalid, arguments[i] + ": its value is missing");
    TRY(read_option(options, arguments[i], arguments[i + 1]));
    has_channel |= arguments[i] == "--channel";
  }
  if (!has_channel) return Error(Code::invalid, "--channel is missing");
  TRY(check(options));
  return options;
}

std::vector<std::string> to_arguments(const Options& options) {
  std::vector<std::string> arguments = {
      "--channel", options.channel ? std::to_string(*options.channel) : std::string(told_later)};
  for (const BlockOption& block : options.blocks) {
    arguments.insert(arguments.end(), {"--block", std::to_string(block.base) + ":" + std::to_string(block.size.value) +
                                                      ":" + std::to_string(block.fd)});
  }
  arguments.insert(arguments.end(), {"--app", std::to_string(options.app)});
  if (options.user) arguments.insert(arguments.end(), {"--user", to_text(*options.user)});
  if (!options.cwd.empty()) arguments.insert(arguments.end(), {"--cwd", options.cwd.string()});
  for (const auto& [name, mode] : modes) {
    if (mode == options.mode) arguments.insert(arguments.end(), {"--mode", std::string(name)});
  }
  arguments.insert(arguments.end(), {"--root", options.root.string(),
                                     "--rank-fds", std::to_string(options.rank_fds),
                                     "--close-from", std::to_string(options.close_from),
                                     "--poll-us", std::to_string(options.poll.count())});
  if (options.owner) arguments.insert(arguments.end(), {"--owner", std::to_string(*options.owner)});
  if (options.lender >= 0) arguments.insert(arguments.end(), {"--lender", std::to_string(options.lender)});
  return arguments;
}

}  // namespace hobbes::host_io
