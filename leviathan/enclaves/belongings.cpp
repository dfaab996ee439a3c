// SPDX-License-Identifier: Apache-2.0
// What the database keeps for an enclave: see the header.
#include "leviathan/enclaves/belongings.hpp"

#include "leviathan/apps/records.hpp"

namespace hobbes::leviathan::enclaves {
namespace {

template <typename Record>
Status erase_owned(db::WriteTxn& txn, EnclaveId enclave) {
  for (const Record& record : TRY(txn.list_by_owner<Record>(enclave))) TRY(txn.erase<Record>(record.key()));
  return {};
}

/// A removed segment's record goes with its last attachment.
Status erase_attachments(db::WriteTxn& txn, EnclaveId enclave) {
  for (const db::Attachment& attachment : TRY(txn.list_by_owner<db::Attachment>(enclave))) {
    TRY(txn.erase<db::Attachment>(attachment.key()));
    const auto segment = TRY(txn.get<db::Segment>(attachment.segment));
    if (segment && segment->removed && TRY(txn.attachments_of(segment->id)).empty())
      TRY(txn.erase<db::Segment>(segment->key()));
  }
  return {};
}

/// Attachments of others to the enclave's segments end with the segments.
Status erase_segments(db::WriteTxn& txn, EnclaveId enclave) {
  for (const db::Segment& segment : TRY(txn.list_by_owner<db::Segment>(enclave))) {
    for (const db::Attachment& attachment : TRY(txn.attachments_of(segment.id))) {
      TRY(txn.erase<db::Attachment>(attachment.key()));
    }
    TRY(txn.erase<db::Segment>(segment.key()));
  }
  return {};
}

}  // namespace

Status put_control_queue(db::WriteTxn& txn, const db::Enclave& enclave, Bytes size) {
  db::Queue queue;
  queue.id = TRY(txn.next_id<db::Queue>());
  queue.name = enclave.name + "-cmdq";
  queue.enclave = enclave.id;
  queue.owner_uid = enclave.owner_uid;
  queue.where = "control channel of the enclave";
  queue.size = size;
  queue.created = db::now();
  return txn.put(queue);
}

Status erase_enclave(db::WriteTxn& txn, EnclaveId enclave) {
  TRY(erase_attachments(txn, enclave));
  TRY(erase_segments(txn, enclave));
  TRY(erase_owned<db::Watcher>(txn, enclave));
  TRY(erase_owned<db::Queue>(txn, enclave));
  TRY(apps::erase_apps_of(txn, enclave));
  TRY(txn.erase<db::Enclave>(enclave));
  return {};
}

}  // namespace hobbes::leviathan::enclaves
