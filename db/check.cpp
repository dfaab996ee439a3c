// SPDX-License-Identifier: Apache-2.0
// Three passes: load every record by raw keys, noting the index entries it should have; compare those with the entries
// that are there, both ways; then the invariants of the design on the loaded records.
#include "db/check.hpp"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "db/index_set.hpp"
#include "db/txn_state.hpp"

namespace hobbes::db {
namespace {

/// Keys are binary: printable bytes as they are, the rest as \xNN.
std::string printable(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 0x7f) {
      text += c;
    } else {
      ((text += "\\x") += digits[byte >> 4]) += digits[byte & 15];
    }
  }
  return text;
}

template <typename Record>
std::string label(const Record& record) {
  if constexpr (requires { describe(record.key()); }) {
    return describe(record.key());
  } else {
    return std::string(Record::kind) + " " + std::to_string(record.key().value);
  }
}
std::string label(const PmiValue& value) { return "PMI value '" + value.name + "'"; }

class Checker {
 public:
  explicit Checker(const ReadTxn& txn) : txn_(txn), state_(state_of(txn)) {}

  std::vector<std::string> run() && {
    load_all();
    compare_names();
    compare_indexes();
    check_totals();
    check_resources(cpus_, [](const Operation& o) { return std::tie(o.assign.cpus, o.release.cpus); });
    check_resources(blocks_, [](const Operation& o) { return std::tie(o.assign.blocks, o.release.blocks); });
    check_resources(devices_, [](const Operation& o) { return std::tie(o.assign.devices, o.release.devices); });
    check_logical_ids();
    check_overlaps();
    check_mentions();
    check_events();
    return std::move(problems_);
  }

 private:
  void problem(std::string text) { problems_.push_back(std::move(text)); }

  // Loading ----------------------------------------------------------------------------------------------------------

  void load_all() {
    load(enclaves_);
    load(apps_);
    load(cpus_);
    load(blocks_);
    load(devices_);
    load(segments_);
    load(attachments_);
    load(queues_);
    load(operations_);
    load(events_);
    load(pmi_values_);
    load(pmi_barriers_);
    load(watchers_);
  }

  template <typename Record>
  void load(std::vector<Record>& records) {
    walk(Record::table, [&](std::string_view key, std::string_view bytes) {
      auto record = decode<Record>(bytes, Record::kind);
      if (!record) return problem(record.error().text() + ", under key " + printable(key));
      if (KeyBytes(record->key()).view() != key) problem(label(*record) + " is stored under key " + printable(key));
      note_indexes(*record, key);
      records.push_back(std::move(*record));
    });
    if constexpr (Counted<Record>) check_counter(records);
  }

  template <typename Visit>
  void walk(Table table, Visit visit) {
    const auto walked = [&]() -> Status {
      Cursor cursor = TRY(Cursor::open(state_, table));
      for (bool more = TRY(cursor.move(MDB_FIRST)); more; more = TRY(cursor.move(MDB_NEXT))) {
        visit(cursor.key(), cursor.value());
      }
      return {};
    }();
    if (!walked) problem(walked.error().text());
  }

  template <typename Record>
  void note_indexes(const Record& record, std::string_view key) {
    const IndexSet wanted = index_set(record);
    if (!wanted.name().empty()) {
      const auto [at, fresh] = names_.emplace(name_key(Record::table, wanted.name()).view(), key);
      if (!fresh) problem(label(record) + " has a name that another one has: '" + std::string(wanted.name()) + "'");
    }
    for (const IndexSet::Value& value : wanted) indexes_.emplace(index_key(Record::table, value, key).view());
  }

  template <typename Record>
  void check_counter(const std::vector<Record>& records) {
    const auto next = txn_.counter<Record>();
    if (!next) return problem(next.error().text());
    for (const Record& record : records) {
      if (record.id.value >= *next) problem(label(record) + " is not below the counter, " + std::to_string(*next));
    }
  }

  // Indexes ----------------------------------------------------------------------------------------------------------

