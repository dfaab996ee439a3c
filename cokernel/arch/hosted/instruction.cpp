// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/instruction.hpp"

namespace hobbes::lwk::hosted {
namespace {

constexpr uint32_t longest = 15;

/// What follows an opcode.
enum Form : uint8_t {
  none,       // nothing
  modrm,      // ModRM (with SIB and displacement)
  modrm_i8,   // ... and an 8-bit immediate
  modrm_iz,   // ... and a 16- or 32-bit one, by operand size
  i8,         // an 8-bit immediate or offset
  i16,
  i16_i8,     // ENTER
  iz,         // 16 or 32 bits, by operand size
  iv,         // 16, 32 or 64 bits: MOV r, imm
  rel32,      // near branches: always 32 bits (operand-size prefixes are not used with them)
  address,    // MOV moffs: 64 bits, 32 with an address-size prefix
  group3_8,   // F6: TEST has an immediate
  group3,     // F7
  pop,        // 8F: with /0; else AMD's XOP
  bad,
};

Form one_byte_form(uint8_t opcode) {
  if (opcode < 0x40) {
    switch (opcode & 7) {
      case 4: return i8;
      case 5: return iz;
      case 6: case 7: return bad;
      default: return modrm;
    }
  }
  if (opcode < 0x60) return none;                    // (40-4F are REX) PUSH, POP
  if (opcode >= 0x70 && opcode < 0x80) return i8;    // Jcc
  if (opcode >= 0x84 && opcode < 0x8f) return modrm;
  if (opcode == 0x8f) return pop;
  if (opcode >= 0x90 && opcode < 0xa0) return opcode == 0x9a ? bad : none;
  if (opcode >= 0xb0 && opcode < 0xb8) return i8;
  if (opcode >= 0xb8 && opcode < 0xc0) return iv;
  if (opcode >= 0xd8 && opcode < 0xe0) return modrm; // x87
  switch (opcode) {
    case 0x63: return modrm;
    case 0x68: return iz;
    case 0x69: return modrm_iz;
    case 0x6a: return i8;
    case 0x6b: return modrm_i8;
    case 0x6c: case 0x6d: case 0x6e: case 0x6f: return none;
    case 0x80: case 0x83: return modrm_i8;
    case 0x81: return modrm_iz;
    case 0xa0: case 0xa1: case 0xa2: case 0xa3: return address;
    case 0xa4: case 0xa5: case 0xa6: case 0xa7: return none;
    case 0xa8: return i8;
    case 0xa9: return iz;
    case 0xaa: case 0xab: case 0xac: case 0xad: case 0xae: case 0xaf: return none;
    case 0xc0: case 0xc1: case 0xc6: return modrm_i8;
    case 0xc7: return modrm_iz;
    case 0xc2: case 0xca: return i16;
    case 0xc3: case 0xc9: case 0xcb: case 0xcc: case 0xcf: return none;
    case 0xc8: return i16_i8;
    case 0xcd: return i8;
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: return modrm;
    case 0xd7: return none;
    case 0xe0: case 0xe1: case 0xe2: case 0xe3: case 0xe4: case 0xe5: case 0xe6: case 0xe7: case 0xeb: return i8;
    case 0xe8: case 0xe9: return rel32;
    case 0xec: case 0xed: case 0xee: case 0xef: return none;
    case 0xf1: case 0xf4: case 0xf5: case 0xf8: case 0xf9: case 0xfa: case 0xfb: case 0xfc: case 0xfd: return none;
    case 0xf6: return group3_8;
    case 0xf7: return group3;
    case 0xfe: case 0xff: return modrm;
    default: return bad;
  }
}

Form two_byte_form(uint8_t opcode) {
  if (opcode >= 0x80 && opcode < 0x90) return rel32;   // Jcc
  if (opcode >= 0xc8 && opcode < 0xd0) return none;    // BSWAP
  switch (opcode) {
    case 0x05: case 0x06: case 0x07: case 0x08: case 0x09: case 0x0b: case 0x0e: return none;
    case 0x30: case 0x31: case 0x32: case 0x33: case 0x34: case 0x35: case 0x37: case 0x77: return none;
    case 0xa0: case 0xa1: case 0xa2: case 0xa8: case 0xa9: case 0xaa: return none;
    case 0x20: case 0x21: case 0x22: case 0x23:  // control and debug registers: no program moves these
    case 0x04: case 0x0a: case 0x0c: case 0x0f: case 0x24: case 0x25: case 0x26: case 0x27: case 0x36: case 0x38:
    case 0x39: case 0x3a: case 0x3b: case 0x3c: case 0x3d: case 0x3e: case 0x3f: case 0x7a: case 0x7b: case 0xa6:
    case 0xa7:
      return bad;
    case 0x70: case 0x71: case 0x72: case 0x73: case 0xa4: case 0xac: case 0xba: case 0xc2: case 0xc4: case 0xc5:
    case 0xc6:
      return modrm_i8;
    default: return modrm;
  }
}

class Decoder {
 public:
  Decoder(const uint8_t* code, uint64_t available)
      : code_(code), available_(static_cast<uint32_t>(min<uint64_t>(available, longest))) {}

