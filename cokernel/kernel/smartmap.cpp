// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/smartmap.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/lent_files.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk {
namespace {

using Kind = SmartmapChange::Kind;

constexpr uint32_t bits = 64;
constexpr int spins = 2000;                     ///< of a poster whose viewers run on CPUs of their own
/// Who has not answered is asked again, because the thread that was asked may have ended; ever more rarely, because each
/// interrupt takes room on a stack until the thread has its CPU.
constexpr int64_t first_patience_ns = 1'000'000, longest_patience_ns = 128'000'000;

bool has(const uint64_t set[4], uint32_t number) {
  return (__atomic_load_n(&set[number / bits], __ATOMIC_ACQUIRE) >> number % bits & 1) != 0;
}
// seq_cst: set before the source's lock is taken, so whoever holds it later sees it, and cleared likewise.
void add(uint64_t set[4], uint32_t number) {
  __atomic_fetch_or(&set[number / bits], 1ull << number % bits, __ATOMIC_SEQ_CST);
}
void remove(uint64_t set[4], uint32_t number) {
  __atomic_fetch_and(&set[number / bits], ~(1ull << number % bits), __ATOMIC_SEQ_CST);
}

}  // namespace

int SmartmapRank::show(const Region& region) {
  const uint64_t size = region.end - region.start;
  return map->post({Kind::show, Smartmap::slot_of(number) + region.start, size, region.protection, &region}, viewers);
}

void SmartmapRank::hide(UserAddr start, uint64_t size) {
  // Unmapping does not fail.
  (void)map->post({Kind::hide, Smartmap::slot_of(number) + start, size, 0, nullptr}, viewers);
}

int SmartmapRank::protect(UserAddr start, uint64_t size, uint32_t protection) {
  return map->post({Kind::protect, Smartmap::slot_of(number) + start, size, protection, nullptr}, viewers);
}

int Smartmap::join(Process& process) {
  Guard guard(members_lock_);
  Rank& mine = ranks_[process.rank];
  mine.map = this;
  mine.number = process.rank;
  mine.process = &process;
  // release: take_up_changes() finds a Rank that is complete.
  __atomic_store_n(&process.smartmap_rank, &mine, __ATOMIC_RELEASE);
  process.space.set_viewers(&mine);
  for (Rank& other : ranks_) {
    if (other.process == nullptr) continue;
    if (const int error = connect(other, mine); error != 0) return error;
    if (&other == &mine) continue;
    if (const int error = connect(mine, other); error != 0) return error;
  }
  return 0;
}

void Smartmap::leave(Process& process) {
  Guard guard(members_lock_);
  Rank& mine = ranks_[process.rank];
  if (mine.process != &process) return;
  for (Rank& other : ranks_)
    if (other.process != nullptr && &other != &mine && has(other.viewers, mine.number)) disconnect(other, mine);
  mine.hide(port::user_start, smartmap_slot - port::user_start);
  process.space.set_viewers(nullptr);
  for (uint64_t& word : mine.viewers) __atomic_store_n(&word, 0, __ATOMIC_SEQ_CST);
  mine.process = nullptr;
  __atomic_store_n(&process.smartmap_rank, nullptr, __ATOMIC_RELEASE);
}

int Smartmap::look_at(Process& viewer, int source, UserAddr at) {
  Guard guard(members_lock_);
  Rank* seen = find_rank(source);
  if (seen == nullptr) return -ESRCH;
  if (at != slot_of(seen->number)) return -EINVAL;
  return has(seen->viewers, viewer.rank) ? -EEXIST : connect(*seen, ranks_[viewer.rank]);
}

int Smartmap::look_away(Process& viewer, int source) {
  Guard guard(members_lock_);
  Rank* seen = find_rank(source);
  if (seen == nullptr) return -ESRCH;
  if (!has(seen->viewers, viewer.rank)) return -ENOENT;
  disconnect(*seen, ranks_[viewer.rank]);
  return 0;
}

bool Smartmap::locate(UserAddr address, uint64_t size, uint32_t need, Extent& piece) {
  Guard guard(members_lock_);
  const uint64_t slot = address / smartmap_slot;
  if (slot == 0 || slot > smartmap_ranks || ranks_[slot - 1].process == nullptr) return false;
  const UserAddr own = address % smartmap_slot;
  return ranks_[slot - 1].process->space.locate(own, min(size, smartmap_slot - own), need, piece);
}

/// Under members_lock_.
Smartmap::Rank* Smartmap::find_rank(int pid) {
  for (Rank& rank : ranks_)
    if (rank.process != nullptr && rank.process->pid == pid) return &rank;
  return nullptr;
}

/// Under members_lock_. A change of the source meanwhile is shown twice at worst.
int Smartmap::connect(Rank& source, Rank& viewer) {
  RankSet only = {};
  add(only, viewer.number);
  add(source.viewers, viewer.number);
  int error = 0;
  source.process->space.for_each([&](const Region& region) {
    if (error != 0) return;
    const uint64_t size = region.end - region.start;
    error = post({Kind::show, slot_of(source.number) + region.start, size, region.protection, &region}, only);
  });
  if (error != 0) disconnect(source, viewer);
  return error;
}

