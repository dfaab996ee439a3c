// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/registry.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "leviathan/protocol/segment_mode.hpp"

namespace hobbes::leviathan::segments {
namespace {

Error no_such(SegmentId segment) {
  return Error(Code::not_found, "segment " + std::to_string(segment.value) + ": there is none (any more)", ENOENT);
}

Status check(const NewSegment& segment) {
  if (segment.name.size() > HOBBES_XEMEM_NAME_MAX) {
    return Error(Code::invalid, "segment name: is longer than " + std::to_string(HOBBES_XEMEM_NAME_MAX) + " bytes",
                 ENAMETOOLONG);
  }
  if (segment.name.find('\0') != std::string::npos)
    return Error(Code::invalid, "segment name: has a zero byte in it", EINVAL);
  if (segment.wanted.value > HOBBES_XEMEM_WELL_KNOWN && !segment.reserved) {
    return Error(Code::invalid, "segment id " + std::to_string(segment.wanted.value) + ": only 1 to " +
                                    std::to_string(HOBBES_XEMEM_WELL_KNOWN) + " may be asked for", EINVAL);
  }
  if (segment.pages->size == 0 && !segment.signal)
    return Error(Code::invalid, "segment: has no memory and no signals", EINVAL);
  return {};
}

bool is_of(const db::Segment& segment, const Who& who) {
  return segment.enclave == who.enclave && segment.pid == who.pid && segment.app == who.app;
}

bool allows(const db::Segment& segment, const Who& who, bool writable) {
  const auto in_group = [&](gid_t group) { return who.gid == group || std::ranges::count(who.groups, group) != 0; };
  return protocol::mode_allows(segment, who.uid, in_group, writable);
}

}  // namespace

Result<std::vector<SegmentId>> Registry::reserve(std::uint32_t count) {
  auto txn = TRY(db_.write());
  std::vector<SegmentId> ids;
  while (ids.size() < count) ids.push_back(TRY(txn.next_id<db::Segment>()));
  TRY(std::move(txn).commit());
  return ids;
}

Result<SegmentId> Registry::make(const NewSegment& wanted, const Who& exporter) {
  TRY(check(wanted));
  auto txn = TRY(db_.write());
  std::optional<SegmentId> replaced;
  if (!wanted.name.empty()) {
    auto same = TRY(txn.find_segment(wanted.name));
    if (same && !(wanted.replace && is_of(*same, exporter)))
      return Error(Code::exists, "segment name '" + wanted.name + "': is taken", EEXIST);
    if (same) {
      replaced = same->id;
      TRY(retire(txn, *std::move(same)));
    }
  }
  db::Segment record;
  record.id = wanted.wanted.value != 0 ? wanted.wanted : TRY(txn.next_id<db::Segment>());
  if (TRY(txn.get<db::Segment>(record.id))) {
    return Error(Code::exists, "segment id " + std::to_string(record.id.value) + ": is taken", EEXIST);
  }
  record.name = wanted.name;
  record.enclave = exporter.enclave;
  record.app = exporter.app;
  record.pid = exporter.pid;
  record.address = wanted.address;
  record.size = Bytes(wanted.pages->size);
  record.mode = wanted.mode & 0777;
  record.owner_uid = exporter.uid;
  record.owner_gid = exporter.gid;
  record.backing = wanted.backing;
  record.created = db::now();
  record.signalled = wanted.signal != nullptr;
  TRY(txn.put(record));
  TRY(std::move(txn).commit());
  if (replaced) segments_.erase(*replaced);
  segments_[record.id] = {wanted.pages, wanted.signal, exporter.enclave};
  return record.id;
}

template <typename Change>
Status Registry::change(Change make_change) {
  auto txn = TRY(db_.write());
  std::vector<SegmentId> retired;
  TRY(make_change(txn, retired));
  TRY(std::move(txn).commit());
  for (const SegmentId segment : retired) segments_.erase(segment);
  return {};
}

/// With attachments the record stays, without a name and without mention of an application that may be forgotten.
Status Registry::retire(db::WriteTxn& txn, db::Segment segment) {
  if (TRY(txn.attachments_of(segment.id)).empty()) {
    TRY(txn.erase<db::Segment>(segment.id));
    return {};
  }
  segment.name.clear();
  segment.app = AppId(0);
  segment.removed = true;
  return txn.put(segment);
}

Status Registry::erase(db::WriteTxn& txn, const db::Attachment& attachment) {
  TRY(txn.erase<db::Attachment>(attachment.id));
  const auto segment = TRY(txn.get<db::Segment>(attachment.segment));
  return segment && segment->removed ? retire(txn, *segment) : Status();
}

Status Registry::remove(SegmentId segment, const Who& exporter) {
  return change([&](db::WriteTxn& txn, std::vector<SegmentId>& retired) -> Status {
    auto record = TRY(txn.get<db::Segment>(segment));
    if (!record || record->removed) return no_such(segment);
    if (!is_of(*record, exporter)) {
      return Error(Code::denied, "segment " + std::to_string(segment.value) + ": another process has made it", EPERM);
    }
    retired.push_back(segment);
    return retire(txn, *std::move(record));
  });
}

Status Registry::remove_of(EnclaveId enclave, SegmentId segment) {
  return change([&](db::WriteTxn& txn, std::vector<SegmentId>& retired) -> Status {
    auto record = TRY(txn.get<db::Segment>(segment));
    if (!record || record->removed || record->enclave != enclave) return no_such(segment);
    retired.push_back(segment);
    return retire(txn, *std::move(record));
  });
}

Result<Who> Registry::process_of(EnclaveId enclave, AppId app, std::int64_t pid) const {
  const auto txn = TRY(db_.read());
  const auto record = TRY(txn.get<db::App>(app));
  if (!record || record->enclave != enclave)
    return Error(Code::denied, "application " + std::to_string(app.value) + ": is not of this enclave", EPERM);
  return Who{.uid = record->owner_uid, .gid = record->owner_gid, .enclave = enclave, .app = app, .pid = pid};
}

Result<Segment> Registry::find(SegmentId segment, const Who& who, bool writable) const {
  const auto txn = TRY(db_.read());
  const auto record = TRY(txn.get<db::Segment>(segment));
  const auto found = segments_.find(segment);
  if (!record || record->removed || found == segments_.end()) return no_such(segment);
  if (!allows(*record, who, writable) || (writable && !found->second.pages->may_write)) {
    return Error(Code::denied, "segment " + std::to_string(segment.value) + ": its exporter does not let you " +
                                   (writable ? "write it" : "read it"), EACCES);
  }
  return found->second;
}

Result<std::optional<db::Segment>> Registry::lookup(std::string_view name) const {
  const auto txn = TRY(db_.read());
  return txn.find_segment(name);
}

Result<db::Segment> Registry::next_after(SegmentId segment) const {
  const auto txn = TRY(db_.read());
  for (auto next = segments_.upper_bound(segment); next != segments_.end(); ++next)
    if (auto record = TRY(txn.get<db::Segment>(next->first))) return *std::move(record);
  return no_such(segment);
}

Result<db::AttachmentId> Registry::attach(const NewAttachment& wanted, const Who& who) {
  auto txn = TRY(db_.write());
  if (!TRY(txn.get<db::Segment>(wanted.segment))) return no_such(wanted.segment);
  db::Attachment record;
  record.id = TRY(txn.next_id<db::Attachment>());
  record.segment = wanted.segment;
  record.enclave = who.enclave;
  record.app = who.app;
  record.pid = who.pid;
  record.address = wanted.address;
  record.offset = wanted.offset;
  record.size = Bytes(wanted.size);
  record.writable = wanted.writable;
  record.created = db::now();
  TRY(txn.put(record));
  TRY(std::move(txn).commit());
  return record.id;
}

Status Registry::detach(db::AttachmentId attachment) {
  auto txn = TRY(db_.write());
  const auto record = TRY(txn.get<db::Attachment>(attachment));
  if (!record) return {};
  TRY(erase(txn, *record));
  return std::move(txn).commit();
}

Status Registry::end_process(std::span<const db::AttachmentId> attachments, std::span<const SegmentId> segments,
                             const Who& process) {
  return change([&](db::WriteTxn& txn, std::vector<SegmentId>& retired) -> Status {
    for (const db::AttachmentId id : attachments)
      if (const auto attachment = TRY(txn.get<db::Attachment>(id))) TRY(erase(txn, *attachment));
    for (const SegmentId id : segments) {
      auto segment = TRY(txn.get<db::Segment>(id));
      if (!segment || segment->removed || !is_of(*segment, process)) continue;  // its number may be another's by now
      retired.push_back(id);
      TRY(retire(txn, *std::move(segment)));
    }
    return {};
  });
}

Status Registry::end_app(EnclaveId enclave, AppId app) {
  return change([&](db::WriteTxn& txn, std::vector<SegmentId>& retired) -> Status {
    for (const db::Attachment& attachment : TRY(txn.list_by_app<db::Attachment>(app)))
      if (attachment.enclave == enclave) TRY(erase(txn, attachment));
    for (db::Segment& segment : TRY(txn.list_by_app<db::Segment>(app))) {
      if (segment.enclave != enclave || segment.removed) continue;
      retired.push_back(segment.id);
      TRY(retire(txn, std::move(segment)));
    }
    return {};
  });
}

Status Registry::end_enclave(EnclaveId enclave) {
  std::erase_if(segments_, [enclave](const auto& known) { return known.second.home == enclave; });
  return change([&](db::WriteTxn& txn, std::vector<SegmentId>& retired) -> Status {
    for (const db::Attachment& attachment : TRY(txn.list_by_owner<db::Attachment>(enclave)))
      TRY(erase(txn, attachment));
    for (db::Segment& segment : TRY(txn.list_by_owner<db::Segment>(enclave))) {
      if (segment.removed) continue;
      retired.push_back(segment.id);
      TRY(retire(txn, std::move(segment)));
    }
    return {};
  });
}

Status Registry::forget_linux() { return end_enclave(master_enclave); }

}  // namespace hobbes::leviathan::segments
