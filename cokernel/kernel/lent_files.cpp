// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/lent_files.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t room_of_file = 1ull << 44;  ///< the largest file there are numbers for: 16 TiB
constexpr uint32_t most_files = lent_numbers / room_of_file;
static_assert(most_files == 256);

Mutex lock;

class LentFile final : public MemoryOwner {
 public:
  int share(uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory) override {
    Guard guard(lock);
    return share_locked(offset, size, may_write, memory);
  }
  void unshare(bool may_write) override;

  /// Under the lock, as all that is not said to be otherwise.
  [[nodiscard]] bool is(const FileIdentity& other) const {
    return references_ > 0 && identity_ == other;
  }
  [[nodiscard]] bool is_free() const { return references_ == 0 && readable_ < 0 && writable_ < 0; }
  [[nodiscard]] bool serves(bool may_write) const { return writable_ >= 0 || (!may_write && readable_ >= 0); }
  void take(const FileIdentity& identity, int file, bool may_write) {
    identity_ = identity;
    int& place = may_write ? writable_ : readable_;
    if (place >= 0) return port::give_back(file);  // another thread was faster
    __atomic_store_n(&place, file, __ATOMIC_RELEASE);  // partner: file()
  }
  [[nodiscard]] int share_locked(uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory);
  void give_back_unused();
  /// What to map. Without the lock: whoever asks has a reference.
  [[nodiscard]] int file() const {
    const int writable = __atomic_load_n(&writable_, __ATOMIC_ACQUIRE);
    return writable >= 0 ? writable : __atomic_load_n(&readable_, __ATOMIC_ACQUIRE);
  }

 private:
  [[nodiscard]] PhysAddr base() const;

  FileIdentity identity_{};
  uint32_t references_ = 0;  ///< SharedMemory
  int readable_ = -1, writable_ = -1;  ///< the port's names of it, atomic; -1: not lent so
};

LentFile files[most_files];

PhysAddr LentFile::base() const { return first_lent + static_cast<uint64_t>(this - files) * room_of_file; }

int LentFile::share_locked(uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory) {
  if (offset >= room_of_file || size > room_of_file - offset) return -EOVERFLOW;
  Owned<SharedMemory> part(new (nothrow) SharedMemory);
  auto* extent = static_cast<Extent*>(allocate(sizeof(Extent)));
  if (!part || extent == nullptr) {
    release(extent);
    return -ENOMEM;
  }
  *extent = {base() + offset, size};
  part->size = size;
  part->extents = extent;
  part->extent_count = 1;
  part->owner = this;
  part->owner_offset = offset;
  part->may_write = may_write;
  ++references_;
  memory = part.release();
  return 0;
}

void LentFile::unshare(bool) {
  Guard guard(lock);
  --references_;
  give_back_unused();
}

void LentFile::give_back_unused() {
  if (references_ > 0) return;
  int* const both[] = {&readable_, &writable_};
  for (int* file : both) {
    if (*file >= 0) port::give_back(*file);
    __atomic_store_n(file, -1, __ATOMIC_RELAXED);
  }
}

LentFile* find(const FileIdentity& identity) {
  for (LentFile& file : files)
    if (file.is(identity)) return &file;
  return nullptr;
}

LentFile* find_free() {
  for (LentFile& file : files)
    if (file.is_free()) return &file;
  return nullptr;
}

}  // namespace

int share_lent(const FileIdentity& identity, uint64_t offset, uint64_t size, bool may_write, SharedMemory*& memory) {
  Guard guard(lock);
  LentFile* file = find(identity);
  return file == nullptr || !file->serves(may_write) ? -ENOENT : file->share_locked(offset, size, may_write, memory);
}

int share_new_lent(const FileIdentity& identity, int file, uint64_t offset, uint64_t size, bool may_write,
                   SharedMemory*& memory) {
  Guard guard(lock);
  LentFile* place = find(identity);
  if (place == nullptr) place = find_free();
  if (place == nullptr) {
    port::give_back(file);
    return -ENFILE;
  }
  place->take(identity, file, may_write);
  const int error = place->share_locked(offset, size, may_write, memory);
  place->give_back_unused();
  return error;
}

int map_extent(UserAddr address, PhysAddr at, uint64_t size, uint32_t protection) {
  if (!is_lent(at)) return port::map(address, at, size, protection);
  const uint64_t number = at - first_lent;
  return port::map_lent(address, files[number / room_of_file].file(), number % room_of_file, size, protection);
}

}  // namespace hobbes::lwk
