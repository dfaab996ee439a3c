// SPDX-License-Identifier: Apache-2.0
// Program: the memory of one address space, as its processes' calls change it. What is its own (heap, stack, private
// anonymous mappings) is the co-kernel's AddressSpace over the reservation; all else is Linux's, and populated where it
// is small. Each call is carried out by `tracee`, which the caller restores; calls return what the program is to get.
#pragma once

#include "cokernel/kernel/address_space.hpp"
// Before what has <errno.h>, whose macros have the names of the co-kernel's constants.
#include "hpmmap/tracee.hpp"

namespace hobbes::hpmmap {

class Program {
 public:
  /// A program that has just been loaded: heap, stack (of `stack_size` bytes) and zero-filled data move to the
  /// reservation, the rest is populated.
  void take_over(Tracee& tracee, std::uint64_t stack_size);
  /// A copy of `parent` for its child, in whose name `tracee` stands. False: there is no memory of any kind for it.
  [[nodiscard]] bool copy(Tracee& tracee, Program& parent);
  /// The call that `tracee` has stopped at. False: Linux is to carry it out as it is.
  [[nodiscard]] bool serve(Tracee& tracee);

 private:
  struct Range {
    std::uint64_t start, end;
    bool ours;
  };
  long map(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection, int flags);
  long map_on_linux(Tracee& tracee, bool& as_it_is);
  long map_ordinary(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection, int flags);
  long remap(Tracee& tracee);
  long move_to_ordinary(Tracee& tracee, std::uint64_t from, std::uint64_t size, std::uint64_t new_size);
  long unmap(Tracee& tracee, std::uint64_t address, std::uint64_t size);
  long protect(Tracee& tracee, std::uint64_t address, std::uint64_t size, int protection);
  long protect_part(Tracee& tracee, const Range& part, int protection);
  long advise(Tracee& tracee, std::uint64_t address, std::uint64_t size, int advice);
  [[nodiscard]] bool copy_ordinary(Tracee& tracee, Program& parent);
  void take_over_stack(Tracee& tracee, std::uint64_t start, std::uint64_t end, std::uint64_t size, int protection);

  [[nodiscard]] bool has(std::uint64_t start, std::uint64_t size);
  /// [start, start + size) in parts that are ours and parts that are not.
  [[nodiscard]] std::vector<Range> parts_of(std::uint64_t start, std::uint64_t size);
  [[nodiscard]] std::vector<char> content(std::uint64_t start, std::uint64_t size);
  void note_ordinary(long mapped, std::uint64_t size);
  void forget_ordinary(std::uint64_t start, std::uint64_t size);
  /// Addresses that nobody has; 0: there are none.
  [[nodiscard]] std::uint64_t choose(std::uint64_t size);
  [[nodiscard]] bool is_ordinary(std::uint64_t start, std::uint64_t size) const;
  void populate_edges(Tracee& tracee, std::uint64_t start, std::uint64_t end);

  lwk::AddressSpace space_;
  std::vector<Range> ordinary_;  ///< in the window, and Linux's all the same: not chosen again
};

}  // namespace hobbes::hpmmap