  void compare_names() {
    walk(Table::names, [&](std::string_view key, std::string_view record_key) {
      const auto wanted = names_.find(std::string(key));
      if (wanted == names_.end()) return problem("name " + printable(key) + " leads to no record of that name");
      if (wanted->second != record_key) problem("name " + printable(key) + " leads to another record");
      names_.erase(wanted);
    });
    for (const auto& [key, record_key] : names_) problem("name " + printable(key) + " cannot be looked up");
  }

  void compare_indexes() {
    walk(Table::indexes, [&](std::string_view key, std::string_view) {
      if (indexes_.erase(std::string(key)) == 0) problem("index entry " + printable(key) + " has no such record");
    });
    for (const std::string& key : indexes_) problem("index entry " + printable(key) + " is missing");
  }

  // Resources --------------------------------------------------------------------------------------------------------

  void check_totals() {
    const auto meta = txn_.meta();
    if (!meta) return problem(meta.error().text());
    if (meta->schema != schema_version) problem("schema " + std::to_string(meta->schema) + " is not known");
    Bytes memory;
    for (const MemoryBlock& block : blocks_) memory = memory + block.size;
    compare_total("CPU slots", cpus_.size(), meta->cpu_slots);
    compare_total("memory blocks", blocks_.size(), meta->memory_blocks);
    compare_total("bytes of memory", memory.value, meta->memory.value);
    compare_total("PCI devices", devices_.size(), meta->pci_devices);
  }

  void compare_total(std::string_view what, std::uint64_t sum, std::uint64_t total) {
    if (sum == total) return;
    problem("the node has " + std::to_string(total) + " " + std::string(what) + ", its records add up to " +
            std::to_string(sum));
  }

  /// `lists` gives an operation's two lists of this kind's keys.
  template <typename Record, typename Lists>
  void check_resources(const std::vector<Record>& records, Lists lists) {
    std::map<typename Record::Key, OperationId> journal;
    for (const Operation& operation : operations_) {
      const auto& [assign, release] = lists(operation);
      for (const auto* keys : {&assign, &release}) {
        for (const auto& key : *keys) {
          if (!journal.emplace(key, operation.id).second) problem(describe(key) + " is listed twice in the journal");
        }
      }
    }
    for (const Record& record : records) {
      check_resource(record);
      const auto entry = journal.find(record.key());
      const OperationId listed = entry == journal.end() ? OperationId{} : entry->second;
      if (record.operation != listed) {
        problem(label(record) + " is for operation " + std::to_string(record.operation.value) +
                ", the journal has it for " + std::to_string(listed.value));
      }
      if (entry != journal.end()) journal.erase(entry);
    }
    for (const auto& [key, operation] : journal) {
      problem(describe(key) + " does not exist, operation " + std::to_string(operation.value) + " lists it");
    }
  }

  template <typename Record>
  void check_resource(const Record& record) {
    const bool owned = record.owner.has_value();
    const bool pending = record.operation.value != 0;
    const std::string text = label(record) + " is " + std::string(to_string(record.state));
    switch (record.state) {
      case ResourceState::free:
      case ResourceState::invalid:
        if (owned) problem(text + " and has an owner, enclave " + std::to_string(record.owner->value));
        if (pending) problem(text + " and in an operation");
        break;
      case ResourceState::reserved:
        if (!owned) problem(text + " for no enclave");
        if (!pending) problem(text + " for no operation");
        break;
      case ResourceState::allocated:
        if (!owned) problem(text + " and has no owner");
        if (pending) problem(text + " and in an operation");
        break;
    }
  }

  void check_logical_ids() {
    std::set<std::pair<EnclaveId, std::int32_t>> seen;
    for (const Cpu& cpu : cpus_) {
      if (cpu.logical_id == no_logical_id) continue;
      if (!cpu.owner) {
        problem(label(cpu) + " has a logical id and no owner");
      } else if (!seen.emplace(*cpu.owner, cpu.logical_id).second) {
        problem(label(cpu) + " has a logical id that another CPU of its enclave has: " +
                std::to_string(cpu.logical_id));
      }
    }
  }

