// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/xemem.hpp"

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/control.hpp"
#include "cokernel/kernel/control_reply.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"
#include "cokernel/kernel/xemem_messages.hpp"

namespace hobbes::lwk {
namespace {

/// struct xemem_segment of hobbes/xemem.h.
struct SegmentRow {
  uint64_t segment, size, enclave, app;
  char name[HOBBES_XEMEM_NAME_MAX + 1];
};

/// A segment that a process of this enclave has made: its pages are held until leviathan says that nobody maps them.
struct Export : ListNode, Immovable {
  ~Export() {
    for (uint32_t i = 0; i < count; ++i) page_allocator().let_go(extents[i].base, extents[i].size);
    release(extents);
    if (word_page != 0) page_allocator().let_go(word_page, page_size);
  }

  uint64_t segment = 0;  ///< 0: leviathan has not said yet
  Process* process = nullptr;  ///< null: removed
  Extent* extents = nullptr;
  uint32_t count = 0;
  PhysAddr word_page = 0, word = 0;  ///< 0: it is not signalled
};

Mutex lock;
List<Export> exports;  ///< under lock

Export* find_export(uint64_t segment) {
  for (Export& found : exports)
    if (found.segment == segment) return &found;
  return nullptr;
}

/// What of another's memory a process has mapped; told of its end when no region shows it any more.
struct Attachment final : MemoryOwner {
  int share(uint64_t, uint64_t, bool, SharedMemory*&) override { return -ENODEV; }
  void unshare(bool) override {
    XememRequest gone(HOBBES_XEMEM_DETACH, app_id, pid);
    gone.head.attachment = id;
    gone.tell();
    delete this;
  }

