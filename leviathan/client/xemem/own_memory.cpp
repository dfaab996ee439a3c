// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/own_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "leviathan/client/xemem/stop_others.hpp"

namespace hobbes::xemem {
namespace {

std::uint64_t number(const char* address) { return reinterpret_cast<std::uint64_t>(address); }

Error failed(int error, const char* why) { return errno_error(error, std::string("shared memory: ") + why); }

/// Moves a range of private memory into a file. All of it happens in a thread of its own, because the caller's stack
/// may be in the range: nothing runs on it meanwhile.
class Mover {
 public:
  Mover(char* address, std::uint64_t size, const MemoryFile& file) : address_(address), size_(size), file_(file) {}

  /// 0 or an errno.
  int run() {
    auto view = reserve(size_, number(address_));
    if (!view) return ENOMEM;
    view_ = *view;
    if (::mmap(view_, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.fd.get(), 0) == MAP_FAILED)
      return errno;
    populate_large(view_, size_);
    before_ = std::make_unique<MappedAreas>();
    now_ = std::make_unique<MappedAreas>();
    int error = EBUSY;
    if (!read_areas(number(address_), number(address_) + size_, *before_)) error = errno;
    else std::thread([this, &error] { error = move(); }).join();
    ::munmap(view_, size_);
    return error;
  }

 private:
  int move() {
    const StopOthers stopped;
    if (stopped.error() != 0) return stopped.error();
    if (!read_areas(number(address_), number(address_) + size_, *now_)) return errno;
    if (!(*now_ == *before_)) return EAGAIN;
    for (const MappedArea& area : *now_) {
      if (area.shared) return EINVAL;
      if ((area.protection & PROT_READ) == 0) return EFAULT;
    }
    for (const MappedArea& area : *now_) {
      const std::uint64_t offset = area.start - number(address_);
      std::memcpy(view_ + offset, address_ + offset, area.end - area.start);
    }
    for (const MappedArea& area : *now_) {
      const std::uint64_t offset = area.start - number(address_);
      // Over pages that are there already, with as much as they need for it: it fails only where Linux has no memory
      // for a mapping, and then that part stays as it was.
      if (::mmap(address_ + offset, area.end - area.start, area.protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE,
                 file_.fd.get(), static_cast<off_t>(offset)) == MAP_FAILED)
        return errno;
    }
    return 0;
  }

  char* address_;
  std::uint64_t size_;
  const MemoryFile& file_;
  char* view_ = nullptr;
  std::unique_ptr<MappedAreas> before_, now_;
};

}  // namespace

Result<char*> OwnMemory::allocate(std::uint64_t size) {
  const MemoryFilePtr file = TRY(make_file(size));
  char* const address = TRY(reserve(size, 0));
  const Pieces pieces = {{file, 0, size}};
  if (::mmap(address, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file->fd.get(), 0) == MAP_FAILED) {
    const int error = errno;
    ::munmap(address, size);
    return failed(error, "map it");
  }
  populate_large(address, size);
  known_[address] = {.size = size, .kind = Kind::allocated, .pieces = pieces, .source = {}};
  return address;
}

Status OwnMemory::free(char* address) {
  const auto found = known_.find(address);
  if (found == known_.end() || found->second.kind != Kind::allocated)
    return failed(EINVAL, "free what was not allocated");
  ::munmap(address, found->second.size);
  known_.erase(found);
  return {};
}

Result<MemoryFilePtr> OwnMemory::allocated(char* address, std::uint64_t size) const {
  const auto found = known_.find(address);
  if (found == known_.end() || found->second.kind != Kind::allocated || found->second.size != size)
    return failed(EINVAL, "not the whole of what was allocated");
  return found->second.pieces.front().file;
}

void OwnMemory::add(char* address, const Pieces& pieces, SegmentId source) {
  std::uint64_t size = 0;
  for (const Piece& piece : pieces) size += piece.size;
  known_[address] = {.size = size, .kind = Kind::attached, .pieces = pieces, .source = source};
}

void OwnMemory::remove(char* address) { known_.erase(address); }

const std::pair<char* const, OwnMemory::Known>* OwnMemory::known_at(char* address) const {
  auto next = known_.upper_bound(address);
  if (next == known_.begin()) return nullptr;
  --next;
  return static_cast<std::uint64_t>(address - next->first) < next->second.size ? &*next : nullptr;
}

/// Memory that was moved is the program's to unmap: what is there now may be something else.
void OwnMemory::forget_unmapped(char* address, std::uint64_t size) {
  std::erase_if(known_, [&](const auto& entry) {
    const auto& [start, known] = entry;
    if (known.kind != Kind::moved || start >= address + size || start + known.size <= address) return false;
    const auto areas = std::make_unique<MappedAreas>();
    const Piece& piece = known.pieces.front();
    if (!read_areas(number(start), number(start) + known.size, *areas)) return true;
    return !std::ranges::all_of(*areas, [&](const MappedArea& area) {
      return area.shared && area.inode == piece.file->inode &&
             area.offset == piece.offset + (area.start - number(start));
    });
  });
}

Status OwnMemory::move(char* address, std::uint64_t size) {
  const auto areas = std::make_unique<MappedAreas>();
  if (!read_areas(number(address), number(address) + size, *areas)) return failed(errno, "the range");
  for (const MappedArea& area : *areas) {
    if ((area.protection & PROT_READ) == 0) return failed(EFAULT, "the range is not readable");
    if (area.shared) return failed(EINVAL, "the range is shared already");
  }
  MemoryFilePtr file = TRY(make_file(size));
  if (const int error = Mover(address, size, *file).run(); error != 0) return failed(error, "move it into a memfd");
  const bool writable =
      std::ranges::all_of(*areas, [](const MappedArea& area) { return (area.protection & PROT_WRITE) != 0; });
  if (!writable) file = TRY(read_only(*file));
  known_[address] = {.size = size, .kind = Kind::moved, .pieces = {{file, 0, size}}, .source = {}};
  return {};
}

Result<Exported> OwnMemory::exported(char* address, std::uint64_t size) {
  forget_unmapped(address, size);
  Exported result;
  char* const end = address + size;
  for (char* at = address; at < end;) {
    const auto* known = known_at(at);
    if (known == nullptr) {
      const auto next = known_.upper_bound(at);
      char* const until = next == known_.end() ? end : std::min(end, next->first);
      TRY(move(at, static_cast<std::uint64_t>(until - at)));
      continue;
    }
    const auto& [start, memory] = *known;
    const std::uint64_t offset = static_cast<std::uint64_t>(at - start);
    const std::uint64_t length = std::min<std::uint64_t>(memory.size - offset, static_cast<std::uint64_t>(end - at));
    for (Piece& piece : cut(memory.pieces, offset, length)) result.pieces.push_back(std::move(piece));
    if (memory.source.value != 0 && std::ranges::count(result.sources, memory.source) == 0)
      result.sources.push_back(memory.source);
    at += length;
  }
  return result;
}

std::vector<OwnMemory::Range> OwnMemory::moved() const {
  std::vector<Range> ranges;
  for (const auto& [address, known] : known_)
    if (known.kind == Kind::moved) ranges.push_back({address, known.size, known.pieces.front().file->fd.get()});
  return ranges;
}

}  // namespace hobbes::xemem