  void check_overlaps() {
    const MemoryBlock* before = nullptr;
    for (const MemoryBlock& block : blocks_) {  // in the order of their addresses
      if (block.size.value == 0) problem(label(block) + " is empty");
      if (before != nullptr && block.base.value - before->base.value < before->size.value) {
        problem(label(block) + " overlaps " + label(*before));
      }
      before = &block;
    }
  }

  // Mentions ---------------------------------------------------------------------------------------------------------

  template <typename Record>
  static auto ids_of(const std::vector<Record>& records) {
    std::set<typename Record::Key> ids;
    for (const Record& record : records) ids.insert(record.id);
    return ids;
  }

  template <typename Record, typename Id>
  void mention(const Record& from, std::string_view kind, const std::set<Id>& known, Id id) {
    if (known.contains(id)) return;
    problem(label(from) + " mentions " + std::string(kind) + " " + std::to_string(id.value) + ", which does not exist");
  }

  /// Everything that mentions an enclave, and, where 0 is not meant, an app.
  void check_mentions() {
    const auto enclaves = ids_of(enclaves_);
    const auto apps = ids_of(apps_);
    const auto segments = ids_of(segments_);
    const auto enclave = [&](const auto& from, EnclaveId id) { mention(from, "enclave", enclaves, id); };
    const auto app = [&](const auto& from, AppId id) {
      if (id.value != 0) mention(from, "application", apps, id);  // 0: the init task, or none
    };
    const auto owner = [&](const auto& resources) {
      for (const auto& resource : resources) {
        if (resource.owner) enclave(resource, *resource.owner);
      }
    };
    owner(cpus_);
    owner(blocks_);
    owner(devices_);
    for (const Enclave& from : enclaves_) enclave(from, from.parent);
    for (const MemoryBlock& from : blocks_) {
      if (from.app) app(from, *from.app);
    }
    for (const App& from : apps_) {
      enclave(from, from.enclave);
      if (from.hio_id != no_app) app(from, AppId(static_cast<std::uint64_t>(from.hio_id)));
    }
    for (const Segment& from : segments_) {
      enclave(from, from.enclave);
      app(from, from.app);
    }
    for (const Attachment& from : attachments_) {
      enclave(from, from.enclave);
      app(from, from.app);
      mention(from, "segment", segments, from.segment);
    }
    for (const Queue& from : queues_) enclave(from, from.enclave);
    for (const Operation& from : operations_) {
      enclave(from, from.enclave);
      app(from, from.app);
    }
    for (const PmiValue& from : pmi_values_) app(from, from.app);
    for (const PmiBarrier& from : pmi_barriers_) app(from, from.app);
    for (const Watcher& from : watchers_) {
      enclave(from, from.enclave);
      app(from, from.app);
      if (from.segment.value != 0) mention(from, "segment", segments, from.segment);
    }
  }

  void check_events() {
    for (std::size_t i = 1; i < events_.size(); ++i) {
      if (events_[i].sequence.value != events_[i - 1].sequence.value + 1) {
        problem("event " + std::to_string(events_[i].sequence.value) + " follows event " +
                std::to_string(events_[i - 1].sequence.value));
      }
    }
  }

  const ReadTxn& txn_;
  const TxnState& state_;
  std::vector<std::string> problems_;
  std::map<std::string, std::string> names_;  ///< wanted: key in `names` -> key of the record
  std::set<std::string> indexes_;             ///< wanted: keys in `indexes`

  std::vector<Enclave> enclaves_;
  std::vector<App> apps_;
  std::vector<Cpu> cpus_;
  std::vector<MemoryBlock> blocks_;
  std::vector<PciDevice> devices_;
  std::vector<Segment> segments_;
  std::vector<Attachment> attachments_;
  std::vector<Queue> queues_;
  std::vector<Operation> operations_;
  std::vector<Event> events_;
  std::vector<PmiValue> pmi_values_;
  std::vector<PmiBarrier> pmi_barriers_;
  std::vector<Watcher> watchers_;
};

}  // namespace

std::vector<std::string> check(const ReadTxn& txn) { return Checker(txn).run(); }

}  // namespace hobbes::db
