// SPDX-License-Identifier: Apache-2.0
// Errors as the errno of the C API.
#pragma once

#include <cerrno>

#include "base/error.hpp"

namespace hobbes::xemem {

[[nodiscard]] inline int errno_of(const Error& error) {
  if (error.sys_errno() != 0) return error.sys_errno();
  switch (error.code()) {
    case Code::invalid: return EINVAL;
    case Code::not_found: return ENOENT;
    case Code::exists: return EEXIST;
    case Code::busy: return EBUSY;
    case Code::exhausted: return ENOMEM;
    case Code::denied: return EACCES;
    case Code::unsupported: return EOPNOTSUPP;
    case Code::timeout: return ETIMEDOUT;
    case Code::unavailable: return ECONNREFUSED;
    case Code::corrupt:
    case Code::io: return EIO;
  }
  return EIO;
}

}  // namespace hobbes::xemem
