// SPDX-License-Identifier: Apache-2.0
// What the database says about applications: their life from launch to end, each step in a transaction of the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/operations.hpp"
#include "db/write_txn.hpp"

namespace hobbes::leviathan::apps {

/// So many ended applications stay listed, so that wait_app finds them.
inline constexpr std::size_t ended_apps_kept = 256;

struct NewApp {
  EnclaveId enclave;
  std::string name;      ///< the user's choice; empty: the last part of `path`, with "-<n>" behind it if that is taken
  std::string path;
  std::string command;
  bool detached = false;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  db::Resources memory{};  ///< FREE blocks that are to be the application's own
};

/// An application whose launch is under way.
struct Launch {
  AppId app;
  std::string name;
  db::OperationId operation;
  db::Resources memory{};  ///< RESERVED for it
};

/// First half: the record, Initialized, and the journal entry. exists: the name is a living application's (an ended one
/// with a name the user chose again gives way). invalid: the name cannot be one.
[[nodiscard]] Result<Launch> begin_launch(db::WriteTxn& txn, const NewApp& app);
/// Second half: Running. `pid` and `proxy_state` go into the record. unavailable: its enclave has ended meanwhile.
[[nodiscard]] Status commit_launch(db::WriteTxn& txn, const Launch& launch, std::int64_t pid, std::string proxy_state);
/// The way back: record and journal entry go. Harmless if they have gone already.
[[nodiscard]] Status abort_launch(db::WriteTxn& txn, const Launch& launch, std::string_view why);

struct End {
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;  ///< that ended it; 0: it exited
  std::string reason{};     ///< of a crash, for a person; may be empty
};

/// The application has ended: Stopped, or Crashed when a signal or a reason ended it. Harmless if it has no record any
/// more or had ended before. The oldest ended ones beyond ended_apps_kept are forgotten: the answer says which.
[[nodiscard]] Result<std::vector<AppId>> record_end(db::WriteTxn& txn, AppId app, const End& end);

/// Its enclave crashed: all its applications end with it, launches under way are aborted.
[[nodiscard]] Status end_apps_of(db::WriteTxn& txn, EnclaveId enclave, std::string_view why);
/// Its enclave is being destroyed: no record of its applications stays, launches under way are aborted.
[[nodiscard]] Status erase_apps_of(db::WriteTxn& txn, EnclaveId enclave);

/// The first half of giving back what an application has of its own; record_end() is the second, in one transaction with
/// commit_operation(). Nothing: it has none.
[[nodiscard]] Result<std::optional<db::Operation>> begin_release(db::WriteTxn& txn, AppId app);

/// How it ended, if it has.
[[nodiscard]] std::optional<End> end_of(const db::App& app);

}  // namespace hobbes::leviathan::apps
