// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/rewrite.hpp"

#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/hosted/function_table.hpp"
#include "cokernel/arch/hosted/instruction.hpp"
#include "cokernel/arch/hosted/linux.hpp"
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk::hosted {
namespace {

constexpr uint64_t mov_size = 5, syscall_size = 2;
constexpr uint8_t mov_eax = 0xb8, jump = 0xe9, breakpoint = 0xcc;
constexpr uint64_t longest_function = 64 << 10;
constexpr uint64_t reach = (2ull << 30) - (64 << 10);  ///< of a 32-bit displacement, with room for the stub page
constexpr uint64_t membarrier_sync_core = 32, membarrier_register_sync_core = 64;

/// mov $number,%eax; lea back(%rip),%rcx; jmp *entry(%rip)
struct [[gnu::packed]] Stub {
  uint8_t mov = mov_eax;
  uint32_t number;
  uint8_t lea[3] = {0x48, 0x8d, 0x0d};
  int32_t back;
  uint8_t jmp[2] = {0xff, 0x25};
  int32_t entry;
  uint8_t pad[6] = {0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
};
static_assert(sizeof(Stub) == 24);

/// A stub page: the addresses that stubs jump to, then stubs.
struct Entries {
  uint64_t any, getpid;
};
constexpr uint32_t nr_getpid = 39;
constexpr uint64_t first_stub = sizeof(Entries);
constexpr uint32_t stubs_per_page = (page_size - first_stub) / sizeof(Stub);

/// Writes code through the direct map: the program's own mapping stays read-only.
bool write_code(AddressSpace& space, UserAddr to, const void* bytes, uint64_t size) {
  auto* from = static_cast<const uint8_t*>(bytes);
  for (uint64_t i = 0; i < size; ++i) {
    uint64_t contiguous = 0;
    auto* byte = static_cast<uint8_t*>(space.direct(to + i, 1, 0, contiguous));
    if (byte == nullptr) return false;
    __atomic_store_n(byte, from[i], __ATOMIC_RELAXED);  // order comes from serialize() and membarrier
  }
  return true;
}

/// Decoding from the function's start meets `mov` and then the `syscall` as instructions of their own.
bool is_proved(Process& process, UserAddr mov) {
  const UserAddr start = function_start(process, mov);
  if (start == 0 || mov - start > longest_function) return false;
  uint8_t window[64];
  UserAddr at = start, window_start = 0;
  uint64_t filled = 0;
  while (at < mov) {
    if (at < window_start || at + 16 > window_start + filled) {
      window_start = at;
      filled = min<uint64_t>(sizeof(window), mov + mov_size + syscall_size - at);
      if (!copy_in(window, at, filled)) return false;
    }
    const uint64_t offset = at - window_start;
    const uint32_t length = instruction_length(window + offset, filled - offset);
    if (length == 0) return false;
    at += length;
  }
  return at == mov;
}

/// A free stub within reach of `site`; 0: no room.
UserAddr new_stub(Process& process, UserAddr site) {
  for (uint32_t i = 0; i < process.stubs.count; ++i) {
    StubPages::Page& page = process.stubs.pages[i];
    const uint64_t distance = page.address > site ? page.address - site : site - page.address;
    if (distance < reach && page.used < stubs_per_page) return page.address + first_stub + page.used++ * sizeof(Stub);
  }
  if (process.stubs.count == StubPages::limit) return 0;
  const UserAddr low = site > reach + port::user_start ? site - reach : port::user_start;
  AddressSpace::Request request;
  request.address = process.space.find_hole(low, min(site + reach, process.space.end()), page_size, page_size);
  request.size = page_size;
  request.protection = port::prot_read | port::prot_exec;
  request.fixed = request.no_replace = true;
  request.name = "[syscalls]";
  if (request.address == 0 || process.space.map(request) < 0) return 0;
  const Entries entries{reinterpret_cast<uint64_t>(hosted_syscall_entry), reinterpret_cast<uint64_t>(hosted_getpid_entry)};
  if (!write_code(process.space, request.address, &entries, sizeof(entries))) return 0;
  process.stubs.pages[process.stubs.count++] = {request.address, 1};
  return request.address + first_stub;
}

/// What this CPU has prefetched is forgotten: iretq is the cheapest serializing instruction a program has.
void serialize() {
  asm volatile(
      "mov %%rsp, %%rax\n\t"
      "pushq $0x2b\n\t"
      "pushq %%rax\n\t"
      "pushfq\n\t"
      "pushq $0x33\n\t"
      "lea 1f(%%rip), %%rax\n\t"
      "pushq %%rax\n\t"
      "iretq\n"
      "1:" ::
          : "rax", "memory");
}

/// The same on every CPU that runs a thread of this process.
void serialize_all() {
  // Not linux::call(), which finds the thread through GS: this runs in tests, too.
  const auto barrier = [](uint64_t command) {
    ++port::current().linux_calls;
    return linux::invoke(linux::nr_membarrier, command);
  };
  if (barrier(membarrier_sync_core) == 0) return;
  barrier(membarrier_register_sync_core);
  barrier(membarrier_sync_core);
}

/// Replaces the mov while other threads may run into it: a breakpoint first, the tail, the jump's first byte last, with
/// every CPU serialized in between (Intel SDM vol. 3, 9.1.3; as Linux' text_poke_bp).
void replace(Process& process, UserAddr mov, const uint8_t code[mov_size]) {
  if (__atomic_load_n(&process.thread_count, __ATOMIC_RELAXED) == 1) {
    if (write_code(process.space, mov, code, mov_size)) serialize();
    return;
  }
  if (!write_code(process.space, mov, &breakpoint, 1)) return;
  serialize_all();
  write_code(process.space, mov + 1, code + 1, mov_size - 1);
  serialize_all();
  write_code(process.space, mov, code, 1);
  serialize_all();
}

/// Under the lock. False: it has to stay on the trap.
bool rewrite_locked(Process& process, UserAddr site, uint32_t number) {
  if (process.lender != nullptr) return false;  // code that is changed here is the lender's, who would not find the stub
  if (!process.app->rewrite || site < port::user_start + mov_size) return false;
  const UserAddr mov = site - mov_size;
  struct [[gnu::packed]] {
    uint8_t opcode;
    uint32_t number;
    uint8_t call[2];
  } code;
  static_assert(sizeof(code) == mov_size + syscall_size);
  if (!read_user(mov, code) || code.opcode != mov_eax || code.number != number || code.call[0] != 0x0f ||
      code.call[1] != 0x05)
    return false;
  if (!is_proved(process, mov)) return false;
  const UserAddr at = new_stub(process, site);
  if (at == 0) return false;

  Stub stub;
  stub.number = number;
  stub.back = static_cast<int32_t>(site + syscall_size - (at + __builtin_offsetof(Stub, jmp)));
  const uint64_t entry = number == nr_getpid ? __builtin_offsetof(Entries, getpid) : __builtin_offsetof(Entries, any);
  stub.entry = static_cast<int32_t>(align_down(at, page_size) + entry - (at + __builtin_offsetof(Stub, pad)));
  if (!write_code(process.space, at, &stub, sizeof(stub))) return false;
  uint8_t patch[mov_size] = {jump};
  const auto displacement = static_cast<int32_t>(at - site);
  memcpy(patch + 1, &displacement, sizeof(displacement));
  replace(process, mov, patch);
  return true;
}

/// A site that another thread was faster to rewrite.
bool is_rewritten(UserAddr site) {
  uint8_t opcode = 0;
  return site >= port::user_start + mov_size && read_user(site - mov_size, opcode) && opcode == jump;
}

}  // namespace

void rewrite_site(Thread& self, UserAddr site, uint32_t number) {
  StubPages& stubs = self.process->stubs;
  if (stubs.is_trapped(site)) return;
  Guard guard(stubs.lock);
  if (is_rewritten(site)) return;
  if (rewrite_locked(*self.process, site, number)) ++self.totals.patches;
  else if (stubs.note_trapped(site)) ++self.totals.trapped_sites;
}

bool is_being_rewritten(uint64_t& rip) {
  uint8_t byte = breakpoint;
  if (!read_user(rip - 1, byte)) return false;
  Process& process = *port::current().process;
  if (byte == breakpoint) {
    // It is the rewriter's if it is gone once he is done.
    Guard guard(process.stubs.lock);
    if (!read_user(rip - 1, byte)) return false;
  }
  if (byte == breakpoint) return false;
  --rip;
  return true;
}

}  // namespace hobbes::lwk::hosted
