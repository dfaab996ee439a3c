// SPDX-License-Identifier: Apache-2.0
// A program at its beginning, and a child at its own.
#include "cokernel/kernel/address_space.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/program.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "hpmmap/maps.hpp"
#include "hpmmap/port.hpp"
#include "hpmmap/shortage.hpp"
#include "hpmmap/stub.hpp"
#include "hpmmap/window.hpp"

namespace hobbes::hpmmap {

void Program::take_over(Tracee& tracee, std::uint64_t stack_size) {
  const Acting acting(tracee);
  (void)space_.start_heap(window_start, {.heap_size = heap_limit, .large_pages = true});  // nothing yet: it cannot fail
  for (const Mapped& mapped : mappings_of(tracee.thread())) {
    const std::uint64_t size = mapped.end - mapped.start;
    const bool writable = (mapped.protection & PROT_WRITE) != 0;
    if (mapped.name == "[stack]") {
      take_over_stack(tracee, mapped.start, mapped.end, stack_size, mapped.protection);
    } else if (writable && (mapped.name.empty() || mapped.name == "[heap]")) {
      lwk::AddressSpace::Request data;  // zero, as it was
      data.address = mapped.start;
      data.size = size;
      data.protection = static_cast<std::uint32_t>(mapped.protection);
      data.fixed = true;
      if (space_.map(data) < 0) (void)map_ordinary(tracee, mapped.start, size, mapped.protection, MAP_FIXED);
    } else if (mapped.name.starts_with('/')) {
      const std::uint64_t advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
      tracee.call(SYS_madvise, {mapped.start, size, advice});
    }
  }
}

/// At its place, so that every pointer into it stays good, and as large as it may become.
void Program::take_over_stack(Tracee& tracee, std::uint64_t start, std::uint64_t end, std::uint64_t size,
                              int protection) {
  std::vector<char> content(end - start);
  if (!tracee.read(start, content.data(), content.size())) return;
  lwk::AddressSpace::Request stack;
  stack.address = std::min(start, end - lwk::align_up(size, lwk::page_size));
  stack.size = end - stack.address;
  stack.protection = static_cast<std::uint32_t>(protection);
  stack.fixed = true;
  stack.kind = lwk::RegionKind::stack;
  stack.name = "[stack]";
  if (space_.map(stack) < 0) {
    // Linux's may have gone already: an ordinary one of the same size takes its place.
    (void)map_ordinary(tracee, stack.address, stack.size, protection, MAP_FIXED);
  }
  (void)tracee.write(start, content.data(), content.size());
}

bool Program::copy(Tracee& tracee, Program& parent) {
  const Acting acting(tracee);
  ordinary_ = parent.ordinary_;
  if (space_.copy_memory_of(parent.space_, tracee.registers().rsp) == 0 && space_.map_all() == 0) return true;
  space_.clear(false);
  return copy_ordinary(tracee, parent);
}

bool Program::copy_ordinary(Tracee& tracee, Program& parent) {
  std::vector<Mapped> all;
  parent.space_.for_each([&](const lwk::Region& region) {
    if (region.extents != nullptr) all.push_back({region.start, region.end, static_cast<int>(region.protection), {}});
  });
  for (const Mapped& part : all) {
    const std::uint64_t size = part.end - part.start;
    if (map_ordinary(tracee, part.start, size, part.protection, MAP_FIXED) < 0) return false;
    const std::vector<char> kept = parent.content(part.start, size);
    if (!tracee.write(part.start, kept.data(), size)) return false;
    note_ordinary(static_cast<long>(part.start), size);
  }
  return true;
}

}  // namespace hobbes::hpmmap
