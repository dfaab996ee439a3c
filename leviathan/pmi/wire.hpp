// SPDX-License-Identifier: Apache-2.0
// PMI-1's wire protocol: what a rank says over its PMI_FD, and how it is answered. One request a line, "cmd=put kvsname=x
// key=y value=z"; or, for spawn, several lines from "mcmd=spawn" to "endcmd".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace hobbes::leviathan::pmi {

/// Limits that ranks are told (get_maxes): what a name in them may be long, the NUL that ends it in C included.
inline constexpr std::size_t max_space = 64, max_key = 64, max_value = 1024;
/// The longest request there is, several lines taken together.
inline constexpr std::size_t max_request = 64 * 1024;

struct Request {
  std::string command;
  std::map<std::string, std::string, std::less<>> attributes;

  /// Empty: it has none of that name.
  [[nodiscard]] std::string_view operator[](std::string_view name) const;
};

/// Collects a rank's bytes and cuts requests out of them.
class RequestReader {
 public:
  /// invalid: a request is too long, or is none; nothing more can be read from this rank.
  [[nodiscard]] Status add(std::string_view bytes);
  /// The next whole request, if there is one.
  [[nodiscard]] std::optional<Request> take();

 private:
  Status add_line(std::string_view line);

  std::string rest_;               ///< behind the last line's end
  std::optional<Request> several_;  ///< an "mcmd" whose "endcmd" has not come
  std::size_t several_size_ = 0;
  std::vector<Request> ready_;
};

/// "cmd=<command> name=value ...\n". Blanks in values become underscores: the protocol has no quotes.
[[nodiscard]] std::string answer(std::string_view command,
                                 const std::vector<std::pair<std::string_view, std::string>>& attributes = {});

}  // namespace hobbes::leviathan::pmi
