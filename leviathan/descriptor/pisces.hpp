// SPDX-License-Identifier: Apache-2.0
// PiscesDescriptor: what a <pisces> file asks for, a native enclave. docs/descriptors.md is the user's side of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::descriptor {

enum class BridgeKind { hosted, pisces, kvm };

/// What of the host an enclave's programs may reach: nothing, files below a root, everything.
enum class HostIoMode { none, files, all };

[[nodiscard]] std::string_view to_string(BridgeKind kind);
[[nodiscard]] std::string_view to_string(HostIoMode mode);

/// What the kernel boots with.
struct BootEnv {
  NumaId numa = any_numa;                    ///< of the boot CPU and the boot memory
  std::optional<CpuId> cpu;                  ///< absent: any free one
  Bytes memory_size;                         ///< 0: one block
  std::optional<std::uint64_t> memory_base;  ///< absent: wherever there is room
};

/// Memory given to the enclave after it has booted.
struct MemoryRequest {
  Bytes size;                              ///< never 0
  std::optional<Bytes> block_size;         ///< chunks to take it in; absent: the node's
  NumaId numa = any_numa;
  std::optional<std::uint64_t> base_addr;  ///< then one contiguous piece from there
};

/// `count` CPUs, whichever are free there.
struct CpuCount {
  std::uint64_t count = 0;
  NumaId numa = any_numa;
};

struct HostIo {
  HostIoMode mode = HostIoMode::all;
  std::string root = "/";  ///< absolute; the directory the enclave's programs see as /
};

struct PiscesDescriptor {
  std::string name;                  ///< empty: leviathan chooses
  std::optional<BridgeKind> bridge;  ///< absent: leviathan chooses
  std::string owner;                 ///< USER[:GROUP], names or numbers; empty: whoever creates it
  std::string kernel;                ///< empty: the bridge's own co-kernel
  std::string cmd_line;
  std::uint32_t schedule_hz = 0;  ///< 0: the co-kernel's choice
  BootEnv boot_env;
  std::vector<MemoryRequest> memory;
  std::vector<CpuId> cores;          ///< besides the boot CPU, without repeats
  std::vector<CpuCount> core_counts;
  HostIo host_io;
};

/// Reads the text of a descriptor; `file` is its name for messages. Hostile input is refused with Code::invalid and a
/// sentence "file:line: <element>: reason".
[[nodiscard]] Result<PiscesDescriptor> parse_pisces(std::string_view xml, std::string_view file);

}  // namespace hobbes::descriptor
