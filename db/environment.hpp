// SPDX-License-Identifier: Apache-2.0
// Environment: the resource database of one run directory, opened by this process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "base/units.hpp"
#include "db/change_word.hpp"
#include "db/read_txn.hpp"
#include "db/write_txn.hpp"

namespace hobbes::db {

struct EnvironmentParts;

struct EnvironmentOptions {
  Bytes map_size = gib(1);      ///< the most the database may hold; memory is only used for what it does hold
  std::optional<gid_t> group;   ///< the group that may read; absent: as the directory gives it (setgid)
  std::string boot_id;          ///< of the running Linux; empty: asked from the kernel
};

/// LMDB's rules, kept here: a database is open at most once in a process (a second open is Code::busy), an
/// Environment is not used in a child after fork, and all transactions end before it does.
/// Thread-safe; each transaction belongs to the thread that began it.
class Environment {
 public:
  Environment(Environment&&) noexcept;
  Environment& operator=(Environment&&) noexcept;
  ~Environment();

  /// Opens for writing (leviathan), creating what is not there: `resources.mdb` (mode 0640, its lock file 0660),
  /// `change` (0640). `run_dir` must exist. A database of an earlier boot or an unfinished creation is replaced by
  /// an empty one. Counts Meta::instance up. Code::busy while another process has it open for writing,
  /// Code::unsupported if another schema wrote it.
  [[nodiscard]] static Result<Environment> create(const std::filesystem::path& run_dir,
                                                  const EnvironmentOptions& options = {});

  /// Opens for reading (anyone in the group), whether leviathan runs or not. Code::not_found if no leviathan ever
  /// ran there, Code::denied without the group.
  [[nodiscard]] static Result<Environment> open_reader(const std::filesystem::path& run_dir);

  /// In a child of fork(), whose parent's environments are of no use to it: they may be opened anew. Those objects
  /// must not be destroyed.
  static void forget_after_fork();

  /// A consistent view of now. Cheap: transactions are pooled and renewed. Keep it short and never across an
  /// asynchronous wait: pages it sees cannot be reused.
  [[nodiscard]] Result<ReadTxn> read() const;

  /// The one write transaction; waits for another thread's to end. Code::denied in a reader's environment.
  [[nodiscard]] Result<WriteTxn> write();

  /// The word each commit advances.
  [[nodiscard]] const ChangeWord& change_word() const;

  /// Frees the slots of readers that died; the number freed. create() does so too.
  Result<int> clear_dead_readers();

 private:
  explicit Environment(std::unique_ptr<EnvironmentParts> parts);
  std::unique_ptr<EnvironmentParts> parts_;
};

}  // namespace hobbes::db
