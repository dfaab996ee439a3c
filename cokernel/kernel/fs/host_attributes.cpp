// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/host_attributes.hpp"

#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

Sysret forward_attribute(HostCall& call, AttributeTarget form, int64_t target, uint8_t* room,
                         const AttributeRequest& request) {
  // Linux's numbers: set, get, list and remove stand three apart.
  constexpr uint32_t get = 3, list = 6, remove = 9;
  const auto set = static_cast<uint32_t>(form);
  uint8_t* name = room;
  uint8_t* value = room + align_up(sizeof(request.name), alignof(uint64_t));
  memcpy(name, request.name, sizeof(request.name));
  Sysret length = 0;
  switch (request.action) {
    case AttributeAction::set:
      memcpy(value, request.value, request.size);
      return call.call(set, target, name, value, request.size, request.flags);
    case AttributeAction::remove: return call.call(set + remove, target, name);
    case AttributeAction::get: length = call.call(set + get, target, name, value, request.size); break;
    case AttributeAction::list: length = call.call(set + list, target, value, request.size); break;
  }
  if (length <= 0 || request.size == 0) return length;
  const uint64_t taken = min(static_cast<uint64_t>(length), request.size);
  memcpy(request.value, value, taken);
  return static_cast<Sysret>(taken);
}

}  // namespace hobbes::lwk::fs
