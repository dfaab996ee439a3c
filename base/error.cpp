// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace hobbes {
namespace {

Code code_of(int sys_errno) {
  switch (sys_errno) {
    case ENOENT: case ESRCH: case ENXIO: case ENODEV: return Code::not_found;
    case EEXIST: return Code::exists;
    case EBUSY: case EAGAIN: case EDEADLK: return Code::busy;
    case ENOMEM: case ENOSPC: case EMFILE: case ENFILE: case EDQUOT: return Code::exhausted;
    case EACCES: case EPERM: case EROFS: return Code::denied;
    case ENOSYS: case EOPNOTSUPP: return Code::unsupported;
    case ETIMEDOUT: return Code::timeout;
    case EPIPE: case ECONNREFUSED: case ECONNRESET: case ENOTCONN: return Code::unavailable;
    case EINVAL: case ENAMETOOLONG: case ENOTDIR: case EISDIR: return Code::invalid;
    default: return Code::io;
  }
}

}  // namespace

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::not_found: return "not found";
    case Code::exists: return "exists";
    case Code::busy: return "busy";
    case Code::exhausted: return "exhausted";
    case Code::denied: return "denied";
    case Code::unsupported: return "unsupported";
    case Code::timeout: return "timeout";
    case Code::unavailable: return "unavailable";
    case Code::corrupt: return "corrupt";
    case Code::io: return "io";
  }
  return "unknown";
}

Error::Error(Code code, std::string text, int sys_errno, std::source_location where)
    : code_(code), sys_errno_(sys_errno), text_(std::move(text)), where_(where) {}

Error Error::in(std::string_view context) && {
  text_.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

int errno_of(const Error& error) {
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

Error errno_error(int sys_errno, std::string_view what, std::source_location where) {
  return Error(code_of(sys_errno),
               std::string(what) + ": " + std::generic_category().message(sys_errno), sys_errno, where);
}

Error last_errno(std::string_view what, std::source_location where) {
  return errno_error(errno, what, where);
}

}  // namespace hobbes
