// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/proxy.hpp"

#include <unistd.h>

#include <string>
#include <utility>

namespace hobbes::host_io {
Result<std::unique_ptr<Proxy>> Proxy::create(const Options& options, BlockMap blocks) {
  std::byte* memory = blocks.locate(options.channel, sizeof(hobbes_hio_channel));
  if (memory == nullptr) {
    return Error(Code::invalid, "--channel: " + std::to_string(options.channel) + ": not inside a --block");
  }
  Channel channel = TRY(Channel::open(memory, sizeof(hobbes_hio_channel)));
  blocks.keep(options.channel);
  RootDir root = TRY(RootDir::open(options.root.string()));
  return std::unique_ptr<Proxy>(new Proxy(options, std::move(blocks), channel, std::move(root)));
}

Proxy::Proxy(const Options& options, BlockMap blocks, Channel channel, RootDir root)
    : blocks_(std::move(blocks)),
      channel_(channel),
      root_(std::move(root)),
      environment_{.blocks = blocks_, .fds = fds_, .root = root_, .mode = options.mode},
      pool_(
          channel_,
          [this](std::uint32_t slot, const Request& request, Scratch& scratch) {
            return answer(slot, request, scratch);
          },
          options.poll) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) fds_.add(fd);
}

Status Proxy::start() {
  TRY(pool_.start());
  channel_.set_ready();
  return {};
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
      return blocks_.forget(static_cast<std::uint64_t>(request.args[0]), static_cast<std::uint64_t>(request.args[1]),
                            [this, slot] { return pool_.given_up(slot); });
    case HOBBES_HIO_EXIT:
      exit_slot_ = slot;
      exit_slot_.notify_one();
      return std::nullopt;  // answered by wait_for_exit(), as the last thing
    default: return Call(environment_, scratch, request).perform();
  }
}

}  // namespace hobbes::host_io
