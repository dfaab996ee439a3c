// SPDX-License-Identifier: Apache-2.0
// Files in the run directory:
//   resources.mdb       LMDB's data, 0640: readers need the group, and can write nothing
//   resources.mdb-lock  LMDB's reader table and writer lock, 0660: readers enter themselves in it
//   change              the change word, 0640
//   writer.lock         0600; a POSIX record lock on it makes the writer the only one. Not flock(): such a lock would
//                       be inherited by forked children and outlive a killed leviathan in its enclaves' processes
#include "db/environment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "db/environment_parts.hpp"
#include "db/index_set.hpp"

namespace hobbes::db {
namespace {

using Lmdb = std::unique_ptr<MDB_env, CloseEnv>;
using std::filesystem::path;

constexpr unsigned max_readers = 510;      // as many as fit the lock file's pages; one per reading transaction
constexpr std::uint64_t spare_readers = 8; // of which each keeps a slot of those
constexpr ::mode_t reader_mode = 0640;
constexpr ::mode_t lock_mode = 0660;

path data_file(const path& run_dir) { return run_dir / "resources.mdb"; }
path lmdb_lock_file(const path& run_dir) { return run_dir / "resources.mdb-lock"; }
path change_file(const path& run_dir) { return run_dir / "change"; }
path writer_lock_file(const path& run_dir) { return run_dir / "writer.lock"; }

struct OpenFiles {
  std::mutex mutex;
  std::set<path> files;
};
OpenFiles& open_files() {
  static OpenFiles files;
  return files;
}

Result<std::string> running_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  if (!std::getline(file, id)) return last_errno("read /proc/sys/kernel/random/boot_id");
  return id;
}

Result<UniqueFd> lock_for_writing(const path& run_dir) {
  const path file = writer_lock_file(run_dir);
  UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return last_errno("open " + file.string());
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_SETLK, &whole) == 0) return fd;
  if (errno != EACCES && errno != EAGAIN) return last_errno("lock " + file.string());
  return Error(Code::busy, "another leviathan is running in " + run_dir.string());
}

Status give_to_readers(const path& file, ::mode_t mode, std::optional<gid_t> group) {
  if (group && ::chown(file.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    return last_errno("change the group of " + file.string());
  }
  if (::chmod(file.c_str(), mode) != 0) return last_errno("change the mode of " + file.string());
  return {};
}

Result<Lmdb> open_lmdb(const path& run_dir, unsigned flags, std::optional<Bytes> map_size) {
  const std::string doing = "open the database " + data_file(run_dir).string();
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != MDB_SUCCESS) return lmdb_error(rc, doing);
  Lmdb env(raw);
  int rc = mdb_env_set_maxdbs(raw, table_count);
  if (rc == MDB_SUCCESS) rc = mdb_env_set_maxreaders(raw, max_readers);
  if (rc == MDB_SUCCESS && map_size) rc = mdb_env_set_mapsize(raw, map_size->value);
  if (rc == MDB_SUCCESS) rc = mdb_env_open(raw, data_file(run_dir).c_str(), flags | MDB_NOSUBDIR | MDB_NOTLS, 0600);
  if (rc != MDB_SUCCESS) return lmdb_error(rc, doing);
  return env;
}

/// How LMDB is to compare each table's keys: as codec.hpp writes them.
constexpr auto table_flags = [] {
  std::array<unsigned, table_count> flags{};
#define HOBBES_DB_FLAGS(R) \
  flags[static_cast<std::size_t>(R::table)] = is_number_key<R::Key> ? unsigned{MDB_INTEGERKEY} : 0U;
  HOBBES_DB_RECORDS(HOBBES_DB_FLAGS)
#undef HOBBES_DB_FLAGS
  return flags;
}();

/// Opens all tables in one transaction; `flags` is MDB_CREATE or 0.
Status open_tables(MDB_txn* txn, unsigned flags, std::array<MDB_dbi, table_count>& tables) {
  for (std::size_t i = 0; i < table_count; ++i) {
    const int rc = mdb_dbi_open(txn, table_names[i].data(), flags | table_flags[i], &tables[i]);
    if (rc != MDB_SUCCESS) {
      return lmdb_error(rc, doing("open", static_cast<Table>(i)));
    }
  }
  return {};
}

struct AbortTxn {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};

