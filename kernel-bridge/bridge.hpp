// SPDX-License-Identifier: Apache-2.0
// Bridge: the one interface through which leviathan changes kernels. A bridge carries out one step of a database
// transaction on a real kernel; it never touches the database. Every call either does the whole step or undoes what it
// had done and says exactly what failed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "kernel-bridge/abi/commands.h"

namespace hobbes::bridge {

struct Cpu {
  CpuId id;
  std::uint32_t apic_id = 0;
  NumaId numa = any_numa;
};

/// The `backing` of a block until it has been prepared.
inline constexpr std::string_view being_prepared = "being prepared";

/// A block of node memory that a bridge can give to an enclave. `base` is its physical address (hosted: synthetic).
struct MemoryBlock {
  std::uint64_t base = 0;
  Bytes size;
  NumaId numa = any_numa;
  std::string backing;  ///< what it is really made of, for list_memory: "2 MiB pages", "4 KiB pages (why)"
};

/// A PCI function, by Linux's name ("0000:00:1f.2") and what that says.
struct PciDevice {
  std::string name;
  std::uint32_t domain = 0;
  std::uint8_t bus = 0;
  std::uint8_t slot = 0;
  std::uint8_t function = 0;
};

/// Everything a co-kernel needs to boot.
struct BootSpec {
  EnclaveId id;
  std::string name;
  std::filesystem::path kernel;  ///< empty: the bridge's own co-kernel image
  std::filesystem::path initrd;  ///< empty: none
  std::string cmd_line;
  std::uint32_t schedule_hz = 0;  ///< turns a second of threads that share a CPU; 0: the co-kernel's choice
  std::vector<Cpu> cpus;              ///< at least one; [0] boots
  std::vector<std::uint64_t> blocks;  ///< bases; at least one, [0] is the boot block
  uid_t uid = 0;                      ///< the enclave's owner: its processes run as this user where we may choose
  gid_t gid = 0;
  std::filesystem::path run_dir;      ///< exists, empty, for this enclave alone
};

/// A range of an enclave's memory as leviathan (or a proxy) maps it.
struct MemoryFile {
  std::uint64_t base = 0;
  Bytes size;
  UniqueFd fd;  ///< offset 0 is `base`
};

/// Physical addresses of an enclave.
struct LentRange {
  std::uint64_t base = 0;
  Bytes size;
};

enum class Life { booting, running, stopped, crashed };

/// A booted enclave as leviathan holds it. Dropping the object lets go of it without touching the enclave.
class Machine {
 public:
  virtual ~Machine() = default;

  /// What another leviathan needs to adopt the enclave, as text for the database. Constant after boot.
  [[nodiscard]] virtual std::string adoption_record() const = 0;
  /// Becomes readable when the enclave has ended (poll it; a pidfd in the hosted bridge). Owned by the machine.
  [[nodiscard]] virtual int death_fd() const = 0;
  /// What its kernel says of itself, and whether it is there at all.
  [[nodiscard]] virtual Life life() const = 0;
  /// Why it crashed: the crash record's text, or how its processes ended. Empty while it lives.
  [[nodiscard]] virtual std::string crash_reason() const = 0;

  /// The host's mapping of the control queue (abi/queue.h) and of the console (abi/console.h); valid as long as *this.
  [[nodiscard]] virtual std::byte* control_queue() = 0;
  [[nodiscard]] virtual Bytes control_queue_size() const = 0;
  [[nodiscard]] virtual std::byte* console() = 0;
  /// Readable (an eventfd) when the co-kernel rang for leviathan. Owned by the machine.
  [[nodiscard]] virtual int control_bell() const = 0;
  [[nodiscard]] virtual int console_bell() const = 0;
  /// Wakes the co-kernel after a request was pushed / a key typed.
  virtual void ring_control() = 0;
  virtual void ring_console() = 0;

  /// Plugs hardware in; the co-kernel is told afterwards, over the control queue. Unplugging is the mirror image: the
  /// co-kernel has let go of it already.
  [[nodiscard]] virtual Status add_memory(const MemoryBlock& block) = 0;
  [[nodiscard]] virtual Status remove_memory(std::uint64_t base) = 0;
  [[nodiscard]] virtual Status add_cpu(const Cpu& cpu) = 0;
  [[nodiscard]] virtual Status remove_cpu(CpuId cpu) = 0;
  /// From whatever drives it in Linux to the enclave. Returns what its kernel is to be told, but for the name.
  /// unsupported: this bridge, or this node, cannot.
  [[nodiscard]] virtual Result<hobbes_pci_command> add_device(const PciDevice& device);
  /// Back to Linux, where a driver may take it. What the enclave does not have is no error.
  [[nodiscard]] virtual Status remove_device(const PciDevice& device);

