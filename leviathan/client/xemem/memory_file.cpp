// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/memory_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/cut.hpp"
#include "base/memfd.hpp"

namespace hobbes::xemem {

Result<MemoryFilePtr> take_file(UniqueFd fd) {
  struct stat status {};
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fstat(fd.get(), &status) != 0) return last_errno("shared memory");
  auto file = std::make_shared<MemoryFile>();
  file->fd = std::move(fd);
  file->writable = (flags & O_ACCMODE) == O_RDWR;
  file->device = status.st_dev;
  file->inode = status.st_ino;
  return MemoryFilePtr(std::move(file));
}

Result<MemoryFilePtr> make_file(std::uint64_t size) {
  auto fd = make_memfd("xemem", size);
  if (!fd) return std::move(fd).error().in("shared memory");
  return take_file(*std::move(fd));
}

Result<MemoryFilePtr> read_only(const MemoryFile& file) {
  auto fd = reopen_for_reading(file.fd.get());
  if (!fd) return std::move(fd).error().in("shared memory");
  return take_file(*std::move(fd));
}

Pieces cut(const Pieces& pieces, std::uint64_t offset, std::uint64_t size) {
  return hobbes::cut(pieces, offset, size, [](const Piece& piece, std::uint64_t from, std::uint64_t length) {
    return Piece{piece.file, piece.offset + from, length};
  });
}

Result<char*> reserve(std::uint64_t size, std::uint64_t offset) {
  const std::uint64_t slack = size >= large_page ? large_page : 0;
  if (size > UINT64_MAX - slack) return Error(Code::exhausted, "shared memory: addresses", ENOMEM);
  void* reserved =
      ::mmap(nullptr, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return Error(Code::exhausted, "shared memory: addresses", ENOMEM);
  auto* start = static_cast<char*>(reserved);
  if (slack == 0) return start;
  const std::uint64_t skip = (offset - reinterpret_cast<std::uint64_t>(start)) % large_page;
  if (skip > 0) ::munmap(start, skip);
  if (slack > skip) ::munmap(start + skip + size, slack - skip);
  return start + skip;
}

Status map_pieces(char* address, const Pieces& pieces, bool writable) {
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  for (const Piece& piece : pieces) {
    if (::mmap(address, piece.size, protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE, piece.file->fd.get(),
               static_cast<off_t>(piece.offset)) == MAP_FAILED)
      return last_errno("shared memory: map it");
    address += piece.size;
  }
  return {};
}

void populate_large(char* address, std::uint64_t size) {
  const std::uint64_t head = -reinterpret_cast<std::uint64_t>(address) % large_page;
  for (std::uint64_t at = head; at + large_page <= size; at += large_page) {
    *reinterpret_cast<volatile char*>(address + at) = 0;  // so that the file has something there
    if (::madvise(address + at, large_page, madv_collapse) != 0) break;
  }
  // Small ones for the rest; what cannot be had now is had when it is used.
  ::madvise(address, size, MADV_POPULATE_WRITE);
}

}  // namespace hobbes::xemem
