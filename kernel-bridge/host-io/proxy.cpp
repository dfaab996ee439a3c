// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/proxy.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>

namespace hobbes::host_io {
Result<std::unique_ptr<Proxy>> Proxy::create(const Options& options, BlockMap blocks, RootDir root,
                                             ReadyThreads& threads) {
  const std::uint64_t address = options.channel.value_or(0);
  std::byte* memory = blocks.locate(address, sizeof(hobbes_hio_channel));
  if (memory == nullptr) {
    return Error(Code::invalid, "--channel: " + std::to_string(address) + ": not inside a --block");
  }
  Channel channel = TRY(Channel::open(memory, sizeof(hobbes_hio_channel)));
  blocks.keep(address);
  return std::unique_ptr<Proxy>(new Proxy(options, std::move(blocks), channel, std::move(root), threads));
}

Proxy::Proxy(const Options& options, BlockMap blocks, Channel channel, RootDir root, ReadyThreads& threads)
    : blocks_(std::move(blocks)),
      channel_(channel),
      root_(std::move(root)),
      environment_{.blocks = blocks_, .fds = fds_, .root = root_, .mode = options.mode,
                   .lender = options.lender},
      pool_(
          channel_, threads,
          [this](std::uint32_t slot, const Request& request, Scratch& scratch) {
            return answer(slot, request, scratch);
          },
          options.poll) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) fds_.add(fd);
  for (std::uint32_t rank = 0; rank < options.rank_fds; ++rank) {
    fds_.add(HOBBES_HIO_FIRST_RANK_FD + static_cast<int>(rank));
  }
  for (const BlockOption& block : options.blocks) channel_.publish(block.base, block.size.value);
}

Status Proxy::start() {
  Status started = pool_.start();
  if (started) {
    channel_.set_ready();
    std::this_thread::yield();  // the worker first, where they share a CPU: somebody waits for it
    started = pool_.complete();
  }
  if (!started) channel_.end();
  return started;
}

void Proxy::wake() {
  futex_wake_all(channel_.posted());
  futex_wake_all(channel_.cancels());
}

BlockAnswer Proxy::change_blocks(const BlockMessage& message, int fd) {
  if (message.what == BlockMessage::What::forget) {
    return forget(message.base, message.size, [] { return false; });
  }
  if (message.what != BlockMessage::What::add) return -EINVAL;
  const Status added = blocks_.add({.base = message.base, .size = Bytes(message.size), .fd = fd});
  if (!added) return added.error().sys_errno() != 0 ? -added.error().sys_errno() : -EINVAL;
  const std::lock_guard lock(published_);
  channel_.publish(message.base, message.size);
  return 0;
}

int Proxy::forget(std::uint64_t base, std::uint64_t size, const std::function<bool()>& interrupted) {
  std::unique_lock lock(published_);
  const std::uint64_t published = channel_.withdraw(base);
  lock.unlock();
  const int result = blocks_.forget(base, size, interrupted);
  if (result == 0 || published == 0) return result;
  lock.lock();
  channel_.publish(base, published);  // it stays
  return result;
}

void Proxy::wait_for_exit() {
  exit_slot_.wait(no_slot);
  channel_.complete(exit_slot_, 0);
  channel_.end();
}

std::optional<std::int64_t> Proxy::answer(std::uint32_t slot, const Request& request, Scratch& scratch) {
  switch (request.nr) {
    case HOBBES_HIO_NOOP: return 0;
    case HOBBES_HIO_FORGET_BLOCK:
      return forget(static_cast<std::uint64_t>(request.args[0]), static_cast<std::uint64_t>(request.args[1]),
                    [this, slot] { return pool_.given_up(slot); });
    case HOBBES_HIO_EXIT:
      exit_slot_ = slot;
      exit_slot_.notify_one();
      return std::nullopt;  // answered by wait_for_exit(), as the last thing
    default: return Call(environment_, scratch, request).perform();
  }
}

}  // namespace hobbes::host_io
