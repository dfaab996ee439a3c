// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/wire_status.hpp"

#include <string>

namespace hobbes::cmdqueue {

std::int32_t to_wire(Code code) {
  switch (code) {
    case Code::invalid: return HOBBES_STATUS_INVALID;
    case Code::not_found: return HOBBES_STATUS_NOT_FOUND;
    case Code::exists: return HOBBES_STATUS_EXISTS;
    case Code::busy: return HOBBES_STATUS_BUSY;
    case Code::exhausted: return HOBBES_STATUS_EXHAUSTED;
    case Code::denied: return HOBBES_STATUS_DENIED;
    case Code::unsupported: return HOBBES_STATUS_UNSUPPORTED;
    case Code::timeout: return HOBBES_STATUS_TIMEOUT;
    case Code::unavailable: return HOBBES_STATUS_UNAVAILABLE;
    case Code::corrupt: return HOBBES_STATUS_CORRUPT;
    case Code::io: return HOBBES_STATUS_IO;
  }
  return HOBBES_STATUS_IO;
}

Error from_wire(std::int32_t status, std::int32_t sys_errno, std::string_view text) {
  if (status < HOBBES_STATUS_INVALID || status > HOBBES_STATUS_IO) {
    return Error(Code::corrupt, "reply: unknown status " + std::to_string(status) + ": " + std::string(text));
  }
  // The numbers are the same by definition (abi/queue.h), and to_wire() is tested to be this cast's inverse.
  return Error(static_cast<Code>(status), std::string(text), sys_errno);
}

}  // namespace hobbes::cmdqueue
