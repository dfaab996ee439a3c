// SPDX-License-Identifier: Apache-2.0
// All record types. Each is a plain struct with
//   fields()   its fields by name, in stored order: the one visitor behind encoding, decoding, printing and JSON;
//   indexes()  the values it is found by besides its key;
//   Key, key() what identifies it; table, kind: where it is stored and what a sentence calls it;
//   first_id   of types whose ids are counted (WriteTxn::next_id): the first one given; smaller ones are well known;
//   View       itself, or a struct whose text points into the database (see ReadTxn::view).
// docs/database.md has the schema as a table.
#pragma once

#include "db/record_enclave.hpp"
#include "db/record_journal.hpp"
#include "db/record_meta.hpp"
#include "db/record_pmi.hpp"
#include "db/record_resource.hpp"
#include "db/record_sharing.hpp"

/// Applies X to every record type that has a table of its own.
#define HOBBES_DB_RECORDS(X) \
  X(Enclave) X(App) X(Cpu) X(MemoryBlock) X(PciDevice) X(Segment) X(Attachment) X(Queue) X(Operation) X(Event) \
  X(PmiValue) X(PmiBarrier) X(Watcher)
/// Those whose ids are counted.
#define HOBBES_DB_COUNTED_RECORDS(X) \
  X(Enclave) X(App) X(Segment) X(Attachment) X(Queue) X(Operation) X(Watcher)
