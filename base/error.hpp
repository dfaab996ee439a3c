// SPDX-License-Identifier: Apache-2.0
// Error: the one vocabulary of failure of every host program.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace hobbes {

/// What kind of failure it is, i.e. what the caller may do about it. Sent on the wire as numbers: never
/// reuse one.
enum class Code : int {
  invalid = 1,      ///< the request itself is wrong; repeating it is useless
  not_found = 2,    ///< a named thing does not exist
  exists = 3,       ///< a name is taken
  busy = 4,         ///< right request, wrong moment
  exhausted = 5,    ///< not enough memory, CPUs, ids, space
  denied = 6,       ///< the caller may not
  unsupported = 7,  ///< known, but not done here
  timeout = 8,      ///< a deadline passed
  unavailable = 9,  ///< the peer is not there (any more)
  corrupt = 10,     ///< data that breaks its format or an invariant
  io = 11,          ///< the operating system said no; see sys_errno()
};

[[nodiscard]] std::string_view to_string(Code code);

/// A failure: what kind, and one sentence "what: which object: detail" for a person. `sys_errno` is 0 where no
/// system call is behind it.
class Error {
 public:
  Error(Code code, std::string text, int sys_errno = 0,
        std::source_location where = std::source_location::current());

  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] int sys_errno() const { return sys_errno_; }
  [[nodiscard]] const std::source_location& where() const { return where_; }

  /// The same error with "context: " in front of its sentence.
  [[nodiscard]] Error in(std::string_view context) &&;

 private:
  Code code_;
  int sys_errno_;
  std::string text_;
  std::source_location where_;
};

/// Its errno; where no system call is behind it, the one that says the same: for answers that are errno.
[[nodiscard]] int errno_of(const Error& error);

/// The only place where an errno becomes an Error: "<what>: <strerror text>".
[[nodiscard]] Error errno_error(int sys_errno, std::string_view what,
                                std::source_location where = std::source_location::current());
/// As above with the calling thread's errno.
[[nodiscard]] Error last_errno(std::string_view what,
                               std::source_location where = std::source_location::current());

}  // namespace hobbes