  /// Where memory of others may be lent to the enclave; empty where it cannot.
  [[nodiscard]] virtual LentRange lent_range() const { return {}; }
  /// What is lent to it now.
  [[nodiscard]] virtual std::vector<LentRange> lent() { return {}; }
  /// Lets its kernel reach a memfd, all of it, at addresses within lent_range(). unsupported: this bridge cannot.
  [[nodiscard]] virtual Status lend(const LentRange& range, int memfd, bool writable);
  /// The kernel has nothing of it mapped any more.
  [[nodiscard]] virtual Status take_back(std::uint64_t base);
  /// The block an address of the enclave's own lies in, for others to map. Such a block never becomes another enclave's
  /// memory: scrub() puts another in its place, and Linux frees it when the last mapping has gone. not_found,
  /// unsupported.
  [[nodiscard]] virtual Result<MemoryFile> share_memory(std::uint64_t address);

  /// Descriptors of all the enclave's memory, for a host-I/O proxy.
  [[nodiscard]] virtual Result<std::vector<MemoryFile>> memory_files() = 0;
  /// A socket on which a host-I/O proxy lends files to the enclave (abi/hosted.h), owned by the machine; -1: it cannot.
  [[nodiscard]] virtual int file_lender() const { return -1; }
  /// Follows the host's clocks (abi/boot_params.h, hobbes_clock).
  virtual void update_clock() = 0;
};

inline Result<hobbes_pci_command> Machine::add_device(const PciDevice& device) {
  return Error(Code::unsupported, "PCI device " + device.name + ": this bridge gives its enclaves no devices");
}
inline Status Machine::remove_device(const PciDevice&) { return {}; }
inline Status Machine::lend(const LentRange&, int, bool) {
  return Error(Code::unsupported, "shared memory: this bridge lends none to its enclaves");
}
inline Status Machine::take_back(std::uint64_t) {
  return Error(Code::unsupported, "shared memory: this bridge lends none to its enclaves");
}
inline Result<MemoryFile> Machine::share_memory(std::uint64_t) {
  return Error(Code::unsupported, "shared memory: this bridge gives its enclaves' memory to nobody");
}

class Bridge {
 public:
  virtual ~Bridge() = default;

  /// "hosted", "pisces", ...
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Whether this bridge can work here; the error says what is missing.
  [[nodiscard]] virtual Status probe() = 0;

  /// Takes `amount` (rounded up to blocks) of memory from Linux for enclaves. Called once, before any boot; preparing the
  /// blocks may go on in the background, a boot waits for those it needs.
  [[nodiscard]] virtual Result<std::vector<MemoryBlock>> provide_memory(Bytes amount, Bytes block_size) = 0;
  /// Whether blocks are memory of Linux's, at its own addresses: then provide_memory() may be called again, before
  /// restore_memory(), for more, and give_memory_back() for less. Else addresses are of leviathan's choice.
  [[nodiscard]] virtual bool takes_from_linux() const { return false; }
  /// Memory that no enclave has, and none is to have any more, is Linux's again.
  [[nodiscard]] virtual Status give_memory_back(std::uint64_t base);
  /// After a restart: makes good the blocks that no adopted enclave holds. `held` are the bases of those that are held.
  [[nodiscard]] virtual Result<std::vector<MemoryBlock>> restore_memory(
      const std::vector<MemoryBlock>& known, const std::vector<std::uint64_t>& held) = 0;
  /// What a block is made of now; waits until it is prepared.
  [[nodiscard]] virtual Result<std::string> backing(std::uint64_t base) = 0;
  /// A block for programs of Linux to map: as Machine::share_memory, it becomes nobody else's memory.
  [[nodiscard]] virtual Result<MemoryFile> memory_file(std::uint64_t base);
  /// Zeroes a block that came back, before anyone else gets it.
  [[nodiscard]] virtual Status scrub(std::uint64_t base) = 0;

  /// Boots and waits until the co-kernel serves its control queue, or `deadline` passes. On failure nothing is left.
  [[nodiscard]] virtual Result<std::unique_ptr<Machine>> boot(const BootSpec& spec,
                                                              std::chrono::steady_clock::time_point deadline) = 0;
  /// Takes hold again of an enclave that another leviathan booted. Code::not_found: it is gone.
  [[nodiscard]] virtual Result<std::unique_ptr<Machine>> adopt(EnclaveId id, std::string_view adoption_record) = 0;
  /// Ends whatever is left of an enclave, at once and for certain; works on a crashed one and one that is gone.
  [[nodiscard]] virtual Status destroy(EnclaveId id, std::string_view adoption_record) = 0;
  /// After a leviathan died between journal and boot: ends what a boot with this run directory may have left.
  [[nodiscard]] virtual Status clean_up(EnclaveId id, const std::filesystem::path& run_dir) = 0;
};

inline Result<MemoryFile> Bridge::memory_file(std::uint64_t) {
  return Error(Code::unsupported, "memory for programs of Linux: this bridge's blocks are no files");
}

inline Status Bridge::give_memory_back(std::uint64_t) { return {}; }

}  // namespace hobbes::bridge
