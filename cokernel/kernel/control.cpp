// SPDX-License-Identifier: Apache-2.0
// One table row a command: decode, act, answer. Requests are copied out of the ring before anything in them is looked at.
#include "cokernel/kernel/control.hpp"

#include "cokernel/kernel/apps.hpp"
#include "cokernel/kernel/call_statistics.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/control_files.hpp"
#include "cokernel/kernel/control_reply.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/pci/devices.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/spin.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/xemem.hpp"
#include "kernel-bridge/abi/ring.hpp"
#include "kernel-bridge/abi/xemem.h"

namespace hobbes::lwk {
namespace {

constexpr int64_t shutdown_patience_ns = 2 * ns_per_second;
constexpr int64_t heartbeat_ns = ns_per_second;
constexpr int64_t poll_ns = 50'000;           ///< what a wake-up may cost
constexpr int64_t first_poll_ns = 1'000'000;  ///< who creates an enclave launches something next
int64_t next_poll_ns = first_poll_ns;
constexpr uint64_t largest_request = 1 << 20;

Mutex reply_lock;
abi::RingProducer replies;
abi::RingConsumer requests;
uint32_t* bell = nullptr;  ///< our doorbell: the word we sleep on

/// Pushes one frame; sleeps while leviathan has not made room.
void push(const hobbes_frame& header, const abi::ConstPiece* pieces, unsigned count) {
  Guard guard(reply_lock);
  while (true) {
    const abi::RingStatus status = replies.try_push(header, pieces, count);
    if (status == abi::RingStatus::ok) break;
    if (status != abi::RingStatus::full) return;  // nobody left to tell
    uint64_t length = 0;
    for (unsigned i = 0; i < count; ++i) length += pieces[i].size;
    if (!replies.prepare_sleep(length)) continue;
    port::wait_for_host(bell, HOBBES_ASLEEP, monotonic_ns() + heartbeat_ns);
    replies.cancel_sleep();
  }
  if (replies.need_wakeup()) port::ring_control_bell();
}

void ping(const Request& request, Reply& reply) { reply.append(request.payload, request.size); }

void create_channel(const Request& request, Reply& reply) {
  hobbes_hio_create wanted;
  hobbes_hio_created created;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = create_app(wanted.app_id, created); error != 0)
    return reply.fail(error, "host-I/O channel of the application");
  reply.append(&created, sizeof(created));
}

void launch(const Request& request, Reply& reply) {
  hobbes_app_launch wanted;
  if (!request.read(wanted) || wanted.strings_size != request.size - sizeof(wanted)) return reply.fail(-EINVAL);
  char why[128];
  const int error = launch_app(wanted, request.payload + sizeof(wanted), why, sizeof(why));
  if (error != 0) reply.fail(error, why);
}

void kill(const Request& request, Reply& reply) {
  hobbes_app_kill wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = kill_app(wanted.app_id, wanted.signal); error != 0) reply.fail(error, "signal the application");
}

void reap(const Request& request, Reply& reply) {
  hobbes_app_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = reap_app(wanted.app_id); error != 0) reply.fail(error, "forget the application");
}

void list(const Request&, Reply& reply) {
  constexpr uint32_t most = 1024;
  Buffer buffer(most * sizeof(hobbes_app_status));
  if (!buffer) return reply.fail(-ENOMEM);
  const uint32_t count = list_apps(reinterpret_cast<hobbes_app_status*>(buffer.data()), most);
  reply.append(buffer.data(), min(count, most) * sizeof(hobbes_app_status));
}

void count(const Request&, Reply& reply) {
  const hobbes_counters values = counters();
  reply.append(&values, sizeof(values));
}

void count_system_calls(const Request& request, Reply& reply) {
  hobbes_app_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  report_system_calls(wanted.app_id, reply);
}

/// Of the block at `base`; 0: there is none.
uint64_t block_size(PhysAddr base) {
  Extent block;
  bool in_use = false;
  for (uint32_t i = 0; page_allocator().block_at(i, block, in_use); ++i)
    if (block.base == base) return block.size;
  return 0;
}

