// SPDX-License-Identifier: Apache-2.0
// What travels through a command queue, as the host ends hand it to their users: always a private copy.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace hobbes::cmdqueue {

using RequestId = Strong<struct RequestIdTag, std::uint64_t>;  ///< never reused in a queue's life; never 0
using Payload = std::vector<std::byte>;
using PayloadView = std::span<const std::byte>;  ///< only read during the call it is passed to
using Deadline = std::chrono::steady_clock::time_point;

inline constexpr Deadline no_deadline = Deadline::max();
inline Deadline within(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

struct Request {
  RequestId id;
  std::uint32_t code = 0;
  Payload payload;
};

struct Reply {
  std::uint32_t code = 0;  ///< the request's
  Payload payload;
};

struct Event {
  std::uint32_t code = 0;
  Payload payload;
};

/// The bytes of a text or a trivially copyable struct, as a payload; lives as long as its argument.
inline PayloadView payload_of(std::string_view text) { return std::as_bytes(std::span(text)); }
template <typename T>
  requires std::is_trivially_copyable_v<T>
PayloadView payload_of_struct(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
/// A payload read as text; lives as long as the payload.
inline std::string_view text_of(PayloadView payload) {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

}  // namespace hobbes::cmdqueue
