// SPDX-License-Identifier: Apache-2.0
// Reading and writing the binary payloads of abi/commands.h.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cmdqueue/message.hpp"

namespace hobbes::bridge {

/// The struct at the payload's start. Code::invalid when the payload is shorter.
template <typename T>
Result<T> read_struct(cmdqueue::PayloadView payload) {
  if (payload.size() < sizeof(T)) return Error(Code::invalid, "payload: shorter than its struct");
  T value;
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

/// The NUL-terminated text behind the first `offset` bytes. Code::invalid when there is none.
inline Result<std::string> read_text(cmdqueue::PayloadView payload, std::size_t offset) {
  const std::string_view text = cmdqueue::text_of(payload.subspan(std::min(offset, payload.size())));
  const std::size_t end = text.find('\0');
  if (end == text.npos) return Error(Code::invalid, "payload: a text without its end");
  return std::string(text.substr(0, end));
}

inline void append(cmdqueue::Payload& payload, cmdqueue::PayloadView bytes) {
  payload.insert(payload.end(), bytes.begin(), bytes.end());
}

template <typename T>
cmdqueue::Payload to_payload(const T& value) {
  cmdqueue::Payload payload;
  append(payload, cmdqueue::payload_of_struct(value));
  return payload;
}

}  // namespace hobbes::bridge