  uint64_t id = 0, app_id = 0;
  int pid = 0;  ///< of the process that attached it; its children may outlive that
};

/// Address 0: anywhere, or, without a size, nowhere.
bool is_whole_pages(UserAddr address, uint64_t size) {
  return address % page_size == 0 && size % page_size == 0 && (address == 0 || is_user_range(address, size));
}

int read_name(UserAddr from, char (&name)[HOBBES_XEMEM_NAME_MAX + 2], uint32_t& size) {
  if (from < port::user_start || from >= port::user_end) return -EFAULT;
  const int64_t length = port::copy_string_from_user(name, from, HOBBES_XEMEM_NAME_MAX + 1);
  if (length < 0) return length == -1 ? -EFAULT : -ENAMETOOLONG;
  size = static_cast<uint32_t>(length);
  return 0;
}

/// The physical address of a signal word, whose page is held.
int hold_word(AddressSpace& space, UserAddr word, Export& made) {
  if (word % sizeof(uint64_t) != 0) return -EINVAL;
  Extent* extents = nullptr;
  uint32_t count = 0;
  bool may_write = false;
  const UserAddr page = align_down(word, page_size);
  if (const int error = space.hold_pages(page, page_size, 1, extents, count, may_write); error != 0) return error;
  made.word_page = extents[0].base;
  made.word = made.word_page + word % page_size;
  release(extents);
  return may_write ? 0 : -EFAULT;
}

}  // namespace

Sysret sys_xemem_make(Thread& self, const Args& args) {
  hobbes_xemem_make wanted;
  if (!read_user(args[0], wanted)) return -EFAULT;
  if (!is_whole_pages(wanted.address, wanted.size)) return -EINVAL;
  Process& process = *self.process;
  XememRequest request(HOBBES_XEMEM_MAKE, process);
  if (wanted.name != 0)
    if (const int error = read_name(wanted.name, request.name, request.head.name_size); error != 0) return error;
  Owned<Export> made(new (nothrow) Export);
  if (!made) return -ENOMEM;
  if (wanted.size > 0) {
    bool may_write = true;
    const int error = process.space.hold_pages(wanted.address, wanted.size, HOBBES_XEMEM_MAX_EXTENTS, made->extents,
                                               made->count, may_write);
    if (error != 0) return error == -E2BIG ? -ENOMEM : error;
    if (!may_write) request.head.flags |= HOBBES_XEMEM_READ_ONLY;
  }
  if (wanted.signal != 0) {
    if (const int error = hold_word(process.space, wanted.signal, *made); error != 0) return error;
    request.head.flags |= HOBBES_XEMEM_SIGNALLED;
    request.head.signal = made->word;
  }
  if (wanted.replace != 0) request.head.flags |= HOBBES_XEMEM_REPLACE;
  request.head.segment = wanted.segment;
  request.head.address = wanted.address;
  request.head.size = wanted.size;
  request.head.mode = static_cast<uint32_t>(wanted.mode);
  request.set_extents(made->extents, made->count);
  made->process = &process;
  Export& placed = *made.release();
  {
    Guard guard(lock);
    exports.push_back(placed);  // before leviathan knows it: others may use it at once
  }
  XememAnswer answer;
  const int error = request.ask(answer, [&placed](const hobbes_xemem_answer& head) {
    Guard guard(lock);
    placed.segment = head.segment;
  });
  if (error == 0) return static_cast<Sysret>(answer.head.segment);
  Guard guard(lock);
  placed.unlink();
  delete &placed;
  return error;
}

Sysret sys_xemem_remove(Thread& self, const Args& args) {
  XememRequest request(HOBBES_XEMEM_REMOVE, *self.process);
  request.head.segment = args[0];
  XememAnswer answer;
  const int error = request.ask(answer);
  Guard guard(lock);
  if (Export* removed = error == 0 ? find_export(args[0]) : nullptr) removed->process = nullptr;
  return error;
}

/// Segment, XEMEM flags, where its size goes.
Sysret sys_xemem_get(Thread& self, const Args& args) {
  XememRequest request(HOBBES_XEMEM_GET, *self.process);
  request.head.segment = args[0];
  request.head.flags = args[1] != 0 ? HOBBES_XEMEM_WRITE : 0;
  XememAnswer answer;
  if (const int error = request.ask(answer); error != 0) return error;
  return write_user(args[2], answer.head.size) ? 0 : -EFAULT;
}

/// Segment, offset, size, address (0: any), whether it is to be written.
Sysret sys_xemem_attach(Thread& self, const Args& args) {
  Process& process = *self.process;
  const bool writes = args[4] != 0;
  if (args[1] % page_size != 0 || !is_whole_pages(args[3], args[2]) || args[2] == 0) return -EINVAL;
  Owned<Attachment> attachment(new (nothrow) Attachment);
  Owned<SharedMemory> memory(new (nothrow) SharedMemory);
  if (!attachment || !memory) return -ENOMEM;
  XememRequest request(HOBBES_XEMEM_ATTACH, process);
  request.head.segment = args[0];
  request.head.offset = args[1];
  request.head.size = args[2];
  request.head.address = args[3];
  request.head.flags = writes ? HOBBES_XEMEM_WRITE : 0;
  XememAnswer answer;
  if (const int error = request.ask(answer); error != 0) return error;

  attachment->id = answer.head.attachment;
  attachment->app_id = request.head.app_id;
  attachment->pid = process.pid;
  memory->size = args[2];
  memory->extents = answer.take_extents();
  memory->extent_count = answer.head.extent_count;
  memory->may_write = writes;
  memory->owner = attachment.release();
  AddressSpace::Request place;
  place.address = args[3];
  place.size = args[2];
  place.protection = writes ? port::prot_read | port::prot_write : port::prot_read;
  place.fixed = place.no_replace = args[3] != 0;
  place.shared = place.apart = true;
  place.may_write = writes;
  place.memory = memory.get();
  place.kind = RegionKind::file;
  place.name = "[xemem]";
  const Sysret address = process.space.map(place);
  release_shared(memory.release());
  return address;
}

Sysret sys_xemem_lookup(Thread& self, const Args& args) {
  XememRequest request(HOBBES_XEMEM_LOOKUP, *self.process);
  if (const int error = read_name(args[0], request.name, request.head.name_size); error != 0) return error;
  XememAnswer answer;
  if (const int error = request.ask(answer); error != 0) return error;
  return static_cast<Sysret>(answer.head.segment);
}

Sysret sys_xemem_signal(Thread& self, const Args& args) {
  XememRequest request(HOBBES_XEMEM_SIGNAL, *self.process);
  request.head.segment = args[0];
  XememAnswer answer;
  return request.ask(answer);
}

/// The segment with the next greater id than args[0]; it is told at args[1].
Sysret sys_xemem_next(Thread& self, const Args& args) {
  XememRequest request(HOBBES_XEMEM_NEXT, *self.process);
  request.head.segment = args[0];
  XememAnswer answer;
  if (const int error = request.ask(answer); error != 0) return error;
  SegmentRow row{answer.head.segment, answer.head.size, answer.head.enclave, answer.head.app, {}};
  memcpy(row.name, answer.head.name, sizeof(row.name) - 1);
  return write_user(args[1], row) ? 0 : -EFAULT;
}

/// Sleeps while nothing is counted in a signal word: its address, and for how long at most (nanoseconds; negative: for
/// ever). 0: look again; -ETIMEDOUT, -EINTR.
Sysret sys_xemem_wait(Thread& self, const Args& args) {
  uint64_t contiguous = 0;
  if (args[0] % sizeof(uint64_t) != 0) return -EINVAL;
  const MemoryPin pin(self.process->space);
  auto* word = static_cast<uint32_t*>(
      self.process->space.direct(args[0], sizeof(uint64_t), port::prot_read | port::prot_write, contiguous));
  if (word == nullptr) return -EFAULT;
  const int64_t patience = static_cast<int64_t>(args[1]);
  const int64_t deadline = patience < 0 ? never : monotonic_ns() + patience;
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0) {
    if (monotonic_ns() >= deadline) return -ETIMEDOUT;
    const uint32_t seen = detail::wake_word();
    if (signal_pending(self)) return -EINTR;
    const Asleep asleep;
    constexpr int64_t look_again_ns = ns_per_second;
    port::wait_for_host_or({word, 0}, {&self.wake_word, seen}, min(deadline, monotonic_ns() + look_again_ns));
  }
  return 0;
}

