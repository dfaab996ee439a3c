// SPDX-License-Identifier: Apache-2.0
// Versions: a range of xemem_alloc() memory of which snapshots are taken (hobbes/xasm.h).
//
// The range is in several files of its size. Each part (a large page) is mapped from one of them, its home; a version
// remembers the homes of its moment. A part that a version shares is write-protected, and the producer's first write
// moves it: its content is copied to its place in a file in which no version has that part, and that becomes its home.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "leviathan/client/xemem/memory_file.hpp"

namespace hobbes::xemem {

class VersionedRange {
 public:
  using Homes = std::vector<std::uint8_t>;  ///< of each part: the number of its file

  /// `file` is mapped at `start`, all of it. Makes it known to the handler of faults; it is never destroyed.
  [[nodiscard]] static Result<VersionedRange*> create(char* start, std::uint64_t size, MemoryFilePtr file);

  [[nodiscard]] char* start() const { return start_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// Protects the range; what it is now stays until let_go().
  [[nodiscard]] Result<Homes> freeze();
  /// One thread at a time.
  [[nodiscard]] Result<Pieces> pieces_of(const Homes& homes);
  void let_go(const Homes& homes);

  /// A write to a protected part. False: it was not that, or there is no memory for a copy. For the handler.
  [[nodiscard]] bool unprotect(char* address);
  [[nodiscard]] bool holds(const char* address) const { return address >= start_ && address < start_ + size_; }

 private:
  static constexpr std::size_t most_files = 64;

  VersionedRange(char* start, std::uint64_t size, std::size_t parts)
      : start_(start), size_(size), homes_(parts), protected_(parts), users_(parts * most_files) {}
  [[nodiscard]] bool move(std::size_t part);
  [[nodiscard]] std::uint64_t offset_of(std::size_t part) const;
  [[nodiscard]] int add_file();
  void lock();
  void unlock();

  char* const start_;
  const std::uint64_t size_;
  char* copy_ = nullptr;  ///< a large page of addresses, at a multiple of that: where a part is mapped to be written
  // Under the lock, which a signal handler takes: nobody allocates while he has it.
  int busy_ = 0;
  int fds_[most_files] = {};
  std::size_t file_count_ = 0;
  MemoryFilePtr readable_[most_files];  ///< the same files for readers, once needed; pieces_of() alone uses it
  Homes homes_;
  std::vector<std::uint8_t> protected_;
  std::vector<std::uint32_t> users_;  ///< versions that have a part in a file: [part * most_files + file]
};

}  // namespace hobbes::xemem