int plug_memory(PhysAddr base, uint64_t size) {
  if (const int error = page_allocator().check_block(base, size); error != 0) return error;
  if (const int error = port::attach_memory(base, size); error != 0) return error;
  const int error = page_allocator().add_block(base, size, 0);
  if (error != 0) port::detach_memory(base, size);
  return error;
}

void add_memory(const Request& request, Reply& reply) {
  hobbes_memory_command wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = plug_memory(wanted.base, wanted.size); error != 0) reply.fail(error, "add the memory block");
}

void remove_memory(const Request& request, Reply& reply) {
  hobbes_memory_command wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  const uint64_t size = block_size(wanted.base);
  if (const int error = page_allocator().remove_block(wanted.base); error != 0)
    return reply.fail(error, error == -EBUSY ? "the memory block is in use" : "remove the memory block");
  port::detach_memory(wanted.base, size);
}

void add_processor(const Request& request, Reply& reply) {
  hobbes_cpu_command wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  const int logical = add_cpu({wanted.cpu_id, wanted.apic_id, wanted.numa, 0});
  if (logical < 0)
    return reply.fail(logical, logical == -ETIMEDOUT ? "the CPU has not come to the kernel" : "add the CPU");
  reply.append(&logical, sizeof(logical));
}

void remove_processor(const Request& request, Reply& reply) {
  hobbes_cpu_command wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = remove_cpu(wanted.cpu_id); error != 0)
    reply.fail(error, error == -EBUSY ? "the enclave's first or last CPU, or it does not get free" : "remove the CPU");
}

const char* refusal_of_device(int error) {
  switch (error) {
    case -ENOSYS: return "the enclave's kernel has no driver for such a device";
    case -EEXIST: return "the enclave has a device of that name, or at that place";
    case -ENOMEM: return "no room for the device";
    default: return "the device does not start";
  }
}

void add_pci(const Request& request, Reply& reply) {
  hobbes_pci_command wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = pci::add_device(wanted); error != 0) reply.fail(error, refusal_of_device(error));
}

void remove_pci(const Request& request, Reply& reply) {
  hobbes_pci_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  if (const int error = pci::remove_device(wanted); error != 0) reply.fail(error, "remove the device");
}

void shut_down(const Request&, Reply& reply) {
  if (!end_all_apps(monotonic_ns() + shutdown_patience_ns)) reply.fail(-EBUSY, "applications did not end");
}

struct CommandRow {
  uint32_t code;
  void (*handler)(const Request&, Reply&);
};

constexpr CommandRow commands[] = {
    {HOBBES_CMD_PING, ping},
    {HOBBES_CMD_HIO_CREATE, create_channel},
    {HOBBES_CMD_APP_LAUNCH, launch},
    {HOBBES_CMD_APP_KILL, kill},
    {HOBBES_CMD_APP_REAP, reap},
    {HOBBES_CMD_APP_LIST, list},
    {HOBBES_CMD_COUNTERS, count},
    {HOBBES_CMD_SYSTEM_CALLS, count_system_calls},
    {HOBBES_CMD_ADD_MEM, add_memory},
    {HOBBES_CMD_REMOVE_MEM, remove_memory},
    {HOBBES_CMD_ADD_CPU, add_processor},
    {HOBBES_CMD_REMOVE_CPU, remove_processor},
    {HOBBES_CMD_ADD_PCI, add_pci},
    {HOBBES_CMD_REMOVE_PCI, remove_pci},
    {HOBBES_CMD_FILE_OPEN, open_file},
    {HOBBES_CMD_FILE_CLOSE, close_file},
    {HOBBES_CMD_FILE_READ, read_file},
    {HOBBES_CMD_FILE_WRITE, write_file},
    {HOBBES_CMD_FILE_SEEK, seek_file},
    {HOBBES_CMD_FILE_STAT, stat_file},
    {HOBBES_CMD_FILE_FSTAT, stat_open_file},
    {HOBBES_CMD_XEMEM_ANSWER, take_xemem_answer},
    {HOBBES_CMD_XEMEM_FREE, free_segment},
    {HOBBES_CMD_XEMEM_SIGNAL, count_signal},
    {HOBBES_CMD_SHUTDOWN, shut_down},
};

