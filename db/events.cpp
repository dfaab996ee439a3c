// SPDX-License-Identifier: Apache-2.0
#include "db/events.hpp"

#include <utility>

#include "db/codec.hpp"
#include "db/txn_state.hpp"

namespace hobbes::db {
namespace {

/// Old events are dropped so many at a time, which costs less than one with each new one.
constexpr std::uint64_t trim_batch = 256;

Result<Sequence> sequence_at(const Cursor& cursor) {
  return TRY(decode<Event>(cursor.value(), Event::kind)).sequence;
}

Status drop_before(const TxnState& state, Sequence first_kept) {
  Cursor cursor = TRY(Cursor::open(state, Table::events));
  while (TRY(cursor.move(MDB_FIRST)) && TRY(sequence_at(cursor)) < first_kept) TRY(cursor.erase());
  return {};
}

}  // namespace

Result<Sequence> append_event(WriteTxn& txn, Event event) {
  const TxnState& state = state_of(txn);
  event.sequence = Sequence(TRY(last_event(txn)).value + 1);
  if (event.time.value == 0) event.time = now();
  TRY(raw_put(state, Table::events, KeyBytes(event.sequence).view(), encode(event), MDB_APPEND));
  const std::uint64_t count = event.sequence.value;
  if (count % trim_batch == 0 && count > events_kept) TRY(drop_before(state, Sequence(count - events_kept + 1)));
  return event.sequence;
}

Result<std::vector<Event>> events_after(const ReadTxn& txn, Sequence known, std::size_t limit) {
  std::vector<Event> events;
  if (known.value == UINT64_MAX) return events;
  Cursor cursor = TRY(Cursor::open(state_of(txn), Table::events));
  bool more = TRY(cursor.seek(KeyBytes(Sequence(known.value + 1)).view()));
  for (; more && events.size() < limit; more = TRY(cursor.move(MDB_NEXT))) {
    TRY(decode_into(cursor.value(), Event::kind, events.emplace_back()));
  }
  return events;
}

Result<Sequence> last_event(const ReadTxn& txn) {
  Cursor cursor = TRY(Cursor::open(state_of(txn), Table::events));
  if (!TRY(cursor.move(MDB_LAST))) return Sequence(0);
  return sequence_at(cursor);
}

}  // namespace hobbes::db
