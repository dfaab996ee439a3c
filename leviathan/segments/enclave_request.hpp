// SPDX-License-Identifier: Apache-2.0
// The frames of abi/xemem.h: what an enclave's kernel asks, checked, and what it is answered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "db/keys.hpp"
#include "leviathan/segments/pages.hpp"

namespace hobbes::leviathan::segments {

struct EnclaveRequest {
  hobbes_xemem_request head{};
  std::string name;
  Extents extents;

  [[nodiscard]] bool writes() const { return (head.flags & HOBBES_XEMEM_WRITE) != 0; }
};

struct Answer {
  SegmentId segment{};
  db::AttachmentId attachment{};
  std::uint64_t size = 0;
  bool signalled = false;
  EnclaveId enclave{};
  AppId app{};
  std::string name{};
  Extents extents{};
};

/// corrupt: the bytes are no request of this version.
[[nodiscard]] Result<EnclaveRequest> decode_request(std::span<const std::byte> payload);
[[nodiscard]] std::vector<std::byte> encode(std::uint64_t request_id, const Result<Answer>& answer);

}  // namespace hobbes::leviathan::segments
