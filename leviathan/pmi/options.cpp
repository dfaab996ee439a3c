// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/options.hpp"

#include "base/parse.hpp"

namespace hobbes::leviathan::pmi {

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  constexpr std::size_t least = 3;
  if (arguments.size() < least) return Error(Code::invalid, "its arguments are: run directory, application, ranks...");
  Options options{.run_dir = arguments[0], .app = AppId(TRY(parse_u64(arguments[1], "application", 1))), .parts = {}};
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    options.parts.push_back(static_cast<std::uint32_t>(TRY(parse_u64(arguments[i], "ranks", 1, UINT32_MAX))));
  }
  return options;
}

std::vector<std::string> to_arguments(const Options& options) {
  std::vector<std::string> arguments = {options.run_dir.string(), std::to_string(options.app.value)};
  for (const std::uint32_t part : options.parts) arguments.push_back(std::to_string(part));
  return arguments;
}

}  // namespace hobbes::leviathan::pmi
