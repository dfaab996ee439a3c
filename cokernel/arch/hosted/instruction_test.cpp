// SPDX-License-Identifier: Apache-2.0
// The decoder against Zydis: every instruction of the system's C and math libraries, and random bytes.
#include "cokernel/arch/hosted/instruction.hpp"

#include <elf.h>
#include <Zydis/Zydis.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using hobbes::lwk::hosted::decode;
using hobbes::lwk::hosted::Instruction;
using hobbes::lwk::hosted::instruction_length;
using hobbes::lwk::hosted::Kind;

namespace {

class Reference {
 public:
  Reference() { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }
  /// 0: not an instruction.
  unsigned length(const std::uint8_t* code, std::size_t available) const {
    ZydisDecodedInstruction instruction;
    return decode(code, available, instruction) ? instruction.length : 0;
  }
  bool decode(const std::uint8_t* code, std::size_t available, ZydisDecodedInstruction& instruction) const {
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, code, available, &instruction));
  }

 private:
  ZydisDecoder decoder_;
};

std::vector<std::uint8_t> text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Elf64_Ehdr header;
  if (bytes.size() < sizeof(header)) return {};
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::vector<std::uint8_t> text;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, bytes.data() + header.e_shoff + i * sizeof(section), sizeof(section));
    if ((section.sh_flags & SHF_EXECINSTR) == 0 || section.sh_type != SHT_PROGBITS) continue;
    const auto* start = reinterpret_cast<const std::uint8_t*>(bytes.data()) + section.sh_offset;
    text.insert(text.end(), start, start + section.sh_size);
  }
  return text;
}

}  // namespace

TEST_CASE("every instruction of a system library has the length Zydis gives it", "[hosted]") {
  const Reference reference;
  const auto library = GENERATE(as<std::string>{}, "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6");
  const auto text = text_of(library);
  REQUIRE(text.size() > 100000);
  std::size_t wrong = 0, unknown = 0, total = 0;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned expected = reference.length(text.data() + at, text.size() - at);
    if (expected == 0) {
      ++at;
      continue;
    }
    const unsigned length = instruction_length(text.data() + at, text.size() - at);
    ++total;
    if (length == 0) ++unknown;
    else if (length != expected) {
      ++wrong;
      UNSCOPED_INFO("at " << at << ": " << length << ", Zydis says " << expected);
    }
    at += expected;
  }
  INFO(library << ": " << total << " instructions");
  CHECK(wrong == 0);
  CHECK(unknown * 1000 < total);  // unknown is safe, but must be rare to be of use
}

TEST_CASE("what an instruction does to the way of control is what Zydis says", "[hosted]") {
  const Reference reference;
  const auto library = GENERATE(as<std::string>{}, "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6");
  const auto text = text_of(library);
  std::size_t movable = 0, plain = 0;
  for (std::size_t at = 0; at < text.size();) {
    ZydisDecodedInstruction expected;
    if (!reference.decode(text.data() + at, text.size() - at, expected)) {
      ++at;
      continue;
    }
    const Instruction instruction = decode(text.data() + at, text.size() - at);
    const auto offset = at;
    at += expected.length;
    if (instruction.length == 0) continue;
    if (expected.mnemonic == ZYDIS_MNEMONIC_XABORT || expected.mnemonic == ZYDIS_MNEMONIC_XEND) continue;  // no branches
    INFO(library << " at " << offset << ": " << ZydisMnemonicGetString(expected.mnemonic));
    const bool relative = (expected.attributes & ZYDIS_ATTRIB_IS_RELATIVE) != 0;
    switch (expected.meta.category) {
      case ZYDIS_CATEGORY_COND_BR:
        if (instruction.kind != Kind::branch || instruction.distance != expected.raw.imm[0].value.s) CHECK(false);
        break;
      case ZYDIS_CATEGORY_CALL:
        if (instruction.kind != (relative ? Kind::branch : Kind::other) && !expected.raw.modrm.offset) CHECK(false);
        break;
      case ZYDIS_CATEGORY_UNCOND_BR:
        if (instruction.kind != (expected.raw.imm[0].size != 0 ? Kind::jump : Kind::indirect)) CHECK(false);
        if (instruction.kind == Kind::jump && instruction.distance != expected.raw.imm[0].value.s) CHECK(false);
        break;
      case ZYDIS_CATEGORY_RET:
        if (instruction.kind != Kind::end) CHECK(false);
        break;
      default:
        if (instruction.kind != Kind::movable && instruction.kind != Kind::other && instruction.kind != Kind::filler) CHECK(false);
        if (instruction.kind == Kind::movable && (instruction.relative_at != 0) != relative) CHECK(false);
        if (instruction.relative_at != 0 && instruction.relative_at != expected.raw.disp.offset) CHECK(false);
        if (instruction.kind == Kind::movable && expected.meta.category == ZYDIS_CATEGORY_SYSCALL) CHECK(false);
        if (instruction.kind == Kind::filler && expected.meta.category != ZYDIS_CATEGORY_NOP &&
            expected.meta.category != ZYDIS_CATEGORY_WIDENOP && expected.mnemonic != ZYDIS_MNEMONIC_INT3 &&
            expected.mnemonic != ZYDIS_MNEMONIC_PAUSE)
          CHECK(false);
        ++plain;
        movable += instruction.kind == Kind::movable ? 1 : 0;
    }
  }
  CHECK(movable * 4 > plain);  // or few sites could be rewritten
}

TEST_CASE("random bytes never get a length Zydis contradicts", "[hosted]") {
  const Reference reference;
  std::mt19937 random(20260101);
  std::size_t wrong = 0;
  for (int i = 0; i < 2000000; ++i) {
    std::uint8_t code[16];
    for (auto& byte : code) byte = static_cast<std::uint8_t>(random());
    const unsigned expected = reference.length(code, sizeof(code));
    const unsigned length = instruction_length(code, sizeof(code));
    if (expected == 0 || length == 0 || length == expected) continue;
    if (++wrong <= 8) {
      std::string bytes;
      for (const auto byte : code) bytes += "0123456789abcdef"[byte >> 4], bytes += "0123456789abcdef"[byte & 15];
      UNSCOPED_INFO(bytes << ": " << length << ", Zydis says " << expected);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a cut-off instruction has no length", "[hosted]") {
  const std::uint8_t mov[] = {0xb8, 0x27, 0x00, 0x00, 0x00, 0x0f, 0x05};
  CHECK(instruction_length(mov, sizeof(mov)) == 5);
  for (unsigned available = 0; available < 5; ++available) CHECK(instruction_length(mov, available) == 0);
  CHECK(instruction_length(mov + 5, 2) == 2);
  const std::uint8_t prefixed[] = {0x41, 0xb8, 0x27, 0x00, 0x00, 0x00};  // mov $39,%r8d: the b8 begins nothing
  CHECK(instruction_length(prefixed, sizeof(prefixed)) == 6);
}

TEST_CASE("what only AMD has, with bytes that nobody else expects, has no length", "[hosted]") {
  const std::uint8_t xop[] = {0x8f, 0xe8, 0x68, 0xb6, 0x3e, 0x65};             // vpmadcswd
  const std::uint8_t sse4a[] = {0xf2, 0x40, 0x0f, 0x78, 0xcf, 0x67, 0xe1};     // insertq
  const std::uint8_t pop[] = {0x8f, 0x40, 0x08};                               // pop 8(%rax)
  CHECK(instruction_length(xop, sizeof(xop)) == 0);
  CHECK(instruction_length(sse4a, sizeof(sse4a)) == 0);
  CHECK(instruction_length(pop, sizeof(pop)) == 3);
}
