// SPDX-License-Identifier: Apache-2.0
// Meta: the one record about the database and its node.
#pragma once

#include <string>

#include "db/keys.hpp"

namespace hobbes::db {

/// Stored by every database; a leviathan or reader with another number refuses it.
inline constexpr std::uint32_t schema_version = 2;

struct Meta {
  std::uint32_t schema = schema_version;
  std::string boot_id;             ///< of the Linux boot whose hardware this describes
  std::string node_name;
  std::uint64_t instance = 0;      ///< how many leviathans have opened it as writer
  std::int64_t writer_pid = 0;     ///< the last leviathan
  Timestamp created;
  Bytes block_size;                ///< of the memory blocks
  std::uint32_t cpu_overcommit = 1;///< slots of each CPU
  std::uint32_t numa_nodes = 1;
  // What the node has; kept by put() and erase() of the resources, compared with their sum by check().
  std::uint64_t cpu_slots = 0;
  std::uint64_t memory_blocks = 0;
  Bytes memory;
  std::uint64_t pci_devices = 0;

  friend bool operator==(const Meta&, const Meta&) = default;
  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("schema", self.schema);
    visit("boot_id", self.boot_id);
    visit("node_name", self.node_name);
    visit("instance", self.instance);
    visit("writer_pid", self.writer_pid);
    visit("created", self.created);
    visit("block_size", self.block_size);
    visit("cpu_overcommit", self.cpu_overcommit);
    visit("numa_nodes", self.numa_nodes);
    visit("cpu_slots", self.cpu_slots);
    visit("memory_blocks", self.memory_blocks);
    visit("memory", self.memory);
    visit("pci_devices", self.pci_devices);
  }
};

}  // namespace hobbes::db
