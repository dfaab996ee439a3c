// SPDX-License-Identifier: Apache-2.0
// Mappings of both kinds may lie in one range of a call: it is then carried out part by part. Memory that the
// reservation has no room for is Linux's, populated when it is made; nobody fails for want of a reservation.
#include "cokernel/kernel/address_space.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/program.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>

#include "hpmmap/port.hpp"
#include "hpmmap/shortage.hpp"
#include "hpmmap/window.hpp"

namespace hobbes::hpmmap {
namespace {

using lwk::align_down;
using lwk::align_up;
using lwk::large_page_size;
using lwk::page_size;

constexpr std::uint64_t no_file = ~std::uint64_t{0};
/// Private mappings of files up to this size are populated: programs and their libraries, not their data.
constexpr std::uint64_t most_populated = 64 << 20;
// Not in the headers of Debian 12's libc, or only in newer ones.
constexpr int advice_dontneed_locked = 24, advice_collapse = 25;

bool is_fixed(int flags) { return (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0; }

/// What may lie in the reservation. Who asks for more addresses than memory (MAP_NORESERVE) means Linux's.
bool is_ours(int protection, int flags) {
  if ((flags & MAP_TYPE) != MAP_PRIVATE || (flags & MAP_ANONYMOUS) == 0) return false;
  if ((flags & (MAP_GROWSDOWN | MAP_HUGETLB | MAP_32BIT | MAP_LOCKED)) != 0) return false;
  return (flags & MAP_NORESERVE) == 0 || protection == PROT_NONE;
}

bool is_to_be_populated(std::uint64_t size, int flags) {
  if ((flags & (MAP_NORESERVE | MAP_HUGETLB | MAP_GROWSDOWN)) != 0) return false;
  if ((flags & MAP_ANONYMOUS) != 0) return true;
  return (flags & MAP_TYPE) == MAP_PRIVATE && size <= most_populated;
}

}  // namespace

bool Program::serve(Tracee& tracee) {
  const user_regs_struct& call = tracee.registers();
  const Acting acting(tracee);
  bool as_it_is = false;
  long result = 0;
  switch (call.orig_rax) {
    case SYS_brk:
      result = static_cast<long>(space_.set_break(call.rdi));
      if (static_cast<std::uint64_t>(result) < call.rdi) tell_shortage("what the heap has not");
      break;
    case SYS_mmap:
      if (is_ours(static_cast<int>(call.rdx), static_cast<int>(call.r10))) {
        result = map(tracee, call.rdi, call.rsi, static_cast<int>(call.rdx), static_cast<int>(call.r10));
      } else {
        result = map_on_linux(tracee, as_it_is);
      }
      break;
    case SYS_munmap:
      forget_ordinary(call.rdi, call.rsi);
      as_it_is = !has(call.rdi, call.rsi);
      if (!as_it_is) result = unmap(tracee, call.rdi, call.rsi);
      break;
    case SYS_mprotect:
    case SYS_pkey_mprotect:
      as_it_is = !has(call.rdi, call.rsi);
      if (!as_it_is) result = protect(tracee, call.rdi, call.rsi, static_cast<int>(call.rdx));
      break;
    case SYS_mremap:
      as_it_is = !has(call.rdi, std::max<std::uint64_t>(call.rsi, 1));
      if (!as_it_is) {
        result = remap(tracee);
      } else if ((call.r10 & MREMAP_FIXED) != 0) {
        if (has(call.r8, call.rdx)) (void)space_.unmap(call.r8, call.rdx);
        note_ordinary(static_cast<long>(call.r8), call.rdx);
      }
      break;
    case SYS_madvise:
      as_it_is = !has(call.rdi, call.rsi);
      if (!as_it_is) result = advise(tracee, call.rdi, call.rsi, static_cast<int>(call.rdx));
      break;
    default:
      as_it_is = true;
  }
  if (!as_it_is) tracee.set_result(result);
  return !as_it_is;
}

long Program::map(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection, int flags) {
  if (size == 0) return -EINVAL;
  size = align_up(size, page_size);
  if (size == 0) return -ENOMEM;
  constexpr int addresses_alone = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  if ((flags & MAP_FIXED_NOREPLACE) != 0) {
    const long free =
        tracee.call(SYS_mmap, {address, size, PROT_NONE, addresses_alone | MAP_FIXED_NOREPLACE, no_file, 0});
    if (free < 0) return free;
  }
  if (!is_fixed(flags)) {
    const bool as_wished = address % page_size == 0 && address >= mappings_start && address < window_end &&
                           size <= window_end - address &&
                           space_.find_hole(address, address + size, size, page_size) == address;
    if (!as_wished) address = choose(size);
    if (address == 0) return -ENOMEM;
  }
  lwk::AddressSpace::Request request;
  request.address = address;
  request.size = size;
  request.protection = static_cast<std::uint32_t>(protection);
  request.fixed = true;
  request.reserve_only = protection == PROT_NONE;
  const long mapped = static_cast<long>(space_.map(request));
  if (mapped == -ENOMEM && !request.reserve_only) {
    return map_ordinary(tracee, is_fixed(flags) ? address : 0, size, protection, is_fixed(flags) ? MAP_FIXED : 0);
  }
  if (mapped < 0 || !request.reserve_only) return mapped;
  const long reserved = tracee.call(SYS_mmap, {address, size, PROT_NONE, addresses_alone | MAP_FIXED, no_file, 0});
  if (reserved < 0) (void)space_.unmap(address, size);
  return reserved;
}

long Program::map_ordinary(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection, int flags) {
  tell_shortage(std::to_string(size >> 10) + " KiB of memory");
  const int all = flags | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  return tracee.call(SYS_mmap, {address, size, static_cast<std::uint64_t>(protection), static_cast<std::uint64_t>(all),
                                no_file, 0});
}

long Program::map_on_linux(Tracee& tracee, bool& as_it_is) {
  const user_regs_struct& call = tracee.registers();
  const int flags = static_cast<int>(call.r10);
  const bool replaces = (flags & MAP_FIXED) != 0 && has(call.rdi, call.rsi);
  if (replaces) (void)space_.unmap(call.rdi, call.rsi);
  const bool populate = is_to_be_populated(call.rsi, flags);
  const bool in_window = call.rdi < window_end && call.rdi + call.rsi > window_start;
  as_it_is = !replaces && !populate && !in_window;
  if (as_it_is) return 0;
  const long mapped =
      tracee.call(SYS_mmap, {call.rdi, call.rsi, call.rdx, call.r10 | (populate ? MAP_POPULATE : 0), call.r8, call.r9});
  note_ordinary(mapped, call.rsi);
  return mapped;
}

long Program::unmap(Tracee& tracee, std::uint64_t address, std::uint64_t size) {
  const long unmapped = static_cast<long>(space_.unmap(address, size));  // Linux's part of the range as well
  if (unmapped == 0) populate_edges(tracee, address, address + align_up(size, page_size));
  return unmapped;
}

long Program::protect(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection) {
  if (address % page_size != 0) return -EINVAL;
  size = align_up(size, page_size);
  const auto bits = static_cast<std::uint64_t>(protection);
  for (const Range& part : parts_of(address, size)) {
    const long done = part.ours ? protect_part(tracee, part, protection)
                                : tracee.call(SYS_mprotect, {part.start, part.end - part.start, bits});
    if (done < 0) return done;
  }
  if (Acting::has_changed()) populate_edges(tracee, address, address + size);
  return 0;
}

long Program::protect_part(Tracee& tracee, const Range& part, int protection) {
  constexpr int no_growth = ~(PROT_GROWSDOWN | PROT_GROWSUP);
  const std::uint64_t size = part.end - part.start;
  const auto bits = static_cast<std::uint32_t>(protection & no_growth);
  const long done = static_cast<long>(space_.protect(part.start, size, bits));
  if (done != -ENOMEM) return done;
  // Addresses that come into use, and there is no memory for them: from now on they are Linux's.
  (void)space_.unmap(part.start, size);
  const long mapped = map_ordinary(tracee, part.start, size, protection, MAP_FIXED);
  note_ordinary(mapped, size);
  return mapped < 0 ? mapped : 0;
}

long Program::advise(Tracee& tracee, std::uint64_t address, std::uint64_t size, int advice) {
  const auto bits = static_cast<std::uint64_t>(advice);
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
    case advice_dontneed_locked:
      break;
    case MADV_REMOVE:  // it would take pages out of the reservation
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
      return -EINVAL;
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case advice_collapse:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
      return 0;
    default:
      return tracee.call(SYS_madvise, {address, size, bits});
  }
  if (address % page_size != 0) return -EINVAL;
  long result = 0;
  for (const Range& part : parts_of(address, align_up(size, page_size))) {
    const std::uint64_t length = part.end - part.start;
    if (!part.ours) {
      // What is not mapped is told of when the rest has been done.
      if (const long done = tracee.call(SYS_madvise, {part.start, length, bits}); done < 0) result = done;
    } else if (advice != MADV_FREE) {
      (void)space_.zero(part.start, length, tracee.registers().rsp);
    }
  }
  return result;
}

long Program::remap(Tracee& tracee) {
  const user_regs_struct& call = tracee.registers();
  const std::uint64_t from = call.rdi, old_size = align_up(call.rsi, page_size), size = align_up(call.rdx, page_size);
  const bool may_move = (call.r10 & MREMAP_MAYMOVE) != 0, fixed = (call.r10 & MREMAP_FIXED) != 0;
  if ((call.r10 & ~std::uint64_t{MREMAP_MAYMOVE | MREMAP_FIXED}) != 0 || (fixed && !may_move)) return -EINVAL;
  if (!space_.covers(from, old_size)) return -EFAULT;
  if (fixed) return static_cast<long>(space_.remap(from, old_size, size, true, true, call.r8));
  // Where it is: in the window only, because what Linux has behind it elsewhere is not known here.
  const bool in_window = from >= window_start && from + size <= window_end && !is_ordinary(from, size);
  long moved = -ENOMEM;
  if (in_window || size <= old_size) moved = static_cast<long>(space_.remap(from, old_size, size, false, false, 0));
  if (moved != -ENOMEM || !may_move) return moved;
  if (const std::uint64_t to = choose(size); to != 0) {
    moved = static_cast<long>(space_.remap(from, old_size, size, true, true, to));
  }
  return moved == -ENOMEM ? move_to_ordinary(tracee, from, old_size, size) : moved;
}

long Program::move_to_ordinary(Tracee& tracee, std::uint64_t from, std::uint64_t size, std::uint64_t new_size) {
  const long to = map_ordinary(tracee, 0, new_size, PROT_READ | PROT_WRITE, 0);
  if (to < 0) return to;
  const std::vector<char> kept = content(from, size);
  if (!tracee.write(static_cast<std::uint64_t>(to), kept.data(), kept.size())) return -EFAULT;
  (void)space_.unmap(from, size);
  return to;
}

/// What Linux has mapped at these addresses, if it has, is not to be mapped over.
void Program::note_ordinary(long mapped, std::uint64_t size) {
  const auto start = static_cast<std::uint64_t>(mapped);
  if (start >= window_end || start + size <= window_start) return;  // a failure is beyond it, too
  ordinary_.push_back({start, start + align_up(size, page_size), false});
}

void Program::forget_ordinary(std::uint64_t start, std::uint64_t size) {
  const std::uint64_t end = start + align_up(size, page_size);
  std::erase_if(ordinary_, [&](const Range& range) { return start <= range.start && range.end <= end; });
}

bool Program::has(std::uint64_t start, std::uint64_t size) {
  const std::uint64_t end = start + align_up(size, page_size);
  bool found = false;
  space_.for_each([&](const lwk::Region& region) { found = found || (region.start < end && start < region.end); });
  return found;
}

bool Program::is_ordinary(std::uint64_t start, std::uint64_t size) const {
  const std::uint64_t end = start + size;
  return std::ranges::any_of(ordinary_, [&](const Range& range) { return range.start < end && start < range.end; });
}

std::vector<Program::Range> Program::parts_of(std::uint64_t start, std::uint64_t size) {
  const std::uint64_t end = start + size;
  std::vector<Range> parts;
  space_.for_each([&](const lwk::Region& region) {
    const std::uint64_t from = std::max(start, region.start), to = std::min(end, region.end);
    if (from >= to) return;
    if (start < from) parts.push_back({start, from, false});
    parts.push_back({from, to, true});
    start = to;
  });
  if (start < end) parts.push_back({start, end, false});
  return parts;
}

std::vector<char> Program::content(std::uint64_t start, std::uint64_t size) {
  std::vector<char> bytes(size);
  std::uint64_t length = 0;
  for (std::uint64_t at = 0; at < size; at += length) {
    const void* piece = space_.direct(start + at, size - at, 0, length);
    if (piece != nullptr) std::copy_n(static_cast<const char*>(piece), length, bytes.data() + at);
    else length = page_size;  // addresses without memory
  }
  return bytes;
}

std::uint64_t Program::choose(std::uint64_t size) {
  const std::uint64_t alignment = size >= large_page_size ? large_page_size : page_size;
  std::uint64_t end = window_end;
  while (true) {
    const std::uint64_t address = space_.find_hole(mappings_start, end, size, alignment);
    if (address == 0 || !is_ordinary(address, size)) return address;
    end = address + size - page_size;
  }
}

/// A large page of which a part has changed is no longer mapped as one, and Linux forgets the rest of it until it is
/// used.
void Program::populate_edges(Tracee& tracee, std::uint64_t start, std::uint64_t end) {
  for (const std::uint64_t edge : {start, end}) {
    if (edge % large_page_size == 0) continue;
    for (const Range& part : parts_of(align_down(edge, large_page_size), large_page_size)) {
      if (part.ours) tracee.call(SYS_madvise, {part.start, part.end - part.start, MADV_POPULATE_READ});
    }
  }
}

}  // namespace hobbes::hpmmap
