// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/page_allocator.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/shortage.hpp"

#include <iostream>
#include <utility>

namespace hobbes::hpmmap {
namespace {

bool told;

}  // namespace

void tell_unreachable() {
  if (std::exchange(told, true)) return;
  std::cerr << "hpmmap: a process that has changed its user or its root directory cannot reach the reservation: its memory comes "
               "from Linux's ordinary memory from now on\n";
}

void tell_shortage(const std::string& what) {
  if (std::exchange(told, true)) return;
  const auto in_mib = [](std::uint64_t pages) { return std::to_string((pages << lwk::page_shift) >> 20) + " MiB"; };
  lwk::PageAllocator& all = lwk::page_allocator();
  std::cerr << "hpmmap: of the " << in_mib(all.total_pages()) << " reserved "
            << in_mib(all.free_pages()) << " are free: " << what
            << " comes from Linux's ordinary memory, as may more (--heap_size reserves more)\n";
}

}  // namespace hobbes::hpmmap