/// Under members_lock_. Afterwards the viewer sees nothing of the source, and nobody waits for it because of the source.
void Smartmap::disconnect(Rank& source, Rank& viewer) {
  RankSet only = {};
  add(only, viewer.number);
  remove(source.viewers, viewer.number);
  source.process->space.settle();
  (void)post({Kind::hide, slot_of(source.number), smartmap_slot, 0, nullptr}, only);
}

/// Returns when all of the viewers have carried it out: 0, or what one of them has failed with.
int Smartmap::post(const Change& change, const RankSet viewers) {
  RankSet asked;
  for (uint32_t i = 0; i < sizeof(RankSet) / sizeof(uint64_t); ++i)
    asked[i] = __atomic_load_n(&viewers[i], __ATOMIC_SEQ_CST);
  Guard guard(post_lock_);
  change_ = change;
  __atomic_store_n(&error_, 0, __ATOMIC_RELAXED);  // ordered by `wanted` and `done`, as `change_` is
  const uint32_t number = ++posted_;
  for (uint32_t i = 0; i < smartmap_ranks; ++i)
    if (has(asked, i)) __atomic_store_n(&ranks_[i].wanted, number, __ATOMIC_SEQ_CST);
  if (Rank* own = port::current().process->smartmap_rank) take_up(*own);
  int64_t patience_ns = first_patience_ns;
  while (!all_done(asked, number)) {
    ask(asked, number, patience_ns > first_patience_ns);
    for (int i = 0; i < spins && !all_done(asked, number); ++i) port::relax();
    const int64_t deadline = monotonic_ns() + patience_ns;
    while (monotonic_ns() < deadline) {
      const uint32_t answers = __atomic_load_n(&answers_, __ATOMIC_SEQ_CST);
      if (all_done(asked, number)) break;
      port::wait(&answers_, answers, deadline);
    }
    patience_ns = min(2 * patience_ns, longest_patience_ns);
  }
  return __atomic_load_n(&error_, __ATOMIC_RELAXED);
}

bool Smartmap::all_done(const RankSet viewers, uint32_t number) const {
  for (uint32_t i = 0; i < smartmap_ranks; ++i)
    if (has(viewers, i) && __atomic_load_n(&ranks_[i].done, __ATOMIC_SEQ_CST) != number) return false;
  return true;
}

/// Interrupts those that have not answered. A viewer that is asked has not left, and cannot before it has answered.
void Smartmap::ask(const RankSet viewers, uint32_t number, bool all_threads) {
  Guard guard(process_lock());
  for (uint32_t i = 0; i < smartmap_ranks; ++i) {
    if (!has(viewers, i) || __atomic_load_n(&ranks_[i].done, __ATOMIC_SEQ_CST) == number) continue;
    for (Thread& thread : ranks_[i].process->threads) {
      port::interrupt(thread);
      if (!all_threads) break;
    }
  }
}

void Smartmap::take_up_changes(Process& process) {
  // acquire: partner of join().
  if (Rank* rank = __atomic_load_n(&process.smartmap_rank, __ATOMIC_ACQUIRE)) rank->map->take_up(*rank);
}

void Smartmap::take_up(Rank& rank) {
  while (__atomic_load_n(&rank.wanted, __ATOMIC_SEQ_CST) != __atomic_load_n(&rank.done, __ATOMIC_SEQ_CST)) {
    // Two threads must not: one could be late, and map what has gone again. Who is at it looks again when done.
    if (__atomic_exchange_n(&rank.busy, 1, __ATOMIC_SEQ_CST) != 0) return;
    const uint32_t number = __atomic_load_n(&rank.wanted, __ATOMIC_SEQ_CST);
    if (number != __atomic_load_n(&rank.done, __ATOMIC_SEQ_CST)) {
      int none = 0;
      if (const int error = carry_out(); error != 0)
        __atomic_compare_exchange_n(&error_, &none, error, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
      __atomic_store_n(&rank.done, number, __ATOMIC_SEQ_CST);
    }
    __atomic_store_n(&rank.busy, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&answers_, 1, __ATOMIC_SEQ_CST);
    port::wake(&answers_, 1);
  }
}

int Smartmap::carry_out() const {
  if (change_.kind == Kind::protect) return port::protect(change_.start, change_.size, change_.protection);
  if (change_.kind == Kind::hide) {
    port::unmap(change_.start, change_.size);
    return 0;
  }
  UserAddr at = change_.start;
  return for_region(*change_.region, 0, change_.size, [&](PhysAddr base, uint64_t size) {
    const int error = map_extent(at, base, size, change_.protection);
    at += size;
    return error;
  });
}

}  // namespace hobbes::lwk
