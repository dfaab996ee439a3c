// SPDX-License-Identifier: Apache-2.0
// ConsoleView: leviathan's side of the two byte rings of an enclave's console (kernel-bridge/abi/console.h). The enclave
// may write anything into them at any time: it can garble its own console, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernel-bridge/abi/console.h"

namespace hobbes::leviathan::consoles {

class ConsoleView {
 public:
  /// `memory` is the mapped struct hobbes_console; it must outlive the view.
  explicit ConsoleView(std::byte* memory) : console_(*reinterpret_cast<hobbes_console*>(memory)) {}

  /// The position of the oldest byte still there.
  [[nodiscard]] std::uint64_t oldest() const;
  /// What was written since `position`, which moves on; at most the ring's size. What was overwritten before it could be
  /// read is left out.
  [[nodiscard]] std::vector<std::byte> read(std::uint64_t& position) const;
  /// Puts in as many of `keys` as there is room for; how many that was. The enclave is still to be rung.
  [[nodiscard]] std::size_t type(std::span<const std::byte> keys);

 private:
  hobbes_console& console_;
};

}  // namespace hobbes::leviathan::consoles
