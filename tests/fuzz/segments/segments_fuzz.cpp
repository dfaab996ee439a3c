// SPDX-License-Identifier: Apache-2.0
// Fuzz target: what a hostile kernel sends leviathan about XEMEM (abi/xemem.h), and what a hostile client does.
#include "leviathan/protocol/segment_messages.hpp"
#include "leviathan/segments/enclave_request.hpp"
#include "tests/fuzz/driver/driver.hpp"

namespace {

using namespace hobbes;
using namespace hobbes::leviathan::segments;
using fuzz::require;

void try_request(std::span<const std::byte> bytes) {
  const auto request = decode_request(bytes);
  if (!request) return;
  require(request->name.size() == request->head.name_size, "a name is not as long as it says");
  require(request->extents.size() == request->head.extent_count, "there are not as many extents as it says");
  require(request->extents.size() <= HOBBES_XEMEM_MAX_EXTENTS, "too many extents were taken");
  require(bytes.size() >= sizeof(hobbes_xemem_request) + request->name.size(), "a name came from behind the frame");
  // Any part of what is offered lies within it.
  std::uint64_t size = 0;
  for (const hobbes_xemem_extent& extent : request->extents) {
    if (!is_part(extent.base, extent.size, UINT64_MAX) || extent.size > UINT64_MAX - size) return;
    size += extent.size;
  }
  if (!is_part(request->head.offset, request->head.size, size)) return;
  std::uint64_t taken = 0;
  for (const hobbes_xemem_extent& part : cut(request->extents, request->head.offset, request->head.size)) {
    bool inside = false;
    for (const hobbes_xemem_extent& extent : request->extents)
      inside = inside || (part.base >= extent.base && part.size <= extent.size - (part.base - extent.base) &&
                          part.base - extent.base < extent.size);
    require(inside, "a part lies in none of the extents");
    taken += part.size;
  }
  require(taken == request->head.size, "a part is not as large as was asked for");
}

template <typename Message>
void try_message(std::span<const std::byte> bytes) {
  const auto message = protocol::decode<Message>(bytes);
  if (message) require(protocol::encode(*message).size() == bytes.size(), "a message reads as another one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length) {
  const auto bytes = std::as_bytes(std::span(data, length));
  try_request(bytes);
  try_message<protocol::SegmentReserve>(bytes);
  try_message<protocol::SegmentMake>(bytes);
  try_message<protocol::SegmentOpened>(bytes);
  try_message<protocol::SegmentAttach>(bytes);
  return 0;
}