  uint32_t length() {
    prefixes();
    if (!has(1)) return 0;
    const uint8_t opcode = code_[at_];
    if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62) return vector(opcode);
    ++at_;
    if (opcode == 0x0f) return escape();
    return finish(one_byte_form(opcode));
  }

 private:
  bool has(uint32_t bytes) const { return at_ + bytes <= available_; }

  void prefixes() {
    while (has(1)) {
      const uint8_t byte = code_[at_];
      if (byte == 0x66) operand_size_ = true;
      else if (byte == 0x67) address_size_ = true;
      else if ((byte & 0xf0) == 0x40) rex_w_ = (byte & 8) != 0;
      else if (byte != 0xf0 && byte != 0xf2 && byte != 0xf3 && byte != 0x2e && byte != 0x36 && byte != 0x3e &&
               byte != 0x26 && byte != 0x64 && byte != 0x65)
        return;
      if ((byte & 0xf0) != 0x40) rex_w_ = false;
      ++at_;
    }
  }

  uint32_t escape() {
    if (!has(1)) return 0;
    const uint8_t opcode = code_[at_++];
    if (opcode == 0x38) return map_opcode(modrm);
    if (opcode == 0x3a) return map_opcode(modrm_i8);
    if (opcode == 0x78) return 0;  // SSE4a's INSERTQ and EXTRQ have two immediates, VMREAD has none
    return finish(two_byte_form(opcode));
  }

  uint32_t map_opcode(Form form) {
    if (!has(1)) return 0;
    ++at_;
    return finish(form);
  }

  /// VEX (C5, C4) and EVEX (62): the map is in the prefix.
  uint32_t vector(uint8_t lead) {
    const uint32_t prefix = lead == 0xc5 ? 2 : lead == 0xc4 ? 3 : 4;
    if (!has(prefix + 1)) return 0;
    const uint8_t map = lead == 0xc5 ? 1 : code_[at_ + 1] & (lead == 0xc4 ? 0x1f : 7);
    at_ += prefix;
    const uint8_t opcode = code_[at_++];
    switch (map) {
      case 1: return opcode == 0x77 ? finish(none) : finish(two_byte_form(opcode));
      case 2: case 5: case 6: return finish(modrm);
      case 3: return finish(modrm_i8);
      default: return 0;
    }
  }

  uint32_t finish(Form form) {
    const uint32_t immediate = operand_size_ && !rex_w_ ? 2 : 4;
    switch (form) {
      case none: return end(0);
      case modrm: return with_modrm(0);
      case modrm_i8: return with_modrm(1);
      case modrm_iz: return with_modrm(immediate);
      case i8: return end(1);
      case i16: return end(2);
      case i16_i8: return end(3);
      case iz: return end(immediate);
      case iv: return end(rex_w_ ? 8 : immediate);
      case rel32: return end(4);
      case address: return end(address_size_ ? 4 : 8);
      case group3_8: return with_modrm(is_test() ? 1 : 0);
      case group3: return with_modrm(is_test() ? immediate : 0);
      case pop: return has(1) && (code_[at_] >> 3 & 7) == 0 ? with_modrm(0) : 0;
      case bad: return 0;
    }
    return 0;
  }

  bool is_test() const { return has(1) && (code_[at_] >> 3 & 7) < 2; }

  uint32_t with_modrm(uint32_t immediate) {
    if (!has(1)) return 0;
    const uint8_t byte = code_[at_++];
    const uint8_t mode = byte >> 6;
    const uint8_t rm = byte & 7;
    if (mode == 3) return end(immediate);
    uint32_t displacement = mode == 1 ? 1 : mode == 2 ? 4 : 0;
    if (rm == 4) {
      if (!has(1)) return 0;
      const uint8_t sib = code_[at_++];
      if (mode == 0 && (sib & 7) == 5) displacement = 4;
    } else if (mode == 0 && rm == 5) {
      displacement = 4;
    }
    return end(displacement + immediate);
  }

  uint32_t end(uint32_t more) const { return has(more) ? at_ + more : 0; }

  const uint8_t* code_;
  uint32_t available_;
  uint32_t at_ = 0;
  bool operand_size_ = false, address_size_ = false, rex_w_ = false;
};

/// What follows the prefixes of a whole instruction. VEX and EVEX ones, and those of other maps, are not looked into.
struct Parts {
  const uint8_t* opcode;
  const uint8_t* end;
  bool strange = false;  ///< GS, which is the kernel's, or an address-size prefix
  bool two_byte = false;

