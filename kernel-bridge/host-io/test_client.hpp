// SPDX-License-Identifier: Apache-2.0
// HioClient: the co-kernel's role for tests and benchmarks: enclave memory with a channel in it, and calls through it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapping.hpp"
#include "base/unique_fd.hpp"
#include "kernel-bridge/abi/host_io.h"
#include "kernel-bridge/host-io/options.hpp"

namespace hobbes::host_io {

/// Where tests have the direct map: the real place, except where ThreadSanitizer keeps programs out of there.
[[nodiscard]] std::uint64_t test_direct_map();

class HioClient {
 public:
  static constexpr std::uint64_t block_size = 8u << 20;

  /// Two blocks: the channel at the start of the first, the second for data. Throws (it is a test) where that fails.
  HioClient();

  /// The options of a proxy that serves this client.
  [[nodiscard]] Options options(Mode mode, const std::string& root = "/") const;
  [[nodiscard]] hobbes_hio_channel& channel() { return *reinterpret_cast<hobbes_hio_channel*>(maps_[0].data()); }
  [[nodiscard]] hobbes_hio_slot& slot(std::uint32_t index) { return channel().slots[index]; }
  /// How long call() looks at the slot before it sleeps.
  void set_spin(std::chrono::microseconds spin) { spin_ = spin; }

  /// Data memory that is never freed. allocate() is for one thread.
  [[nodiscard]] std::byte* allocate(std::size_t size);
  template <typename T>
  [[nodiscard]] T* make(const T& value = {}, std::size_t count = 1) {
    T* made = reinterpret_cast<T*>(allocate(count * sizeof(T)));
    for (std::size_t i = 0; i < count; ++i) made[i] = value;
    return made;
  }
  /// The address by which the proxy knows allocated memory.
  [[nodiscard]] std::int64_t address(const void* allocated) const;
  /// A string in data memory, by its address.
  [[nodiscard]] std::int64_t text(std::string_view value);
  [[nodiscard]] static std::int64_t direct(std::uint64_t physical);
  [[nodiscard]] std::uint64_t base(std::size_t block) const { return blocks_[block].base; }

  /// Claims a slot and posts the call. Any thread.
  [[nodiscard]] std::uint32_t post(std::uint32_t nr, const std::array<std::int64_t, 6>& args = {});
  /// The result of a posted call; frees the slot. -EIO where the proxy is dead.
  [[nodiscard]] std::int64_t wait(std::uint32_t slot);
  void cancel(std::uint32_t slot);
  [[nodiscard]] std::int64_t call(std::uint32_t nr, const std::array<std::int64_t, 6>& args = {}) {
    return wait(post(nr, args));
  }
  /// Waits until a worker has taken the call.
  void wait_until_running(std::uint32_t slot);
  /// Waits until proxy_state is no longer `state`; what it is then.
  std::uint32_t wait_while_proxy_is(std::uint32_t state);

 private:
  [[nodiscard]] std::uint32_t claim();

  std::vector<UniqueFd> fds_;
  std::vector<BlockOption> blocks_;
  std::vector<Mapping> maps_;
  std::size_t used_ = 0;
  std::chrono::microseconds spin_{20};
};

}  // namespace hobbes::host_io