void answer(const Request& request) {
  Reply reply(replies.ring().max_payload());
  const CommandRow* found = nullptr;
  for (const CommandRow& row : commands)
    if (row.code == request.code) found = &row;
  if (found == nullptr) reply.fail(-ENOSYS, "unknown command");
  else found->handler(request, reply);

  hobbes_frame header{};
  header.code = request.code;
  header.request_id = request.id;
  header.status = reply.status();
  header.sys_errno = reply.sys_errno();
  header.flags = HOBBES_FRAME_REPLY;
  const abi::ConstPiece payload{reply.data(), reply.size()};
  push(header, &payload, 1);
}

/// Waits for a frame: polls a little, then sleeps; its wake-ups are the heart that
/// beats.
void wait_for_request() {
  const int64_t until = monotonic_ns() + next_poll_ns;
  next_poll_ns = poll_ns;
  if (spin_until([] { return requests.readable(); }, [&] { return monotonic_ns() < until; })) return;
  offer_idle_time();
  hobbes_boot_params& boot = boot_params();
  while (!requests.readable()) {
    __atomic_store_n(&boot.heartbeat, boot.heartbeat + 1, __ATOMIC_RELAXED);  // only its change counts
    if (requests.prepare_sleep()) port::wait_for_host(bell, HOBBES_ASLEEP, monotonic_ns() + heartbeat_ns);
    requests.cancel_sleep();
  }
}

/// The next whole request, of one frame or several. False: the ring is broken for good.
bool take_request(Request& request, Buffer& buffer) {
  request.size = 0;
  bool fits = true;
  while (true) {
    wait_for_request();
    abi::FrameView view;
    const abi::RingStatus status = requests.peek(view);
    if (status == abi::RingStatus::empty) continue;
    if (status != abi::RingStatus::ok) return false;
    fits = fits && view.header.length <= largest_request - request.size;
    if (fits) {
      abi::RingConsumer::copy_payload(view, buffer.data() + request.size);
      request.size += view.header.length;
    }
    request.code = fits ? view.header.code : 0;  // 0 is no command: unsupported
    request.id = view.header.request_id;
    const bool more = (view.header.flags & HOBBES_FRAME_MORE) != 0;
    requests.release();
    if (requests.need_wakeup()) port::ring_control_bell();
    if (!more) break;
  }
  request.payload = buffer.data();
  return true;
}

}  // namespace

int open_control() {
  const hobbes_boot_params& boot = boot_params();
  for (uint32_t i = 0; i < boot.channel_count && i < HOBBES_BOOT_MAX_CHANNELS; ++i) {
    const hobbes_boot_channel& channel = boot.channels[i];
    if (channel.kind != HOBBES_CHANNEL_CONTROL) continue;
    abi::QueueView view;
    if (!abi::open_queue(port::direct(channel.base), channel.size, view)) return -EINVAL;
    requests = abi::RingConsumer(view.requests);
    replies = abi::RingProducer(view.replies);
    bell = &view.requests.control().consumer_sleep;
    return 0;
  }
  return -ENOENT;
}

void serve_control(Thread&) {
  Buffer buffer(largest_request);
  if (!buffer) panic("no memory for the control task");
  Request request;
  while (take_request(request, buffer)) {
    answer(request);
    if (request.code == HOBBES_CMD_SHUTDOWN) return;
  }
  panic("the control queue is corrupt");
}

void report_event(uint32_t code, const abi::ConstPiece* pieces, unsigned count) {
  hobbes_frame header{};
  header.code = code;
  header.flags = HOBBES_FRAME_EVENT;
  push(header, pieces, count);
}

void report_event(uint32_t code, const hobbes_app_status& status) {
  const abi::ConstPiece payload{&status, sizeof(status)};
  report_event(code, &payload, 1);
}

}  // namespace hobbes::lwk
