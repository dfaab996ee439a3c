// SPDX-License-Identifier: Apache-2.0
// Inside db/ only: what an Environment owns, in the order it is acquired.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"
#include "db/change_word.hpp"
#include "db/txn_state.hpp"

namespace hobbes::db {

/// Holds LMDB's rule that a process opens a file once: closing the second would drop the first one's locks.
class OpenOnce {
 public:
  [[nodiscard]] static Result<OpenOnce> acquire(std::filesystem::path file);
  OpenOnce(OpenOnce&& other) noexcept : file_(std::exchange(other.file_, {})) {}
  OpenOnce& operator=(OpenOnce&&) = delete;
  ~OpenOnce();

 private:
  explicit OpenOnce(std::filesystem::path file) : file_(std::move(file)) {}
  std::filesystem::path file_;
};

struct CloseEnv {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};

struct EnvironmentParts {
  EnvironmentParts(OpenOnce once, UniqueFd lock, ChangeWord word, std::unique_ptr<MDB_env, CloseEnv> lmdb)
      : open_once(std::move(once)), writer_lock(std::move(lock)), change(std::move(word)), env(std::move(lmdb)) {}
  EnvironmentParts(const EnvironmentParts&) = delete;
  EnvironmentParts& operator=(const EnvironmentParts&) = delete;
  ~EnvironmentParts();

  // Constant after construction.
  OpenOnce open_once;
  UniqueFd writer_lock;  ///< invalid in a reader
  ChangeWord change;
  std::unique_ptr<MDB_env, CloseEnv> env;
  std::array<MDB_dbi, table_count> tables{};

  /// The spare read transaction used last, or null: one exchange instead of a mutex for who reads alone.
  std::atomic<TxnState*> reader{nullptr};

  // Protected by `mutex`.
  std::mutex mutex;
  std::vector<std::unique_ptr<TxnState>> readers;  ///< more spare ones; each has a reset transaction
  std::vector<std::unique_ptr<TxnState>> writers;  ///< spare ones, without a transaction
};

}  // namespace hobbes::db
