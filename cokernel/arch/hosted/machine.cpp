// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/machine.hpp"

#include "cokernel/arch/hosted/blocks.hpp"
#include "cokernel/arch/hosted/lending.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/arch/hosted/messages.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "kernel-bridge/abi/hosted.h"

namespace hobbes::lwk {
namespace {

using linux::ControlHeader;
using linux::IoVector;
using linux::MessageHeader;

constexpr uint32_t max_descriptors = hosted::max_blocks + HOBBES_BOOT_MAX_CHANNELS + 1;
constexpr uint64_t accept_close_on_exec = 02000000, send_no_signal = 0x4000;

struct ControlBuffer {
  ControlHeader header;
  int descriptors[max_descriptors];
};

/// A request and the descriptor that came with it (-1: none). False: the peer has gone.
bool receive(int socket, hobbes_machine_request& request, int& descriptor) {
  const int64_t got = hosted::receive_message(socket, &request, sizeof(request), 0, descriptor);
  return got == static_cast<int64_t>(sizeof(request));
}

bool send(int socket, const hobbes_machine_reply& reply, ControlBuffer& control, uint32_t descriptors) {
  const IoVector vector{linux::address(&reply), sizeof(reply)};
  control.header = {sizeof(ControlHeader) + descriptors * sizeof(int), linux::level_socket, linux::type_rights};
  const uint64_t control_length = descriptors == 0 ? 0 : align_up(control.header.length, 8);
  const MessageHeader message = linux::message_of(vector, &control, control_length);
  int64_t sent = 0;
  do {
    sent = linux::call(linux::nr_sendmsg, static_cast<uint64_t>(socket), linux::address(&message), send_no_signal);
  } while (sent == -EINTR);
  return sent == static_cast<int64_t>(sizeof(reply));
}

uint32_t hello(hobbes_machine_reply& reply, ControlBuffer& control) {
  hosted::Block blocks[hosted::max_blocks];
  const uint32_t count = hosted::list_blocks(blocks);
  uint32_t descriptors = 0;
  for (uint32_t i = 0; i < count; ++i) {
    reply.regions[i].base = blocks[i].base;
    reply.regions[i].size = blocks[i].size;
    control.descriptors[descriptors++] = blocks[i].fd;
  }
  reply.region_count = count;
  const hobbes_boot_params& boot = boot_params();
  const uint32_t kinds[] = {HOBBES_CHANNEL_CONTROL, HOBBES_CHANNEL_CONSOLE};
  for (const uint32_t kind : kinds)
    for (uint32_t i = 0; i < boot.channel_count; ++i)
      if (boot.channels[i].kind == kind) control.descriptors[descriptors++] = boot.channels[i].host_bell;
  control.descriptors[descriptors++] = hosted::lender();
  return descriptors;
}

int plug(const hobbes_machine_request& request, int& descriptor, bool writable) {
  if (descriptor < 0) return -EBADF;
  const uint32_t protection = writable ? port::prot_read | port::prot_write : port::prot_read;
  const int error = hosted::plug_block({request.base, request.size, descriptor, protection});
  if (error != 0) return error;
  const int number = descriptor;
  descriptor = -1;  // the table of blocks has it now
  return number;
}

int unplug(const hobbes_machine_request& request) {
  const int descriptor = hosted::unplug_block(request.base);
  if (descriptor < 0) return descriptor;
  linux::call(linux::nr_close, static_cast<uint64_t>(descriptor));
  return 0;
}

int count_processes() {
  Guard guard(process_lock());
  int count = 0;
  for (const Process& process : all_processes()) count += process.state == ProcessState::alive ? 1 : 0;
  return count;
}

void serve(int socket) {
  hobbes_machine_request request;
  int descriptor = -1;
  while (receive(socket, request, descriptor)) {
    hobbes_machine_reply reply;
    memset(&reply, 0, sizeof(reply));
    ControlBuffer control;
    uint32_t descriptors = 0;
    switch (request.version == HOBBES_MACHINE_VERSION ? request.call : 0) {
      case HOBBES_MACHINE_HELLO: descriptors = hello(reply, control); break;
      case HOBBES_MACHINE_PLUG:
      case HOBBES_MACHINE_LEND: reply.result = plug(request, descriptor, true); break;
      case HOBBES_MACHINE_LEND_READ_ONLY: reply.result = plug(request, descriptor, false); break;
      case HOBBES_MACHINE_UNPLUG: reply.result = unplug(request); break;
      case HOBBES_MACHINE_PIDS: reply.result = count_processes(); break;
      default: reply.result = -ENOSYS;
    }
    if (descriptor >= 0) linux::call(linux::nr_close, static_cast<uint64_t>(descriptor));
    if (!send(socket, reply, control, descriptors)) return;
  }
}

}  // namespace

namespace hosted {

void serve_machine(Thread&) {
  const auto listener = static_cast<uint64_t>(boot_params().machine_fd);
  while (true) {
    const int64_t socket = linux::call(linux::nr_accept4, listener, 0, 0, accept_close_on_exec);
    if (socket == -EINTR || socket == -ECONNABORTED) continue;
    if (socket < 0) {
      // Without a listener there is nothing to plug; the enclave goes on as it is.
      uint32_t word = 0;
      while (true) port::wait(&word, 0, never);
    }
    serve(static_cast<int>(socket));
    linux::call(linux::nr_close, static_cast<uint64_t>(socket));
  }
}

}  // namespace hosted

namespace port {
namespace {

void ring(uint32_t kind) {
  const hobbes_boot_params& boot = boot_params();
  const uint64_t one = 1;
  for (uint32_t i = 0; i < boot.channel_count; ++i)
    if (boot.channels[i].kind == kind && boot.channels[i].host_bell >= 0)
      linux::call(linux::nr_write, static_cast<uint64_t>(boot.channels[i].host_bell), linux::address(&one), sizeof(one));
}

}  // namespace

void ring_control_bell() { ring(HOBBES_CHANNEL_CONTROL); }
void ring_console_bell() { ring(HOBBES_CHANNEL_CONSOLE); }

}  // namespace port
}  // namespace hobbes::lwk
