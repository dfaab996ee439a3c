// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/page_allocator.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/reserve.hpp"

#include <sys/mman.h>

#include <string>

namespace hobbes::hpmmap {
namespace {

std::byte* view;
std::uint64_t size_of_block;

/// Addresses for all blocks, from a boundary of large pages on, so that large pages map them here, too.
Result<std::byte*> reserve_addresses(std::uint64_t size) {
  void* start = ::mmap(nullptr, size + lwk::large_page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return last_errno("hpmmap: addresses for the reservation");
  return reinterpret_cast<std::byte*>(
      lwk::align_up(reinterpret_cast<std::uintptr_t>(start), lwk::large_page_size));
}

}  // namespace

Status open_reserve(int first_fd, std::size_t blocks, std::uint64_t block_size) {
  view = TRY(reserve_addresses(blocks * block_size));
  size_of_block = block_size;
  for (std::size_t i = 0; i < blocks; ++i) {
    void* mapped = ::mmap(view + i * block_size, block_size, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_FIXED | MAP_POPULATE, first_fd + static_cast<int>(i), 0);
    if (mapped == MAP_FAILED) return last_errno("hpmmap: block " + std::to_string(i) + " of the reservation");
    const int refused = lwk::page_allocator().add_block(reserve_start + i * block_size, block_size, 0);
    if (refused != 0) return errno_error(-refused, "hpmmap: block " + std::to_string(i) + " of the reservation");
  }
  return {};
}

std::byte* at(std::uint64_t physical) { return view + (physical - reserve_start); }

Place place_of(std::uint64_t physical) {
  const std::uint64_t number = physical - reserve_start;
  const std::uint64_t offset = number % size_of_block;
  return {number / size_of_block, offset, size_of_block - offset};
}

}  // namespace hobbes::hpmmap
