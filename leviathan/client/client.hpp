// SPDX-License-Identifier: Apache-2.0
// Client: libhobbes' C++ side. What the shell and other programs use to talk to leviathan and to read the node's database.
//
// Reading (list_*) goes straight to the database, works while leviathan is down, and then says so (`Listing::live`
// false). Everything else is a request over a command queue. One thread a Client; results are values, nothing of them
// points into shared memory.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace hobbes::client {

/// $HOBBES_RUN_DIR, else /run/hobbes for root, else $XDG_RUNTIME_DIR/hobbes, else /tmp/hobbes-<uid>.
[[nodiscard]] std::filesystem::path default_run_dir();

struct EnclaveRow {
  EnclaveId id;
  std::string name, type, state, bridge, reason;
  std::optional<EnclaveId> parent;
  std::uint64_t cpus = 0;
  Bytes memory;
};
struct AppRow {
  AppId id;
  std::int64_t hio_id = -1;
  EnclaveId enclave;
  std::string enclave_name, name, state;
  std::optional<int> exit_code, signal;
};
struct SegmentRow {
  SegmentId id;
  std::string name;
  EnclaveId enclave;
  AppId app;
  Bytes size;
  std::uint32_t mode = 0;  ///< permission bits
  std::uint32_t uid = 0, gid = 0;
  std::uint64_t attachments = 0;
  bool signalled = false;
  bool removed = false;    ///< nobody gets it any more; those attachments are left
};
struct MemoryRow {
  std::uint64_t index = 0, base = 0;
  Bytes size;
  std::string state, backing;
  NumaId numa;
  std::optional<EnclaveId> enclave;
  std::optional<AppId> app;
};
struct CpuRow {
  CpuId id;
  std::uint32_t slot = 0;  ///< which share of an overcommitted CPU
  std::uint32_t apic_id = 0;
  std::int32_t package = -1, core = -1;
  std::string state;
  NumaId numa;
  std::optional<EnclaveId> enclave;
  std::int64_t logical_id = -1;
};
struct PciRow {
  std::string address, device, driver, state, name;
  std::int64_t iommu_group = -1;
  std::optional<EnclaveId> enclave;
};

/// The rows of one consistent snapshot.
template <typename Row>
struct Listing {
  std::vector<Row> rows;
  bool live = false;       ///< leviathan was running: else this is the last known state
  std::uint64_t numa_nodes = 1;
  Bytes block_size;        ///< of memory
};

struct LaunchSpec {
  std::string enclave;                    ///< "master": the Linux side
  std::string path;                       ///< as execvp would find it (no slash: searched in PATH of `env`)
  std::vector<std::string> args;          ///< args[0] included
  std::vector<std::string> env;           ///< NAME=VALUE, complete
  std::string name;                       ///< empty: basename of path, made unique
  std::string cwd;
  std::uint32_t umask = 022;
  std::uint32_t ranks = 1;
  bool oversubscribe = false;             ///< more ranks than CPUs are all right
  std::string cpu_list;                   ///< enclave-logical; empty: any
  Bytes heap_size, stack_size;            ///< 0: the enclave's choice, 16 MiB and 8 MiB
  bool large_pages = false, smartmap = false, hpmmap = false, rewrite = true;
  bool detach = false;
  std::array<int, 3> stdio = {0, 1, 2};   ///< descriptors the program gets as its own; borrowed
  int pmi_fd = -1;                        ///< what another launcher has given us as PMI_FD, for a single rank; borrowed
};

struct AppEnd {
  int exit_code = 0;
  int signal = 0;  ///< 0: exited by itself
  std::string reason{};  ///< why it ended before its time; may be empty
};

/// One system call an application or an enclave has made.
struct SystemCallRow {
  std::uint32_t number = 0;
  std::string name;      ///< empty: of none that Linux had when this was written
  bool implemented = true;
  std::uint64_t calls = 0, errors = 0;
  std::uint64_t host = 0;  ///< of these, such as asked the host
  std::optional<std::chrono::nanoseconds> mean_time;  ///< of those that were timed
};
struct SystemCallCounts {
  std::vector<SystemCallRow> rows;  ///< by number
  std::uint64_t trapped = 0;        ///< calls that came in through the trap
  std::uint64_t sites_rewritten = 0, sites_trapped = 0;
  std::uint64_t host_calls = 0;     ///< requests to the host
  std::uint64_t linux_calls = 0;    ///< what the co-kernel asked of Linux, for the processes
  // Linux's own counts of the processes that are alive.
  std::uint64_t processes = 0, minor_faults = 0, major_faults = 0, voluntary_switches = 0, involuntary_switches = 0;
};

/// How a console is attended.
struct ConsoleUse {
  bool type = true;          ///< what is read is typed; else it is only looked through for `escape`
  bool follow = true;        ///< go on with what the enclave says; else return when what it has said so far is shown
  char escape = 0x1d;        ///< leaves (Ctrl-])
};

