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

constexpr uint64_t jump_size = 5, short_jump_size = 2, syscall_size = 2;
constexpr uint8_t jump = 0xe9, short_jump = 0xeb, breakpoint = 0xcc, nop = 0x90;
constexpr uint64_t longest_function = 64 << 10, longest_instruction = 15;
constexpr uint64_t reach = (2ull << 30) - (64 << 10);  ///< of a 32-bit displacement, with room for the stub page
constexpr uint64_t membarrier_sync_core = 32, membarrier_register_sync_core = 64;

/// What ends a stub, behind the instructions that gave way to the jump: lea back(%rip),%rcx; jmp *entry(%rip)
struct [[gnu::packed]] StubEnd {
  uint8_t lea[3] = {0x48, 0x8d, 0x0d};
  int32_t back;
  uint8_t jmp[2] = {0xff, 0x25};
  int32_t entry;
};
static_assert(sizeof(StubEnd) == 13);

/// A stub page: the addresses that stubs jump to, then stubs.
struct Entries {
  uint64_t any, getpid;
};
constexpr uint8_t nr_getpid = 39;
constexpr uint64_t first_stub = sizeof(Entries);
constexpr uint64_t most_moved = 64;  ///< bytes of a program that a stub repeats

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

/// A program's instructions, one after the other.
class CodeWalk {
 public:
  explicit CodeWalk(UserAddr from) : at_(from) {}
  [[nodiscard]] UserAddr at() const { return at_; }

  /// Steps over the next one. False: it is none, or not readable.
  [[nodiscard]] bool next(Instruction& instruction) {
    if (at_ + longest_instruction > start_ + filled_ && !fill()) return false;
    instruction = decode(window_ + (at_ - start_), start_ + filled_ - at_);
    at_ += instruction.length;
    return instruction.length > 0;
  }

 private:
  /// What is readable from here on: the page's end may be the code's.
  bool fill() {
    start_ = at_;
    filled_ = sizeof(window_);
    if (copy_in(window_, at_, filled_)) return true;
    filled_ = min<uint64_t>(filled_, align_up(at_ + 1, page_size) - at_);
    return copy_in(window_, at_, filled_);
  }

  UserAddr at_;
  UserAddr start_ = 0;
  uint64_t filled_ = 0;
  uint8_t window_[256];
};

/// Instructions that can be moved, one behind the other, up to a `syscall`.
class Run {
 public:
  struct One {
    UserAddr address;
    uint32_t length;
  };
  void clear() { count_ = 0; }
  void add(One one) {
    if (count_ == most) {
      for (uint32_t i = 1; i < most; ++i) list_[i - 1] = list_[i];
      --count_;
    }
    list_[count_++] = one;
  }
  /// The last one of at least `length` bytes; address 0: there is none.
  [[nodiscard]] One last(uint32_t length) const {
    for (uint32_t i = count_; i > 0; --i)
      if (list_[i - 1].length >= length) return list_[i - 1];
    return {0, 0};
  }

 private:
  static constexpr uint32_t most = 8;
  One list_[most];
  uint32_t count_ = 0;
};

bool is_in_stub_page(const Process& process, UserAddr address) {
  for (uint32_t i = 0; i < process.stubs.count; ++i)
    if (address - process.stubs.pages[i].address < page_size) return true;
  return false;
}

/// Whether a jump at `at` leads to a stub, at once or by way of another one.
bool leads_to_stub(const Process& process, UserAddr to) {
  if (is_in_stub_page(process, to)) return true;
  struct [[gnu::packed]] {
    uint8_t opcode;
    int32_t distance;
  } next;
  return read_user(to, next) && next.opcode == jump &&
         is_in_stub_page(process, to + jump_size + static_cast<uint64_t>(static_cast<int64_t>(next.distance)));
}

enum class Approach { unknown, open, rewritten };

/// Decodes from the function's start to the `syscall`. open: `run` is what stands before it.
Approach approach(const Process& process, const FunctionRange& function, UserAddr site, Run& run) {
  if (function.start == 0 || site - function.start > longest_function) return Approach::unknown;
  bool rewritten = false;
  CodeWalk walk(function.start);
  while (walk.at() < site) {
    const UserAddr at = walk.at();
    Instruction instruction;
    if (!walk.next(instruction)) return Approach::unknown;
    if (instruction.kind == Kind::movable) {
      run.add({at, instruction.length});
    } else if (instruction.kind != Kind::filler || !rewritten) {  // behind a jump of ours there are fillers
      run.clear();
      const UserAddr target = walk.at() + static_cast<uint64_t>(static_cast<int64_t>(instruction.distance));
      rewritten = instruction.kind == Kind::jump && leads_to_stub(process, target);
    }
  }
  if (walk.at() != site) return Approach::unknown;
  return rewritten ? Approach::rewritten : Approach::open;
}

