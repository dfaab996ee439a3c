// SPDX-License-Identifier: Apache-2.0
// Proxy: everything hobbes-proxy does after its start: blocks, channel, policy and workers put together.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.hpp"
#include "kernel-bridge/host-io/app_fds.hpp"
#include "kernel-bridge/host-io/block_door.hpp"
#include "kernel-bridge/host-io/block_map.hpp"
#include "kernel-bridge/host-io/call.hpp"
#include "kernel-bridge/host-io/channel.hpp"
#include "kernel-bridge/host-io/options.hpp"
#include "kernel-bridge/host-io/ready_threads.hpp"
#include "kernel-bridge/host-io/root_dir.hpp"
#include "kernel-bridge/host-io/worker_pool.hpp"

namespace hobbes::host_io {

class Proxy {
 public:
  /// Checks the channel. Descriptors 0, 1 and 2 become the application's. It runs on `threads`, which outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Proxy>> create(const Options& options, BlockMap blocks, RootDir root,
                                                             ReadyThreads& threads);
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  /// Interrupts calls in flight and waits for them.
  ~Proxy() = default;

  /// Of an enclave whose bells are no futexes: before start(). `bell` stays open.
  void ring_on(int bell) { channel_.ring_on(bell); }
  /// The enclave rang: whoever waits for it here looks again. Any thread.
  void wake();
  /// Starts to serve: proxy_state = READY.
  [[nodiscard]] Status start();
  /// Blocks that come and go while calls are made: 0 or -errno. A block that calls use is forgotten when they have ended.
  /// One thread, beside all else.
  [[nodiscard]] BlockAnswer change_blocks(const BlockMessage& message, int fd);
  /// Returns when the co-kernel has called HOBBES_HIO_EXIT; its slot is DONE and proxy_state DEAD by then.
  void wait_for_exit();

 private:
  Proxy(const Options& options, BlockMap blocks, Channel channel, RootDir root, ReadyThreads& threads);

  [[nodiscard]] int forget(std::uint64_t base, std::uint64_t size, const std::function<bool()>& interrupted);
  [[nodiscard]] std::optional<std::int64_t> answer(std::uint32_t slot, const Request& request, Scratch& scratch);

  static constexpr std::uint32_t no_slot = UINT32_MAX;

  BlockMap blocks_;
  Channel channel_;
  std::mutex published_;  ///< who changes what the channel says of blocks
  RootDir root_;
  AppFds fds_;
  const Environment environment_;
  std::atomic<std::uint32_t> exit_slot_ = no_slot;
  WorkerPool pool_;  // last: its threads use all of the above
};

}  // namespace hobbes::host_io