class Client {
 public:
  /// Opens the run directory. Requests connect on first use: a directory without a running leviathan can still be read.
  /// denied: it belongs neither to root nor to this user, who is not root himself.
  [[nodiscard]] static Result<Client> open(const std::filesystem::path& run_dir = default_run_dir());
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// While `fd` (a signalfd, say; borrowed; -1: none) is readable, nothing of this client waits: what does ends with
  /// errno EINTR, and the connection with it, so that leviathan lets go of what was under way as if the client had
  /// gone. A change that leviathan has begun is finished. The next request connects anew.
  void interrupt_with(int fd);

  // The database.
  [[nodiscard]] Result<Listing<EnclaveRow>> enclaves();
  [[nodiscard]] Result<Listing<AppRow>> apps();
  [[nodiscard]] Result<Listing<SegmentRow>> segments();
  [[nodiscard]] Result<Listing<MemoryRow>> memory();
  [[nodiscard]] Result<Listing<CpuRow>> cpus();
  [[nodiscard]] Result<Listing<PciRow>> pci_devices();
  /// One sentence a problem; empty: the database is consistent.
  [[nodiscard]] Result<std::vector<std::string>> check_db();

  // Enclaves.
  /// `xml` is the descriptor's text, `file` its name for messages. Returns the enclave's name.
  [[nodiscard]] Result<std::string> create_enclave(std::string_view xml, std::string_view file, std::string_view name);
  [[nodiscard]] Status destroy_enclave(std::string_view enclave);
  /// Sends `size` bytes there and back, through leviathan and the enclave's kernel.
  [[nodiscard]] Result<std::chrono::nanoseconds> ping(std::string_view enclave, Bytes size);
  /// The text of dump_cmd_queue.
  [[nodiscard]] Result<std::string> dump_queue(std::string_view enclave);

  // Resources. `numa` any_numa: wherever. Return what was really given, as text for the operator.
  [[nodiscard]] Result<std::string> assign_memory(std::string_view enclave, Bytes size, NumaId numa, bool contiguous);
  [[nodiscard]] Result<std::string> remove_memory(std::string_view enclave, Bytes size, NumaId numa);
  [[nodiscard]] Result<std::string> assign_cpus(std::string_view enclave, std::uint64_t count, NumaId numa);
  [[nodiscard]] Result<std::string> assign_cpus(std::string_view enclave, const std::vector<CpuId>& cpus);
  [[nodiscard]] Result<std::string> remove_cpus(std::string_view enclave, std::uint64_t count);
  [[nodiscard]] Result<std::string> remove_cpus(std::string_view enclave, const std::vector<CpuId>& cpus);
  /// `address`: "0000:00:1f.2", or without the domain.
  [[nodiscard]] Result<std::string> assign_pci(std::string_view enclave, std::string_view name, std::string_view address);
  [[nodiscard]] Result<std::string> remove_pci(std::string_view enclave, std::string_view name);

  // Applications.
  /// Starts it. Unless `detach`, the application lives as long as this client: when the client goes, it is killed.
  [[nodiscard]] Result<AppId> launch(const LaunchSpec& spec);
  /// `<app>` descriptor text to a LaunchSpec over `defaults` (command-line options).
  [[nodiscard]] static Result<LaunchSpec> parse_app(std::string_view xml, std::string_view file, LaunchSpec defaults);
  /// Waits for the end. `interrupt_fd` (e.g. a signalfd; -1: none): when readable, `on_interrupt` is called, then the
  /// wait goes on.
  [[nodiscard]] Result<AppEnd> wait(AppId app, int interrupt_fd = -1, const std::function<void()>& on_interrupt = {});
  /// By name or number.
  [[nodiscard]] Result<AppId> find_app(std::string_view app);
  [[nodiscard]] Status kill(AppId app, int signal);
  /// Of an application, also of one that has ended not long ago.
  [[nodiscard]] Result<SystemCallCounts> system_calls(AppId app);
  /// Of an enclave since its boot.
  [[nodiscard]] Result<SystemCallCounts> system_calls(std::string_view enclave);

  // Files, as an enclave sees them.
  /// Copies the whole file to `out_fd`; Errors carry the errno.
  [[nodiscard]] Result<std::uint64_t> cat_file(std::string_view enclave, std::string_view path, int out_fd);
  /// Replaces (or appends to) the file with everything `in_fd` yields. A new file gets mode 0666 & ~umask; with `mode`
  /// the file gets exactly that, new or not.
  [[nodiscard]] Result<std::uint64_t> cat_into_file(std::string_view enclave, std::string_view path, int in_fd,
                                                    bool append, std::optional<mode_t> mode = std::nullopt);

  /// The console: what it has said and says goes to `out_fd`, what `in_fd` (-1: none) yields is typed. Returns at the
  /// escape or the end of the enclave; the end of the input ends the typing alone.
  [[nodiscard]] Status console(std::string_view enclave, int in_fd, int out_fd, const ConsoleUse& use = {});

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hobbes::client
