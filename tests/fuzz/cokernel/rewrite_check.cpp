// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cokernel/rewrite_check.hpp"

#include "cokernel/arch/hosted/entry.hpp"
#include "cokernel/arch/hosted/function_table.hpp"
#include "cokernel/arch/hosted/rewrite.hpp"
#include "tests/fuzz/cokernel/zydis_length.hpp"
#include "tests/fuzz/driver/driver.hpp"

#include <algorithm>

namespace hobbes::fuzz {
namespace {

using namespace lwk;
using hosted::FunctionRange;

constexpr uint64_t jump_size = 5, short_jump_size = 2, syscall_size = 2, most_moved = 64, reach_of_short = 128;
constexpr uint8_t near_jump = 0xe9, short_jump = 0xeb, nop = 0x90;
constexpr uint64_t most_code = 8 << 20;
constexpr int most_sites = 4096;

template <typename T>
T read(UserAddr from) {
  T value{};
  require(read_user(from, value), "a stub is not in memory");
  return value;
}

UserAddr near_target(UserAddr at) {
  require(read<uint8_t>(at) == near_jump, "there is no jump");
  return at + jump_size + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(at + 1)));
}

/// One instruction of a stub is the program's, with a distance in it made good.
void check_repeated(UserAddr in_stub, UserAddr in_program, const uint8_t* original, unsigned length) {
  ZydisDecodedInstruction instruction;
  require(zydis_decode(original, length, instruction), "what is undefined was moved");
  const bool relative = (instruction.attributes & ZYDIS_ATTRIB_IS_RELATIVE) != 0;
  for (unsigned i = 0; i < length; ++i) {
    const bool in_distance = relative && i - instruction.raw.disp.offset < sizeof(int32_t);
    require(in_distance || read<uint8_t>(in_stub + i) == original[i], "a stub does not repeat what it replaces");
  }
  if (!relative) return;
  int32_t before = 0;
  std::memcpy(&before, original + instruction.raw.disp.offset, sizeof(before));
  const auto now = read<int32_t>(in_stub + instruction.raw.disp.offset);
  require(in_stub + static_cast<uint64_t>(int64_t{now}) == in_program + static_cast<uint64_t>(int64_t{before}),
          "a moved instruction works on something else");
}

/// The program's bytes from `giver` to the `syscall`, then lea back(%rip),%rcx; jmp *entry(%rip).
void check_stub(UserAddr stub, const uint8_t* moved, uint64_t size, UserAddr site) {
  for (uint64_t i = 0; i < size;) {
    const unsigned length = zydis_length(moved + i, size - i);
    require(length != 0, "what is undefined was moved");
    check_repeated(stub + i, site - size + i, moved + i, length);
    i += length;
  }
  const UserAddr lea = stub + size;
  constexpr uint64_t lea_size = 7, jmp_size = 6;
  require(read<uint8_t>(lea) == 0x48 && read<uint16_t>(lea + 1) == 0x0d8d, "a stub has no lea");
  const UserAddr back = lea + lea_size + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(lea + 3)));
  require(back == site + syscall_size, "a stub returns elsewhere");
  const UserAddr jmp = lea + lea_size;
  require(read<uint16_t>(jmp) == 0x25ff, "a stub has no jump");
  const UserAddr slot = jmp + jmp_size + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(jmp + 2)));
  constexpr uint8_t mov_getpid[] = {0xb8, 39, 0, 0, 0};
  const bool is_getpid = size == sizeof(mov_getpid) && std::equal(moved, moved + size, mov_getpid);
  const char* entry = is_getpid ? hosted_getpid_entry : hosted_syscall_entry;
  require(read<uint64_t>(slot) == reinterpret_cast<uint64_t>(entry), "a stub enters elsewhere");
}

struct Code {
  UserAddr start;
  Bytes bytes;

  [[nodiscard]] unsigned length_at(UserAddr address) const {
    return zydis_length(bytes.data() + (address - start), bytes.size() - (address - start));
  }
};

/// The instruction that gave way, as Zydis decodes from the function's start to the `syscall`. 0: it knows one of these
/// instructions only as undefined.
UserAddr giver_of(const Code& before, const Bytes& now, UserAddr function, UserAddr site) {
  UserAddr giver = 0, at = function;
  while (at < site) {
    const size_t i = at - before.start;
    if (now[i] != before.bytes[i]) giver = at;  // alignment may have been used before it
    const unsigned length = before.length_at(at);
    if (length == 0) return 0;
    at += length;
  }
  require(at == site, "what is no call was rewritten");
  require(giver != 0, "what changed is no instruction before the call");
  return giver;
}

/// All that differs lies in `giver` and, when that is a short jump, in alignment that it leads to.
void check_changes(const Code& before, const Bytes& now, UserAddr giver, UserAddr gap) {
  const unsigned length = before.length_at(giver);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i] == before.bytes[i]) continue;
    const UserAddr at = before.start + i;
    if (at - giver < length) continue;
    require(gap != 0 && at - gap < most_moved, "something else was replaced");
    require(at - gap < jump_size || now[i] == nop, "alignment is alignment no more");
  }
}

void check_rewritten(const Code& before, const Bytes& now, const FunctionRange& function, UserAddr site) {
  require(function.start != 0, "what belongs to no function was rewritten");
  if (function.start < before.start) return;  // in code that is not looked at
  const UserAddr giver = giver_of(before, now, function.start, site);
  if (giver == 0) return;
  UserAddr gap = 0;
  if (read<uint8_t>(giver) == short_jump) {
    gap = giver + short_jump_size + static_cast<uint64_t>(static_cast<int64_t>(read<int8_t>(giver + 1)));
    require(gap + reach_of_short >= giver && gap >= function.start && gap + jump_size <= function.end, "a jump leaves its function");
    const uint8_t first = before.bytes[gap - before.start];
    require(first == nop || first == 0xcc || first == 0x0f || first == 0x66 || first == 0x2e || first == 0xf3,
            "what is no alignment was replaced");
  }
  check_changes(before, now, giver, gap);
  check_stub(near_target(gap != 0 ? gap : giver), before.bytes.data() + (giver - before.start), site - giver, site);
}

void check_site(Thread& self, Code& code, size_t at) {
  const UserAddr site = code.start + at;
  const FunctionRange function = hosted::function_at(*self.process, site);
  hosted::rewrite_site(self, site);
  Bytes now(code.bytes.size());
  require(copy_in(now.data(), code.start, now.size()), "code has gone");
  if (now != code.bytes) check_rewritten(code, now, function, site);
  code.bytes = now;
}

}  // namespace

void check_rewriting(Thread& self) {
  std::vector<Code> found;
  self.process->space.for_each([&](const Region& region) {
    if ((region.protection & port::prot_exec) != 0 && (region.protection & port::prot_read) != 0)
      found.push_back({region.start, Bytes(min(region.end - region.start, most_code))});
  });
  for (Code& code : found) {
    require(copy_in(code.bytes.data(), code.start, code.bytes.size()), "code is not in memory");
    int sites = 0;
    for (size_t at = 0; at + syscall_size <= code.bytes.size() && sites < most_sites; ++at) {
      if (code.bytes[at] != 0x0f || code.bytes[at + 1] != 0x05) continue;
      ++sites;
      check_site(self, code, at);
    }
  }
}

}  // namespace hobbes::fuzz
