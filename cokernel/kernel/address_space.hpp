// SPDX-License-Identifier: Apache-2.0
// AddressSpace: a sorted list of regions, each backed by enclave memory that is mapped when the region is made. There is
// no demand paging and no copy on write.
#pragma once

#include "cokernel/kernel/list.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/region.hpp"

namespace hobbes::lwk {

/// What a program is given to begin with.
struct MemoryPlan {
  uint64_t stack_size = 0, heap_size = 0;
  bool map_heap = false;     ///< all of it at once; else as it grows
  bool large_pages = false;  ///< stack and heap are of whole large pages
};

/// Others who see an address space's memory, too, and are told of its changes, under its lock.
struct Viewers : Immovable {
  virtual ~Viewers() = default;
  /// 0 or -errno.
  [[nodiscard]] virtual int show(const Region& region) = 0;
  virtual void hide(UserAddr start, uint64_t size) = 0;
  [[nodiscard]] virtual int protect(UserAddr start, uint64_t size, uint32_t protection) = 0;
};

class AddressSpace : Immovable {
 public:
  ~AddressSpace();

  /// Nothing is mapped at or above `end`; while it is empty.
  void confine(UserAddr end) { end_ = end; }
  [[nodiscard]] UserAddr end() const { return end_; }
  void set_viewers(Viewers* viewers) {
    Guard guard(lock_);
    viewers_ = viewers;
  }
  /// Waits until no change of it is under way.
  void settle() { const Guard guard(lock_); }

  /// Maps `size` bytes of fresh zeroed memory; `address` 0 means anywhere (the kernel chooses; 2 MiB aligned if it is
  /// that large). With `fixed`, what was there is unmapped first; else a taken address is moved away from. The running
  /// process' only. Returns the address or -errno.
  struct Request {
    UserAddr address = 0;
    uint64_t size = 0;
    uint32_t protection = 0;
    bool fixed = false, no_replace = false;
    bool reserve_only = false;  ///< addresses without memory
    bool shared = false;
    bool locked = false;        ///< as with locks_future(); beyond `lock_limit` it is -EAGAIN
    uint64_t lock_limit = ~0ull;
    bool apart = false;         ///< not to be joined with its neighbours
    bool may_write = true;      ///< mprotect may make it writable
    SharedMemory* memory = nullptr;  ///< `shared`: this, from its start, in place of fresh memory
    RegionKind kind = RegionKind::anonymous;
    const char* name = "";
    uint64_t file_offset = 0;
  };
  [[nodiscard]] Sysret map(const Request& request);
  [[nodiscard]] Sysret unmap(UserAddr address, uint64_t size);
  [[nodiscard]] Sysret protect(UserAddr address, uint64_t size, uint32_t protection);
  /// `larger`: what a mapping of a file's memory becomes, which takes all of [address, address + old_size).
  [[nodiscard]] Sysret remap(UserAddr address, uint64_t old_size, uint64_t new_size, bool may_move, bool fixed,
                             UserAddr to, SharedMemory* larger = nullptr);
  /// The shared memory at an address, held, and what lies there of it; null: there is none.
  [[nodiscard]] SharedMemory* hold_shared(UserAddr address, uint64_t& offset);
  /// Makes private anonymous memory in the range read as zero again.
  /// But not what lies below the caller's stack pointer in the stack it uses: that is nobody's (glibc advises so for all
  /// of a stack when its thread ends).
  [[nodiscard]] Sysret zero(UserAddr address, uint64_t size, UserAddr stack_pointer);
  /// Whether all of [address, address + size) is mapped, if only reserved.
  [[nodiscard]] bool covers(UserAddr address, uint64_t size) {
    Guard guard(lock_);
    return is_covered(address, address + size);
  }
  /// Beyond `lock_limit` the heap does not grow while what is mapped is locked.
  [[nodiscard]] Sysret set_break(UserAddr to, uint64_t lock_limit = ~0ull);
  /// mlock and munlock, of whole pages: 0 or -ENOMEM, beyond `limit` bytes or where not all is mapped.
  [[nodiscard]] int set_locked(UserAddr start, UserAddr end, bool locked, uint64_t limit);
  /// mlockall and munlockall: what there is, what will be. 0 or -ENOMEM.
  [[nodiscard]] int set_all_locked(bool now, bool future, uint64_t limit);
  void unlock_all();
  /// Whether `more` bytes behind those of a mapping may be locked as it is.
  [[nodiscard]] bool may_lock_more(UserAddr address, uint64_t more, uint64_t limit);
  [[nodiscard]] uint64_t locked_bytes() {
    Guard guard(lock_);
    return locked_bytes_locked(0, port::user_end);
  }
  /// The heap begins at or above `start`. 0, or -ENOMEM when it is to be mapped and there is no room.
  [[nodiscard]] Sysret start_heap(UserAddr start, const MemoryPlan& plan);

  /// Takes over a copy of everything `parent` maps: private memory is copied, shared memory shared. Runs in the child;
  /// the parent's thread sleeps meanwhile. `stack_pointer`: below it the stack it lies in is not worth copying.
  [[nodiscard]] int copy_memory_of(AddressSpace& parent, UserAddr stack_pointer);
  /// vfork: everything `parent` maps, without memory of its own. The parent keeps it until clear().
  [[nodiscard]] int borrow_memory_of(AddressSpace& parent);
  /// Makes the running process' page tables agree with the regions (after copy_memory_of, in the new address space).
  [[nodiscard]] int map_all();