/// Opens all tables and keeps their handles.
Status open_tables(EnvironmentParts& parts, unsigned txn_flags, unsigned open_flags) {
  MDB_txn* raw = nullptr;
  if (const int rc = mdb_txn_begin(parts.env.get(), nullptr, txn_flags, &raw); rc != MDB_SUCCESS) {
    return lmdb_error(rc, "begin to open the database");
  }
  std::unique_ptr<MDB_txn, AbortTxn> txn(raw);
  TRY(open_tables(raw, open_flags, parts.tables));
  if (const int rc = mdb_txn_commit(txn.release()); rc != MDB_SUCCESS) {
    return lmdb_error(rc, "finish opening the database");
  }
  return {};
}

Status check_schema(const Meta& meta) {
  if (meta.schema == schema_version) return {};
  return Error(Code::unsupported, "the database has schema " + std::to_string(meta.schema) + ", this program knows " +
                                      std::to_string(schema_version));
}

/// What the writer finds: nothing, a database of this boot, or one of an earlier boot.
enum class Found { nothing, current, outdated };

Result<Found> describe_node(WriteTxn& txn, const std::string& boot_id) {
  const bool fresh = !TRY(raw_get(state_of(txn), Table::meta, meta_key)).has_value();
  Meta meta;
  if (fresh) {
    meta.boot_id = boot_id;
    meta.created = now();
  } else {
    meta = TRY(txn.meta());
    if (meta.boot_id != boot_id) return Found::outdated;
    TRY(check_schema(meta));
  }
  meta.instance += 1;
  meta.writer_pid = ::getpid();
  TRY(txn.put_meta(meta));
  return fresh ? Found::nothing : Found::current;
}

Status remove_database(const path& run_dir) {
  for (const path& file : {data_file(run_dir), lmdb_lock_file(run_dir)}) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) return last_errno("remove " + file.string());
  }
  return {};
}

/// The state belongs to whoever exchanged it out of the slot; acquire and release pair up between threads.
std::unique_ptr<TxnState> swap_reader(EnvironmentParts& parts, std::unique_ptr<TxnState> state) {
  return std::unique_ptr<TxnState>(parts.reader.exchange(state.release(), std::memory_order_acq_rel));
}

std::unique_ptr<TxnState> take_spare(std::mutex& mutex, std::vector<std::unique_ptr<TxnState>>& spare) {
  const std::lock_guard lock(mutex);
  if (spare.empty()) return nullptr;
  std::unique_ptr<TxnState> state = std::move(spare.back());
  spare.pop_back();
  return state;
}

std::unique_ptr<TxnState> new_state(EnvironmentParts& parts, bool writing) {
  auto state = std::make_unique<TxnState>();
  state->parts = &parts;
  state->tables = parts.tables.data();
  state->writing = writing;
  return state;
}

}  // namespace

Result<OpenOnce> OpenOnce::acquire(path file) {
  OpenFiles& open = open_files();
  const std::lock_guard lock(open.mutex);
  if (!open.files.insert(file).second) {
    return Error(Code::busy, "the database " + file.string() + " is already open in this process");
  }
  return OpenOnce(std::move(file));
}

OpenOnce::~OpenOnce() {
  if (file_.empty()) return;
  OpenFiles& open = open_files();
  const std::lock_guard lock(open.mutex);
  open.files.erase(file_);
}

EnvironmentParts::~EnvironmentParts() {
  if (const std::unique_ptr<TxnState> state = swap_reader(*this, nullptr)) mdb_txn_abort(state->txn);
  for (const auto& state : readers) mdb_txn_abort(state->txn);
}

void end(TxnState* raw) {
  std::unique_ptr<TxnState> state(raw);
  EnvironmentParts& parts = *state->parts;
  if (state->writing) {
    if (state->txn != nullptr) mdb_txn_abort(std::exchange(state->txn, nullptr));
    const std::lock_guard lock(parts.mutex);
    parts.writers.push_back(std::move(state));
    return;
  }
  mdb_txn_reset(state->txn);
  state = swap_reader(parts, std::move(state));
  if (!state) [[likely]] return;
  const std::lock_guard lock(parts.mutex);
  if (parts.readers.size() < spare_readers) {
    parts.readers.push_back(std::move(state));
  } else {
    mdb_txn_abort(state->txn);
  }
}

Environment::Environment(std::unique_ptr<EnvironmentParts> parts) : parts_(std::move(parts)) {}
Environment::Environment(Environment&&) noexcept = default;
Environment& Environment::operator=(Environment&&) noexcept = default;
Environment::~Environment() = default;

