// SPDX-License-Identifier: Apache-2.0
// An enclave kernel's refusals as sentences: it sends an errno and what an errno cannot tell, never what was asked.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hobbes::leviathan {

/// "'/bin/x': not for this machine: Exec format error". What is no kernel's refusal (a deadline that passed, an enclave
/// that ended) stays as it is.
[[nodiscard]] inline Error refusal_of(std::string_view subject, const Error& error) {
  if (error.sys_errno() == 0) return error;
  const std::string detail = error.text().empty() ? "" : ": " + error.text();
  const Error sentence = errno_error(error.sys_errno(), std::string(subject) + detail);
  return {error.code(), sentence.text(), error.sys_errno()};
}

}  // namespace hobbes::leviathan
