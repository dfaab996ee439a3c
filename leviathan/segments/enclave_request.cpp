// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/enclave_request.hpp"

#include <cstring>

namespace hobbes::leviathan::segments {
namespace {

Error bad(std::string_view what) { return {Code::corrupt, "XEMEM request: " + std::string(what)}; }

}  // namespace

Result<EnclaveRequest> decode_request(std::span<const std::byte> payload) {
  EnclaveRequest request;
  hobbes_xemem_request& head = request.head;
  if (payload.size() < sizeof head) return bad("is cut off");
  std::memcpy(&head, payload.data(), sizeof head);
  if (head.version != HOBBES_XEMEM_VERSION) return bad("is of another version");
  const std::size_t padded = (std::size_t{head.name_size} + 7) / 8 * 8;
  const std::size_t extents = std::size_t{head.extent_count} * sizeof(hobbes_xemem_extent);
  if (head.extent_count > HOBBES_XEMEM_MAX_EXTENTS) return bad("has too many extents");
  if (payload.size() - sizeof head != padded + extents) return bad("has another size than it says");
  request.name.assign(reinterpret_cast<const char*>(payload.data() + sizeof head), head.name_size);
  request.extents.resize(head.extent_count);
  if (extents > 0) std::memcpy(request.extents.data(), payload.data() + sizeof head + padded, extents);
  return request;
}

std::vector<std::byte> encode(std::uint64_t request_id, const Result<Answer>& answer) {
  hobbes_xemem_answer head{};
  head.version = HOBBES_XEMEM_VERSION;
  head.request_id = request_id;
  head.result = answer ? 0 : -errno_of(answer.error());
  static const Extents none;
  const Extents& extents = answer ? answer->extents : none;
  if (answer) {
    head.segment = answer->segment.value;
    head.attachment = answer->attachment.value;
    head.size = answer->size;
    head.extent_count = static_cast<std::uint32_t>(extents.size());
    head.flags = answer->signalled ? HOBBES_XEMEM_SIGNALLED : 0;
    head.enclave = answer->enclave.value;
    head.app = answer->app.value;
    answer->name.copy(head.name, sizeof head.name - 1);
  }
  std::vector<std::byte> bytes(sizeof head + extents.size() * sizeof(hobbes_xemem_extent));
  std::memcpy(bytes.data(), &head, sizeof head);
  if (!extents.empty())
    std::memcpy(bytes.data() + sizeof head, extents.data(), extents.size() * sizeof(hobbes_xemem_extent));
  return bytes;
}

}  // namespace hobbes::leviathan::segments