  Parts(const uint8_t* code, uint32_t length) : opcode(code), end(code + length) {
    for (; opcode < end && is_prefix(*opcode); ++opcode) strange = strange || *opcode == 0x65 || *opcode == 0x67;
    if (end - opcode > 1 && *opcode == 0x0f) {
      two_byte = true;
      ++opcode;
    }
  }
  static bool is_prefix(uint8_t byte) {
    return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
           byte == 0x26 || byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
  }
  [[nodiscard]] bool has_modrm() const { return end - opcode > 1; }
  [[nodiscard]] uint8_t modrm() const { return opcode[1]; }
  [[nodiscard]] uint8_t extension() const { return modrm() >> 3 & 7; }
  [[nodiscard]] bool is_xbegin() const { return !two_byte && *opcode == 0xc7 && has_modrm() && modrm() == 0xf8; }
  [[nodiscard]] bool is_relative() const { return (modrm() & 0xc7) == 0x05; }
};

bool is_in(uint8_t byte, const uint8_t* set, size_t size) {
  for (size_t i = 0; i < size; ++i)
    if (set[i] == byte) return true;
  return false;
}

/// Data movement and arithmetic on registers and memory.
bool is_movable(const Parts& parts) {
  const uint8_t opcode = *parts.opcode;
  if (parts.two_byte) {
    constexpr uint8_t plain[] = {0x10, 0x11, 0x28, 0x29, 0x6f, 0x7f, 0xb6, 0xb7, 0xbe, 0xbf};
    const bool known = is_in(opcode, plain, sizeof(plain)) || (opcode & 0xf0) == 0x40 || (opcode & 0xf0) == 0x90;
    return known && parts.has_modrm();
  }
  if (opcode >= 0xb0 && opcode < 0xc0) return true;       // MOV r, imm
  if (opcode == 0x98 || opcode == 0x99) return true;      // CDQE, CQO
  constexpr uint8_t plain[] = {0x63, 0x80, 0x81, 0x83, 0x84, 0x85, 0x88, 0x89, 0x8a, 0x8b, 0x8d,
                               0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3};
  const bool arithmetic = opcode < 0x40 && (opcode & 7) < 4;
  const bool move = (opcode == 0xc6 || opcode == 0xc7) && parts.has_modrm() && parts.extension() == 0;
  const bool unary = (opcode == 0xf6 || opcode == 0xf7) && parts.has_modrm() && parts.extension() < 4;
  const bool known = is_in(opcode, plain, sizeof(plain)) || arithmetic || move || unary;
  return known && parts.has_modrm();
}

/// Whether an instruction that is_movable() has a ModRM byte.
bool has_operand(const Parts& parts) {
  const uint8_t opcode = *parts.opcode;
  return parts.two_byte || !((opcode >= 0xb0 && opcode < 0xc0) || opcode == 0x98 || opcode == 0x99);
}

bool is_filler(const Parts& parts) {
  const uint8_t opcode = *parts.opcode;
  return parts.two_byte ? opcode == 0x1f : opcode == 0x90 || opcode == 0xcc;
}

Kind kind_of(const Parts& parts) {
  const uint8_t opcode = *parts.opcode;
  if (is_filler(parts)) return Kind::filler;
  if (parts.two_byte) {
    if ((opcode & 0xf0) == 0x80) return Kind::branch;
    return !parts.strange && is_movable(parts) ? Kind::movable : Kind::other;
  }
  if ((opcode & 0xf0) == 0x70 || (opcode >= 0xe0 && opcode < 0xe4) || opcode == 0xe8) return Kind::branch;
  if (parts.is_xbegin()) return Kind::branch;
  if (opcode == 0xe9 || opcode == 0xeb) return Kind::jump;
  if (opcode == 0xc2 || opcode == 0xc3) return Kind::end;
  if (opcode == 0xff && parts.has_modrm() && (parts.extension() == 4 || parts.extension() == 5)) return Kind::indirect;
  return !parts.strange && is_movable(parts) ? Kind::movable : Kind::other;
}

/// The last operand of a direct branch: 8 bits, or 32.
int32_t distance_of(const Parts& parts) {
  const bool near = parts.two_byte || *parts.opcode == 0xe8 || *parts.opcode == 0xe9 || parts.is_xbegin();
  if (!near) return static_cast<int8_t>(parts.end[-1]);
  uint32_t value = 0;
  for (int i = 1; i <= 4; ++i) value = value << 8 | parts.end[-i];
  return static_cast<int32_t>(value);
}

}  // namespace

Instruction decode(const uint8_t* code, uint64_t available) {
  Instruction instruction;
  instruction.length = instruction_length(code, available);
  if (instruction.length == 0) return instruction;
  const Parts parts(code, instruction.length);
  if (parts.opcode >= parts.end) return instruction;
  instruction.kind = kind_of(parts);
  if (instruction.kind == Kind::branch || instruction.kind == Kind::jump) instruction.distance = distance_of(parts);
  if (instruction.kind == Kind::movable && has_operand(parts) && parts.is_relative())
    instruction.relative_at = static_cast<uint32_t>(parts.opcode + 2 - code);
  return instruction;
}

uint32_t instruction_length(const uint8_t* code, uint64_t available) { return Decoder(code, available).length(); }

}  // namespace hobbes::lwk::hosted