/// Bytes that are never executed: alignment behind an instruction that goes elsewhere.
struct Gap {
  UserAddr start = 0;
  uint64_t size = 0;
};

/// Calls visit(address, end, instruction) for a whole function. False: part of it cannot be decoded, or visit refuses.
template <typename Visit>
bool for_function(const FunctionRange& function, Visit visit) {
  if (function.end == 0 || function.end - function.start > longest_function) return false;
  CodeWalk walk(function.start);
  while (walk.at() < function.end) {
    const UserAddr at = walk.at();
    Instruction instruction;
    if (!walk.next(instruction) || !visit(at, walk.at(), instruction)) return false;
  }
  return walk.at() == function.end;
}

/// Alignment with room for a jump, within reach of a short jump that ends at `from`. Size 0: there is none.
Gap find_alignment(const FunctionRange& function, UserAddr from) {
  constexpr uint64_t back = 128, forth = 127;
  Gap found, gap;
  bool is_behind_end = false;
  const auto keep = [&] {
    if (gap.size >= jump_size && gap.start + back >= from && gap.start <= from + forth) found = gap;
    gap = Gap{};
  };
  const bool whole = for_function(function, [&](UserAddr at, UserAddr end, const Instruction& instruction) {
    if (instruction.kind == Kind::filler && is_behind_end) {
      if (gap.size == 0) gap.start = at;
      gap.size = end - gap.start;
      return true;
    }
    keep();
    is_behind_end = instruction.kind == Kind::end || instruction.kind == Kind::jump;
    return instruction.kind != Kind::indirect;  // which may go anywhere
  });
  keep();
  return whole ? found : Gap{};
}

bool is_target(const FunctionRange& function, const Gap& gap) {
  const bool nobodys = for_function(function, [&](UserAddr, UserAddr end, const Instruction& instruction) {
    if (instruction.kind != Kind::branch && instruction.kind != Kind::jump) return true;
    return end + static_cast<uint64_t>(static_cast<int64_t>(instruction.distance)) - gap.start >= gap.size;
  });
  return !nobodys;
}