Result<Environment> Environment::create(const path& run_dir, const EnvironmentOptions& options) {
  std::error_code ec;
  const path dir = std::filesystem::canonical(run_dir, ec);
  if (ec) return errno_error(ec.value(), "run directory " + run_dir.string());
  const std::string boot_id = options.boot_id.empty() ? TRY(running_boot_id()) : options.boot_id;

  OpenOnce once = TRY(OpenOnce::acquire(data_file(dir)));
  UniqueFd lock = TRY(lock_for_writing(dir));
  ChangeWord change = TRY(ChangeWord::create(change_file(dir)));
  // MDB_NOSYNC: the file lives as long as the boot, so a lost page means a lost node. Without MDB_WRITEMAP: a stray
  // store in leviathan faults instead of changing the node's only truth.
  Lmdb lmdb = TRY(open_lmdb(dir, MDB_NOSYNC, options.map_size));
  auto parts = std::make_unique<EnvironmentParts>(std::move(once), std::move(lock), std::move(change), std::move(lmdb));
  TRY(open_tables(*parts, 0, MDB_CREATE));
  Environment env(std::move(parts));

  WriteTxn txn = TRY(env.write());
  if (TRY(describe_node(txn, boot_id)) == Found::outdated) {
    { const WriteTxn dropped = std::move(txn); }
    TRY(remove_database(dir));
    { const Environment closed = std::move(env); }
    return create(run_dir, options);
  }
  TRY(std::move(txn).commit());  // advances the change word, too, for a writer that died before it could
  TRY(env.clear_dead_readers());
  TRY(give_to_readers(change_file(dir), reader_mode, options.group));
  TRY(give_to_readers(lmdb_lock_file(dir), lock_mode, options.group));
  TRY(give_to_readers(data_file(dir), reader_mode, options.group));
  return env;
}

Result<Environment> Environment::open_reader(const path& run_dir) {
  std::error_code ec;
  const path dir = std::filesystem::canonical(run_dir, ec);
  if (ec) return errno_error(ec.value(), "run directory " + run_dir.string());

  OpenOnce once = TRY(OpenOnce::acquire(data_file(dir)));
  ChangeWord change = TRY(ChangeWord::open(change_file(dir)));
  Lmdb lmdb = TRY(open_lmdb(dir, MDB_RDONLY, std::nullopt));
  auto parts = std::make_unique<EnvironmentParts>(std::move(once), UniqueFd(), std::move(change), std::move(lmdb));
  TRY(open_tables(*parts, MDB_RDONLY, 0));
  Environment env(std::move(parts));
  TRY(check_schema(TRY(TRY(env.read()).meta())));
  return env;
}

void Environment::forget_after_fork() {
  open_files().files.clear();  // the one thread there is; no lock, which another one may have held at the fork
}

Result<ReadTxn> Environment::read() const {
  auto state = swap_reader(*parts_, nullptr);
  if (!state) state = take_spare(parts_->mutex, parts_->readers);
  if (state) [[likely]] {
    const int rc = mdb_txn_renew(state->txn);
    if (rc == MDB_SUCCESS) [[likely]] return ReadTxn(state.release());
    mdb_txn_abort(state->txn);
    return lmdb_error(rc, "begin to read the database");
  }
  state = new_state(*parts_, false);
  int rc = mdb_txn_begin(parts_->env.get(), nullptr, MDB_RDONLY, &state->txn);
  if (rc == MDB_READERS_FULL) {
    int freed = 0;
    mdb_reader_check(parts_->env.get(), &freed);  // a failure shows as the same code again
    rc = mdb_txn_begin(parts_->env.get(), nullptr, MDB_RDONLY, &state->txn);
  }
  if (rc != MDB_SUCCESS) return lmdb_error(rc, "begin to read the database");
  return ReadTxn(state.release());
}

Result<WriteTxn> Environment::write() {
  auto state = take_spare(parts_->mutex, parts_->writers);
  if (!state) state = new_state(*parts_, true);
  if (const int rc = mdb_txn_begin(parts_->env.get(), nullptr, 0, &state->txn); rc != MDB_SUCCESS) {
    return lmdb_error(rc, "begin to change the database");
  }
  return WriteTxn(state.release());
}

const ChangeWord& Environment::change_word() const { return parts_->change; }

Result<int> Environment::clear_dead_readers() {
  int freed = 0;
  if (const int rc = mdb_reader_check(parts_->env.get(), &freed); rc != MDB_SUCCESS) {
    return lmdb_error(rc, "free the slots of dead readers");
  }
  return freed;
}

}  // namespace hobbes::db
