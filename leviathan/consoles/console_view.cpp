// SPDX-License-Identifier: Apache-2.0
#include "leviathan/consoles/console_view.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace hobbes::leviathan::consoles {
namespace {

constexpr std::uint64_t output_size = HOBBES_CONSOLE_OUTPUT;
constexpr std::uint64_t input_size = HOBBES_CONSOLE_INPUT;

// The words of the header, each with its partner in the co-kernel.
std::uint64_t acquire(std::uint64_t& word) { return std::atomic_ref(word).load(std::memory_order_acquire); }

std::uint64_t oldest_before(std::uint64_t written) { return written > output_size ? written - output_size : 0; }

/// `count` bytes of a ring from `position` on, which may wrap once.
void copy_out(std::byte* to, const std::uint8_t* ring, std::uint64_t ring_size, std::uint64_t position,
              std::size_t count) {
  const std::uint64_t start = position % ring_size;
  const auto first = static_cast<std::size_t>(std::min<std::uint64_t>(count, ring_size - start));
  std::memcpy(to, ring + start, first);
  std::memcpy(to + first, ring, count - first);
}

}  // namespace

std::uint64_t ConsoleView::oldest() const { return oldest_before(acquire(console_.written)); }

std::vector<std::byte> ConsoleView::read(std::uint64_t& position) const {
  const std::uint64_t written = acquire(console_.written);
  // Too far behind, or an enclave that turned its own clock back.
  if (position > written || written - position > output_size) position = oldest_before(written);
  std::vector<std::byte> bytes(written - position);
  copy_out(bytes.data(), console_.output, output_size, position, bytes.size());
  std::atomic_thread_fence(std::memory_order_acquire);  // the bytes were read before this second look
  const std::uint64_t valid_from = oldest_before(acquire(console_.written));
  const std::uint64_t lost = valid_from > position ? std::min<std::uint64_t>(valid_from - position, bytes.size()) : 0;
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(lost));
  position = written;
  return bytes;
}

std::size_t ConsoleView::type(std::span<const std::byte> keys) {
  const std::uint64_t typed = acquire(console_.typed);
  const std::uint64_t waiting = typed - acquire(console_.taken);
  const std::uint64_t room = waiting < input_size ? input_size - waiting : 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(keys.size(), room));
  for (std::size_t i = 0; i < count; ++i) {
    console_.input[(typed + i) % input_size] = static_cast<std::uint8_t>(keys[i]);
  }
  // Partner: the co-kernel's acquire of `typed`; the bell after it, so that a sleeper finds the bytes.
  std::atomic_ref(console_.typed).store(typed + count, std::memory_order_release);
  if (count > 0) std::atomic_ref(console_.typed_bell).fetch_add(1, std::memory_order_release);
  return count;
}

}  // namespace hobbes::leviathan::consoles
