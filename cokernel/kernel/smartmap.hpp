// SPDX-License-Identifier: Apache-2.0
// SMARTMAP: the ranks of one application see each other's memory. What rank r has at an address, every rank, itself
// included, has at that address + (r + 1) * smartmap_slot, too, with r's protection; a rank's own memory ends below
// smartmap_slot.
//
// A process' page tables change from within only, so a rank that maps or unmaps posts the change, interrupts those who
// see it, and goes on when all have carried it out: what mmap returns is there for everybody, and what munmap has given
// back is nobody's any more before it is used again. One change is under way at a time.
#pragma once

#include "cokernel/kernel/address_space.hpp"
#include "cokernel/kernel/app.hpp"

namespace hobbes::lwk {

inline constexpr uint64_t smartmap_slot = 1ull << 39;
inline constexpr uint32_t smartmap_ranks = port::user_end / smartmap_slot - 1;

class Smartmap;

struct SmartmapChange {
  enum class Kind { show, hide, protect };
  Kind kind;
  UserAddr start;  ///< as the viewers see it
  uint64_t size;
  uint32_t protection;
  const Region* region;  ///< to show
};

/// A rank, and who sees it.
struct SmartmapRank : Viewers {
  int show(const Region& region) override;
  void hide(UserAddr start, uint64_t size) override;
  int protect(UserAddr start, uint64_t size, uint32_t protection) override;

  Smartmap* map = nullptr;
  uint32_t number = 0;
  Process* process = nullptr;  ///< under Smartmap's members_lock_; null: it has not joined, or has left
  uint64_t viewers[4] = {};    ///< atomic words; whoever changes memory reads them under its address space's lock
  // Atomic, all sequentially consistent: the poster, and whichever threads of this rank look.
  uint32_t wanted = 0;  ///< the change that the poster waits for
  uint32_t done = 0;    ///< the last one carried out
  uint32_t busy = 0;    ///< a thread of this rank is at it
};

class Smartmap : Immovable {
 public:
  /// Where rank `number` is seen.
  [[nodiscard]] static constexpr UserAddr slot_of(uint32_t number) { return (number + 1) * smartmap_slot; }

  /// The running process, a rank that has its program, sees the others and is seen from now on. 0 or -ENOMEM.
  [[nodiscard]] int join(Process& process);
  /// The opposite, before its memory goes: in its last thread, which still is one of the process'.
  void leave(Process& process);
  /// The running process sees rank `source` (a process' number) again, or no more. 0, -ESRCH, -EEXIST,
  /// -ENOENT, -ENOMEM.
  /// It is seen at `at` only: -EINVAL.
  [[nodiscard]] int look_at(Process& viewer, int source, UserAddr at);
  [[nodiscard]] int look_away(Process& viewer, int source);
  /// AddressSpace::locate() of the rank that is seen at `address`; false: nothing is.
  [[nodiscard]] bool locate(UserAddr address, uint64_t size, uint32_t need, Extent& piece);

  /// At an interrupt of a process: carries out what another rank has posted. Takes no lock: the thread may hold any.
  static void take_up_changes(Process& process);

 private:
  friend struct SmartmapRank;
  using Rank = SmartmapRank;
  using Change = SmartmapChange;
  using RankSet = uint64_t[4];
  static_assert(smartmap_ranks <= sizeof(RankSet) * 8);

  [[nodiscard]] int connect(Rank& source, Rank& viewer);
  void disconnect(Rank& source, Rank& viewer);
  [[nodiscard]] int post(const Change& change, const RankSet viewers);
  void ask(const RankSet viewers, uint32_t number, bool all_threads);
  [[nodiscard]] bool all_done(const RankSet viewers, uint32_t number) const;
  void take_up(Rank& rank);
  [[nodiscard]] int carry_out() const;
  [[nodiscard]] Rank* find_rank(int pid);

  Mutex members_lock_;  ///< before an address space's lock
  Rank ranks_[smartmap_ranks];

  Mutex post_lock_;  ///< behind an address space's lock
  Change change_{};  ///< written under post_lock_ while nobody's `wanted` is ahead of his `done`
  uint32_t posted_ = 0;
  uint32_t answers_ = 0;  ///< atomic: futex word of the poster
  int error_ = 0;         ///< atomic: the first of a viewer
};

}  // namespace hobbes::lwk
