// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/options.hpp"

#include <array>
#include <climits>
#include <string_view>
#include <utility>

#include "base/parse.hpp"

namespace hobbes::host_io {
namespace {

constexpr std::uint64_t max_poll_us = 1'000'000;

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

Status read_option(Options& options, std::string_view name, const std::string& value) {
  if (name == "--channel") {
    options.channel = TRY(parse_u64(value, name));
  } else if (name == "--block") {
    options.blocks.push_back(TRY(parse_block(value)));
  } else if (name == "--mode") {
    options.mode = TRY(parse_mode(value));
  } else if (name == "--root") {
    options.root = value;
  } else if (name == "--close-from") {
    options.close_from = TRY(parse_fd(value, name));
  } else if (name == "--poll-us") {
    options.poll = std::chrono::microseconds(TRY(parse_u64(value, name, 0, max_poll_us)));
  } else {
    return Error(Code::invalid, "unknown option: " + std::string(name));
  }
  return {};
}

Status check(const Options& options) {
  if (options.channel == 0) return Error(Code::invalid, "--channel is missing");
  if (options.blocks.empty()) return Error(Code::invalid, "--block is missing");
  if (!options.root.is_absolute()) {
    return Error(Code::invalid, "--root: " + options.root.string() + ": not an absolute path");
  }
  return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) return Error(Code::invalid, arguments[i] + ": its value is missing");
    TRY(read_option(options, arguments[i], arguments[i + 1]));
  }
  TRY(check(options));
  return options;
}

std::vector<std::string> to_arguments(const Options& options) {
  std::vector<std::string> arguments = {"--channel", std::to_string(options.channel)};
  for (const BlockOption& block : options.blocks) {
    arguments.insert(arguments.end(), {"--block", std::to_string(block.base) + ":" + std::to_string(block.size.value) +
                                                      ":" + std::to_string(block.fd)});
  }
  for (const auto& [name, mode] : modes) {
    if (mode == options.mode) arguments.insert(arguments.end(), {"--mode", std::string(name)});
  }
  arguments.insert(arguments.end(), {"--root", options.root.string(),
                                     "--close-from", std::to_string(options.close_from),
                                     "--poll-us", std::to_string(options.poll.count())});
  return arguments;
}

}  // namespace hobbes::host_io