void remove_segments_of(Process& process) {
  while (true) {
    uint64_t segment = 0;
    {
      Guard guard(lock);
      for (Export& found : exports) {
        if (found.process != &process) continue;
        found.process = nullptr;
        segment = found.segment;
        break;
      }
    }
    if (segment == 0) return;
    XememRequest removed(HOBBES_XEMEM_REMOVE, process);
    removed.head.segment = segment;
    removed.tell();
  }
}

void take_xemem_answer(const Request& request, Reply& reply) {
  if (!give_xemem_answer(request.payload, request.size)) reply.fail(-ENOENT, "nobody waits for the answer");
}

void free_segment(const Request& request, Reply& reply) {
  hobbes_xemem_ref wanted;
  if (!request.read(wanted) || wanted.segment == 0) return reply.fail(-EINVAL);
  Guard guard(lock);
  Export* found = find_export(wanted.segment);
  if (found == nullptr) return reply.fail(-ENOENT, "segment");
  found->unlink();
  delete found;
}

void count_signal(const Request& request, Reply& reply) {
  hobbes_xemem_ref wanted;
  if (!request.read(wanted)) return reply.fail(-EINVAL);
  Guard guard(lock);
  const Export* found = find_export(wanted.segment);
  if (found == nullptr || found->word == 0) return reply.fail(-ENOENT, "segment");
  auto* word = static_cast<uint64_t*>(port::direct(found->word));
  __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);  // partner: who waits sets SLEEPS, then looks
  port::wake_host(reinterpret_cast<uint32_t*>(word), 1);
}

}  // namespace hobbes::lwk