/// Room for a stub of `size` bytes within reach of `site`; 0: there is none.
UserAddr new_stub(Process& process, UserAddr site, uint32_t size) {
  for (uint32_t i = 0; i < process.stubs.count; ++i) {
    StubPages::Page& page = process.stubs.pages[i];
    const uint64_t distance = page.address > site ? page.address - site : site - page.address;
    if (distance >= reach || page_size - page.used < size) continue;
    page.used += size;
    return page.address + page.used - size;
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
  process.stubs.pages[process.stubs.count++] = {request.address, static_cast<uint32_t>(first_stub) + size};
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

/// Replaces an instruction while other threads may run into it: a breakpoint first, the tail, the first byte last, with
/// every CPU serialized in between (Intel SDM vol. 3, 9.1.3; as Linux' text_poke_bp).
void replace(Process& process, UserAddr at, const uint8_t* code, uint64_t size) {
  if (__atomic_load_n(&process.thread_count, __ATOMIC_RELAXED) == 1) {
    if (write_code(process.space, at, code, size)) serialize();
    return;
  }
  if (!write_code(process.space, at, &breakpoint, 1)) return;
  serialize_all();
  write_code(process.space, at + 1, code + 1, size - 1);
  serialize_all();
  write_code(process.space, at, code, 1);
  serialize_all();
}

/// A jump of `jump_bytes` from `at` to `to`, and fillers up to `size`.
void make_jump(uint8_t* code, uint64_t size, uint64_t jump_bytes, UserAddr at, UserAddr to) {
  memset(code, nop, size);
  const auto distance = static_cast<int32_t>(to - (at + jump_bytes));
  code[0] = jump_bytes == jump_size ? jump : short_jump;
  memcpy(code + 1, &distance, jump_bytes - 1);  // little endian
}

/// The same instructions somewhere else: what is so far from them is `shift` bytes farther. False: too far.
bool shift_distances(uint8_t* code, uint64_t size, int64_t shift) {
  for (uint64_t at = 0; at < size;) {
    const Instruction instruction = decode(code + at, size - at);
    if (instruction.length == 0) return false;
    if (instruction.relative_at != 0) {
      int32_t distance = 0;
      memcpy(&distance, code + at + instruction.relative_at, sizeof(distance));
      const int64_t shifted = distance + shift;
      if (shifted != static_cast<int32_t>(shifted)) return false;
      distance = static_cast<int32_t>(shifted);
      memcpy(code + at + instruction.relative_at, &distance, sizeof(distance));
    }
    at += instruction.length;
  }
  return true;
}

/// A stub that repeats the program's bytes from `from` to the `syscall` at `site`. 0: no room.
UserAddr make_stub(Process& process, UserAddr from, UserAddr site) {
  const uint64_t moved = site - from;
  if (moved > most_moved) return 0;
  uint8_t code[most_moved + sizeof(StubEnd)];
  if (!copy_in(code, from, moved)) return 0;
  const uint64_t size = moved + sizeof(StubEnd);
  const UserAddr at = new_stub(process, site, static_cast<uint32_t>(size));
  if (at == 0) return 0;

  constexpr uint8_t mov_getpid[] = {0xb8, nr_getpid, 0, 0, 0};
  const bool is_getpid = moved == sizeof(mov_getpid) && memcmp(code, mov_getpid, moved) == 0;
  const uint64_t entry = is_getpid ? __builtin_offsetof(Entries, getpid) : __builtin_offsetof(Entries, any);
  if (!shift_distances(code, moved, static_cast<int64_t>(from - at))) return 0;
  const UserAddr lea_end = at + moved + __builtin_offsetof(StubEnd, jmp);
  StubEnd end;
  end.back = static_cast<int32_t>(site + syscall_size - lea_end);
  end.entry = static_cast<int32_t>(align_down(at, page_size) + entry - (at + size));
  memcpy(code + moved, &end, sizeof(end));
  return write_code(process.space, at, code, size) ? at : 0;
}

/// An instruction of five bytes or more gives way to a jump.
bool rewrite_near(Process& process, const Run::One& giver, UserAddr site) {
  const UserAddr stub = make_stub(process, giver.address, site);
  if (stub == 0) return false;
  uint8_t code[longest_instruction];
  make_jump(code, giver.length, jump_size, giver.address, stub);
  replace(process, giver.address, code, giver.length);
  return true;
}

/// A shorter one to a short jump, to a jump in the function's alignment.
bool rewrite_short(Process& process, const FunctionRange& function, const Run::One& giver, UserAddr site) {
  const Gap gap = find_alignment(function, giver.address + short_jump_size);
  if (gap.size == 0 || gap.size > most_moved || is_target(function, gap)) return false;
  const UserAddr stub = make_stub(process, giver.address, site);
  if (stub == 0) return false;
  uint8_t code[most_moved];
  make_jump(code, gap.size, jump_size, gap.start, stub);
  if (!write_code(process.space, gap.start, code, gap.size)) return false;  // nobody runs there
  if (__atomic_load_n(&process.thread_count, __ATOMIC_RELAXED) > 1) serialize_all();
  make_jump(code, giver.length, short_jump_size, giver.address, gap.start);
  replace(process, giver.address, code, giver.length);
  return true;
}

enum class Outcome { rewritten, trapped, was_rewritten };

/// Under the lock.
Outcome rewrite_locked(Process& process, UserAddr site) {
  if (!process.app->rewrite) return Outcome::trapped;
  const FunctionRange function = function_at(process, site);
  Run run;
  const Approach way = approach(process, function, site, run);
  if (way == Approach::rewritten) return Outcome::was_rewritten;  // another thread was faster, or the call is repeated
  uint8_t call[syscall_size];
  if (way == Approach::unknown || !read_user(site, call) || call[0] != 0x0f || call[1] != 0x05) return Outcome::trapped;
  if (const Run::One giver = run.last(jump_size); giver.address != 0)
    return rewrite_near(process, giver, site) ? Outcome::rewritten : Outcome::trapped;
  const Run::One giver = run.last(short_jump_size);
  if (giver.address == 0) return Outcome::trapped;
  return rewrite_short(process, function, giver, site) ? Outcome::rewritten : Outcome::trapped;
}

}  // namespace

void rewrite_site(Thread& self, UserAddr site) {
  StubPages& stubs = self.process->stubs;
  if (stubs.is_trapped(site)) return;
  // Code that a vfork child changes is its lender's, who would not find the stub.
  if (self.process->lender != nullptr) return;
  Guard guard(stubs.lock);
  switch (rewrite_locked(*self.process, site)) {
    case Outcome::rewritten: ++self.totals.patches; break;
    case Outcome::trapped: self.totals.trapped_sites += stubs.note_trapped(site) ? 1 : 0; break;
    case Outcome::was_rewritten: break;
  }
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
