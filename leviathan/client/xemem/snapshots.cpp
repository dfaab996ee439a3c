// SPDX-License-Identifier: Apache-2.0
// The snapshots of a Sharing.
#include <cerrno>

#include "base/log.hpp"
#include "leviathan/client/xemem/sharing.hpp"
#include "leviathan/protocol/codes.hpp"

namespace hobbes::xemem {

Result<VersionedRange*> Sharing::range_of(char* address, std::uint64_t size) {
  if (const auto known = ranges_.find(address); known != ranges_.end()) {
    if (known->second->size() == size) return known->second;
    return Error(Code::invalid, "snapshot: of another range than before", EINVAL);
  }
  VersionedRange* const range = TRY(VersionedRange::create(address, size, TRY(memory_.allocated(address, size))));
  ranges_[address] = range;
  return range;
}

Result<SegmentId> Sharing::snapshot(char* address, std::uint64_t size, const std::string& name, std::uint32_t mode) {
  const std::lock_guard lock(mutex_);
  client::Connection* const connection = TRY(link_.connect());  // and takes in which versions have gone
  connection->queue().on_event([this](const cmdqueue::Event& event) {
    const auto freed = protocol::decode<protocol::SegmentRef>(event.payload);
    if (freed && event.code == protocol::event::segment_free) version_freed(freed->segment);
  });
  VersionedRange* const range = TRY(range_of(address, size));
  Version version{range, TRY(range->freeze())};
  protocol::SegmentMake message;
  message.segment_name = name;
  message.address = reinterpret_cast<std::uint64_t>(address);
  message.mode = mode;
  message.replace = message.tell_free = true;
  const Pieces pieces = TRY(range->pieces_of(version.homes));
  const auto sent = add_pieces(message, pieces);
  message.fds_token = TRY(connection->send(sent));
  const auto answer = connection->call(protocol::request::segment_make, message, client::short_patience);
  if (!answer) {
    range->let_go(version.homes);
    return answer.error();
  }
  const SegmentId segment = TRY(protocol::decode<protocol::SegmentRef>(*answer)).segment;
  versions_[segment] = std::move(version);
  return segment;
}

void Sharing::version_freed(SegmentId segment) {
  const auto found = versions_.find(segment);
  if (found == versions_.end()) return;
  found->second.range->let_go(found->second.homes);
  versions_.erase(found);
}

}  // namespace hobbes::xemem
