// SPDX-License-Identifier: Apache-2.0
// The loader: the bridge's part, and leviathan's, inside an otherwise empty machine. It starts the enclave's CPUs,
// drives its control queue with the steps of a play, copies its console to the serial port, and is its programs'
// proxy. It sleeps until the kernel rings, so a bell that is missing is a test that hangs.
#include <stddef.h>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/console.h"
#include "kernel-bridge/abi/ring.hpp"
#include "kernel-bridge/abi/x86_64.h"
#include "tests/rig/direct/machine.hpp"
#include "tests/rig/direct/play.hpp"
#include "tests/rig/direct/proxy.hpp"

extern "C" {
void* memcpy(void* to, const void* from, size_t size) {
  void* cursor = to;
  asm volatile("rep movsb" : "+D"(cursor), "+S"(from), "+c"(size) : : "memory");
  return to;
}
void* memset(void* to, int byte, size_t size) {
  void* cursor = to;
  asm volatile("rep stosb" : "+D"(cursor), "+c"(size) : "a"(byte) : "memory");
  return to;
}
[[noreturn]] void loader_main();
}

namespace hobbes::direct {
namespace {

constexpr uint64_t page_size = 4096, large_page = 0x200000;
constexpr uint64_t present_writable = 3, large = 0x80;
constexpr uint64_t tables_address = HOBBES_X86_TRAMPOLINE_BASE + page_size;
constexpr uint64_t largest_reply = 64 << 10;

hobbes_boot_params& params = *reinterpret_cast<hobbes_boot_params*>(boot_block);
hobbes_console* console = nullptr;
uint64_t console_shown = 0;
abi::RingProducer requests;
abi::RingConsumer replies;
uint64_t next_request = 1;
uint64_t handle = 0;
hobbes_app_status ended[16];
uint32_t ended_count = 0;
uint8_t reply_bytes[largest_reply];

[[noreturn]] void fail(const char* why, uint64_t detail) {
  say("FAILED: %s (%d)\n", why, detail);
  leave(1);
}

/// The transitional page tables that abi/x86_64.h describes.
void make_tables() {
  auto* const tables = reinterpret_cast<uint64_t(*)[512]>(tables_address);
  memset(tables, 0, 7 * page_size);
  const auto link = [&](uint32_t table) { return reinterpret_cast<uint64_t>(tables[table]) | present_writable; };
  tables[0][0] = link(1);  // the trampoline
  tables[1][0] = link(2);
  tables[2][0] = present_writable | large;
  tables[0][HOBBES_X86_DIRECT_MAP >> 39 & 511] = link(3);  // the boot block
  tables[3][boot_block >> 30 & 511] = link(4);
  tables[4][boot_block >> 21 & 511] = boot_block | present_writable | large;
  tables[0][HOBBES_X86_KERNEL_BASE >> 39 & 511] = link(5);
  tables[5][HOBBES_X86_KERNEL_BASE >> 30 & 511] = link(6);
  for (uint64_t i = 0; i < HOBBES_BOOT_KERNEL_LIMIT / large_page; ++i)
    tables[6][i] = (params.kernel_base + i * large_page) | present_writable | large;
}

void place_trampoline() {
  trampoline_cr3 = tables_address;
  trampoline_params = HOBBES_X86_DIRECT_MAP + boot_block;
  trampoline_kernel = params.kernel_entry;
  const auto size = static_cast<uint64_t>(trampoline_end - trampoline);
  memcpy(reinterpret_cast<void*>(HOBBES_X86_TRAMPOLINE_BASE), trampoline, size);
}

void open_channels() {
  abi::QueueView view;
  for (uint32_t i = 0; i < params.channel_count; ++i) {
    const hobbes_boot_channel& channel = params.channels[i];
    auto* const memory = reinterpret_cast<void*>(channel.base);
    if (channel.kind == HOBBES_CHANNEL_CONSOLE) console = static_cast<hobbes_console*>(memory);
    if (channel.kind == HOBBES_CHANNEL_CONTROL && !abi::open_queue(memory, channel.size, view))
      fail("the control queue is none", 0);
  }
  requests = abi::RingProducer(view.requests);
  replies = abi::RingConsumer(view.replies);
}

bool console_has_more() { return __atomic_load_n(&console->written, __ATOMIC_ACQUIRE) != console_shown; }

void show_console() {
  while (console_has_more()) write_serial(static_cast<char>(console->output[console_shown++ % HOBBES_CONSOLE_OUTPUT]));
}

uint32_t state() { return __atomic_load_n(&params.state, __ATOMIC_ACQUIRE); }
void ring_kernel() { send_interrupt(boot_apic_id, HOBBES_X86_DOORBELL_VECTOR); }

/// Waits until `done()` holds, doing meanwhile what the host does.
template <typename Done>
void work_until(Done done, bool crash_is_failure = true) {
  while (true) {
    show_console();
    if (serve_proxy()) ring_kernel();
    if (crash_is_failure && state() == HOBBES_ENCLAVE_CRASHED) {
      for (int i = 0; i < 1'000'000; ++i) show_console();  // the backtrace comes after the state
      say("crash record: CPU %u, %x: %s\n", params.crash.cpu, params.crash.address, params.crash.text);
      fail("the enclave has crashed", 0);
    }
    if (done()) return show_console();
    const auto idle = [&] {
      return !done() && !console_has_more() && !proxy_has_work() && state() != HOBBES_ENCLAVE_CRASHED;
    };
    sleep_while(idle);
  }
}

void send(uint32_t code, const void* payload, uint64_t size) {
  hobbes_frame header{};
  header.code = code;
  header.request_id = next_request;
  const auto* bytes = static_cast<const uint8_t*>(payload);
  // A large one goes in several frames.
  do {
    const uint64_t piece = size < requests.ring().max_payload() ? size : requests.ring().max_payload();
    header.flags = piece < size ? HOBBES_FRAME_MORE : 0;
    const abi::ConstPiece one{bytes, piece};
    work_until([&] { return requests.try_push(header, &one, 1) == abi::RingStatus::ok; });
    if (requests.need_wakeup()) ring_kernel();
    bytes += piece;
    size -= piece;
  } while (size > 0);
}

/// The next frame from the kernel into `reply_bytes`.
hobbes_frame receive() {
  replies.prepare_sleep();
  work_until([] { return replies.readable(); });
  replies.cancel_sleep();
  hobbes_frame header{};
  if (replies.try_pop(header, reply_bytes, sizeof(reply_bytes)) != abi::RingStatus::ok) fail("no frame", 0);
  if (replies.need_wakeup()) ring_kernel();
  return header;
}

void note_event(const hobbes_frame& event) {
  if (event.code != HOBBES_EVENT_APP_ENDED) fail("unknown event", event.code);
  if (ended_count == sizeof(ended) / sizeof(ended[0])) fail("too many applications", ended_count);
  memcpy(&ended[ended_count++], reply_bytes, sizeof(ended[0]));
}

void command(uint32_t code, const void* payload, uint64_t size, int32_t expected) {
  send(code, payload, size);
  hobbes_frame reply = receive();
  while ((reply.flags & HOBBES_FRAME_EVENT) != 0) {
    note_event(reply);
    reply = receive();
  }
  if (reply.request_id != next_request++) fail("reply to another request", reply.request_id);
  if (reply.status == expected) return;
  reply_bytes[reply.length < largest_reply ? reply.length : largest_reply - 1] = 0;
  say("reply to command %u: status %d, errno %d: %s\n", uint64_t{code}, static_cast<int64_t>(reply.status),
      static_cast<int64_t>(reply.sys_errno), reinterpret_cast<const char*>(reply_bytes));
  fail("status of a reply", static_cast<uint64_t>(static_cast<int64_t>(reply.status)));
}

void launch(const Step& step, void* payload) {
  const hobbes_hio_create wanted{step.app};
  hobbes_hio_created created;
  command(HOBBES_CMD_HIO_CREATE, &wanted, sizeof(wanted), HOBBES_STATUS_OK);
  memcpy(&created, reply_bytes, sizeof(created));
  open_proxy(*reinterpret_cast<hobbes_hio_channel*>(created.channel));
  command(HOBBES_CMD_APP_LAUNCH, payload, step.size, step.status);
}

void expect_end(const Step& step) {
  while (true) {
    for (uint32_t i = 0; i < ended_count; ++i) {
      if (ended[i].app_id != step.app) continue;
      const int result = ended[i].signal != 0 ? -ended[i].signal : ended[i].exit_code;
      ended[i] = ended[--ended_count];
      if (result != step.status) fail("the program's end", static_cast<uint64_t>(static_cast<int64_t>(result)));
      return;
    }
    note_event(receive());
  }
}

void expect_crash(const Step& step, const char* text) {
  work_until([] { return state() == HOBBES_ENCLAVE_CRASHED; }, false);
  for (int i = 0; i < 1'000'000; ++i) show_console();
  for (uint64_t i = 0; i < step.size; ++i)
    if (params.crash.text[i] != text[i]) fail("the crash record", i);
  say("crash record: CPU %u, %x: %s\n", params.crash.cpu, params.crash.address, params.crash.text);
}

void do_step(const Step& step, uint8_t* payload) {
  if (step.text[0] != '\0') say("--- %s\n", step.text);
  switch (step.kind) {
    case StepKind::end: break;
    case StepKind::handle: memcpy(payload, &handle, sizeof(handle)); [[fallthrough]];
    case StepKind::command:
      command(step.code, payload, step.size, step.status);
      if (step.code == HOBBES_CMD_FILE_OPEN) memcpy(&handle, reply_bytes, sizeof(handle));
      break;
    case StepKind::launch: launch(step, payload); break;
    case StepKind::ended: expect_end(step); break;
    case StepKind::reap: {
      const hobbes_app_ref app{step.app};
      command(HOBBES_CMD_APP_REAP, &app, sizeof(app), HOBBES_STATUS_OK);
      break;
    }
    case StepKind::start_cpu: start_cpu(step.code); break;
    case StepKind::stop_cpu: stop_cpu(step.code); break;
    case StepKind::break_queue:
      requests.ring().control().produced = 1;
      ring_kernel();
      break;
    case StepKind::break_code: {
      constexpr uint16_t undefined_instruction = 0x0b0f;
      auto* const code = reinterpret_cast<void*>(params.kernel_base + step.app);
      memcpy(code, &undefined_instruction, sizeof(undefined_instruction));
      break;
    }
    case StepKind::crashed: expect_crash(step, reinterpret_cast<const char*>(payload)); break;
  }
}

void play() {
  auto* at = reinterpret_cast<uint8_t*>(play_address);
  while (true) {
    const Step& step = *reinterpret_cast<const Step*>(at);
    if (step.magic != play_magic) fail("there is no step", reinterpret_cast<uint64_t>(at));
    do_step(step, at + sizeof(Step));
    if (step.kind == StepKind::end) return;
    at += sizeof(Step) + (step.size + 7) / 8 * 8;
  }
}

}  // namespace
}  // namespace hobbes::direct

void loader_main() {
  using namespace hobbes::direct;
  start_machine();
  if (params.magic != HOBBES_BOOT_MAGIC) fail("there is no boot block", 0);
  params.host_bell = {0, bell_vector};
  open_channels();
  make_tables();
  place_trampoline();
  for (uint32_t i = 0; i < params.cpu_count; ++i) start_cpu(params.cpus[i].apic_id);
  work_until([] { return state() == HOBBES_ENCLAVE_RUNNING; });
  say("--- running\n");
  play();
  if (state() != HOBBES_ENCLAVE_CRASHED) work_until([] { return state() == HOBBES_ENCLAVE_STOPPED; });
  say("--- the play is over; the bell rang %u times\n", bells_heard);
  leave(0);
}