  /// Unmaps and frees everything. `unmap_pages` false: the address space itself is about to go.
  void clear(bool unmap_pages);

  /// The direct-map pointer to a mapped user address and how many bytes from there are physically contiguous (at most
  /// `size`); null: not mapped, or not with `need` (port::Protection bits).
  /// Null as well: it is no memory of the enclave (lent_files.hpp).
  [[nodiscard]] void* direct(UserAddr address, uint64_t size, uint32_t need, uint64_t& contiguous);
  /// The same, as an extent says where it is; false: not mapped, or not with `need`.
  [[nodiscard]] bool locate(UserAddr address, uint64_t size, uint32_t need, Extent& piece);
  /// The first part of [address, address + size) that is a lent file's: false, there is none.
  [[nodiscard]] bool find_lent(UserAddr& address, uint64_t& size);

  /// The pages of a range, all of which must be mapped with `need`, in as few extents as possible, and held
  /// (PageAllocator). `extents` is from the kernel heap and the caller's; `may_write`: all of them may be written. 0,
  /// -EFAULT, -ENOMEM, or -E2BIG: they are more than `most`.
  [[nodiscard]] int hold_pages(UserAddr address, uint64_t size, uint32_t most, Extent*& extents, uint32_t& count,
                               bool& may_write);

  /// While pinned, memory that is unmapped stays out of use: the host may still be writing to it. Any thread; nests.
  void pin() { __atomic_add_fetch(&pins_, 1, __ATOMIC_SEQ_CST); }  // before direct(); partner: free_region, under the lock
  void unpin();

  /// Calls visit(const Region&) in order, under the lock.
  template <typename Visit>
  void for_each(Visit visit) {
    Guard guard(lock_);
    for (const Region& region : regions_) visit(region);
  }
  /// Free addresses of `size` at or above `from`, below `to`; 0: none.
  [[nodiscard]] UserAddr find_hole(UserAddr from, UserAddr to, uint64_t size, uint64_t alignment);

  [[nodiscard]] uint64_t mapped_bytes() const { return mapped_bytes_; }
  /// RLIMIT_AS and RLIMIT_DATA: no mapping beyond `total` bytes, no heap beyond `heap`.
  void set_limits(uint64_t total, uint64_t heap) {
    Guard guard(lock_);
    limit_ = total;
    heap_limit_ = heap;
  }

 private:
  struct Hole;
  [[nodiscard]] static Region* copy_of(const Region& from);
  void copy_plan_of(const AddressSpace& parent);
  [[nodiscard]] Region* find(UserAddr address);
  [[nodiscard]] Sysret map_locked(const Request& request);
  [[nodiscard]] Sysret regrow(UserAddr address, uint64_t old_size, const Request& wanted, bool may_move);
  [[nodiscard]] int unmap_locked(UserAddr start, UserAddr end);
  [[nodiscard]] uint64_t locked_bytes_locked(UserAddr start, UserAddr end);
  [[nodiscard]] bool may_lock(uint64_t more, uint64_t limit);
  [[nodiscard]] int split(Region& region, UserAddr at);
  [[nodiscard]] int split_range(UserAddr start, UserAddr end);
  [[nodiscard]] bool is_covered(UserAddr start, UserAddr end);
  [[nodiscard]] int protect_region(Region& region, uint32_t protection);
  [[nodiscard]] bool can_hold(UserAddr address, uint64_t size) const {
    return address >= port::user_start && address <= end_ && size <= end_ - address;
  }
  [[nodiscard]] int map_pages(const Region& region);
  void unmap_pages(UserAddr start, uint64_t size);
  [[nodiscard]] int protect_pages(UserAddr start, uint64_t size, uint32_t protection);
  void zero_locked(UserAddr start, UserAddr end);
  /// What a copy of all private memory takes.
  [[nodiscard]] uint64_t copied_pages_locked();
  [[nodiscard]] Sysret grow_heap(UserAddr to);
  [[nodiscard]] UserAddr choose_address(uint64_t size);
  [[nodiscard]] UserAddr hole_locked(UserAddr from, UserAddr to, uint64_t size, uint64_t alignment);
  void insert(Region& region);
  Region& merge(Region& region);
  [[nodiscard]] bool absorb(Region& region, Region& next);
  void free_region(Region& region);
  static void free_memory(Region& region);

  Mutex lock_;
  UserAddr end_ = port::user_end;
  Viewers* viewers_ = nullptr;
  List<Region> regions_;
  List<Region> unmapped_;  ///< while pinned
  uint32_t pins_ = 0;      ///< atomic
  UserAddr heap_start_ = 0, heap_end_ = 0, heap_mapped_ = 0;
  uint64_t heap_limit_ = 0;
  bool large_pages_ = false;
  bool locks_future_ = false;
  uint64_t mapped_bytes_ = 0;
  uint64_t limit_ = ~0ull;
};

/// Pins an address space for a scope.
class MemoryPin : Immovable {
 public:
  explicit MemoryPin(AddressSpace& space) : space_(space) { space_.pin(); }
  ~MemoryPin() { space_.unpin(); }

 private:
  AddressSpace& space_;
};

}  // namespace hobbes::lwk
