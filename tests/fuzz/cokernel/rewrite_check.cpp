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

constexpr uint64_t mov_size = 5, site_size = 7;
constexpr uint64_t most_code = 64 << 10;
constexpr int most_sites = 64;

/// Whether Zydis, decoding from the function's start, steps over `mov` without seeing an instruction there.
bool is_inside_instruction(const Bytes& code, UserAddr start, UserAddr function, UserAddr mov) {
  UserAddr at = function;
  while (at >= start && at < mov) {
    const unsigned length = zydis_length(code.data() + (at - start), code.size() - (at - start));
    if (length == 0) return false;
    at += length;
  }
  return at > mov;
}

template <typename T>
T read(UserAddr from) {
  T value{};
  require(read_user(from, value), "a stub is not in memory");
  return value;
}

/// What the jump at `mov` leads to: mov $number,%eax; lea back(%rip),%rcx; jmp *entry(%rip).
void check_stub(UserAddr mov, uint32_t number) {
  const UserAddr stub = mov + mov_size + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(mov + 1)));
  constexpr uint64_t lea_at = 5, lea_end = 12, jmp_end = 18;
  require(read<uint8_t>(stub) == 0xb8 && read<uint32_t>(stub + 1) == number, "a stub has another number");
  require(read<uint8_t>(stub + lea_at) == 0x48 && read<uint16_t>(stub + lea_at + 1) == 0x0d8d, "a stub has no lea");
  const UserAddr back = stub + lea_end + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(stub + lea_at + 3)));
  require(back == mov + site_size, "a stub returns elsewhere");
  require(read<uint16_t>(stub + lea_end) == 0x25ff, "a stub has no jump");
  const UserAddr slot = stub + jmp_end + static_cast<uint64_t>(static_cast<int64_t>(read<int32_t>(stub + lea_end + 2)));
  constexpr uint32_t nr_getpid = 39;
  const char* entry = number == nr_getpid ? hosted_getpid_entry : hosted_syscall_entry;
  require(read<uint64_t>(slot) == reinterpret_cast<uint64_t>(entry), "a stub enters elsewhere");
}

struct Code {
  UserAddr start;
  Bytes bytes;
};

void check_site(Thread& self, Code& code, size_t at) {
  const UserAddr mov = code.start + at;
  uint32_t number = 0;
  std::memcpy(&number, code.bytes.data() + at + 1, sizeof(number));
  const UserAddr function = hosted::function_start(*self.process, mov);
  hosted::rewrite_site(self, mov + mov_size, number);
  Bytes now(code.bytes.size());
  require(copy_in(now.data(), code.start, now.size()), "code has gone");
  if (now == code.bytes) return;
  require(now[at] == 0xe9, "the mov was not replaced by a jump");
  require(std::equal(now.begin(), now.begin() + static_cast<ptrdiff_t>(at), code.bytes.begin()) &&
              std::equal(now.begin() + static_cast<ptrdiff_t>(at + mov_size), now.end(),
                         code.bytes.begin() + static_cast<ptrdiff_t>(at + mov_size)),
          "more than the mov was replaced");
  require(function != 0 && function <= mov, "what belongs to no function was rewritten");
  require(!is_inside_instruction(code.bytes, code.start, function, mov), "the middle of an instruction was rewritten");
  check_stub(mov, number);
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
    for (size_t at = 0; at + site_size <= code.bytes.size() && sites < most_sites; ++at) {
      const uint8_t* bytes = code.bytes.data() + at;
      if (bytes[0] != 0xb8 || bytes[mov_size] != 0x0f || bytes[mov_size + 1] != 0x05) continue;
      ++sites;
      check_site(self, code, at);
    }
  }
}

}  // namespace hobbes::fuzz
