// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/eh_frame.hpp"

namespace hobbes::lwk::hosted {
namespace {

class Cursor {
 public:
  Cursor(const uint8_t* at, const uint8_t* end) : at_(at), end_(end) {}
  uint8_t byte() {
    if (at_ >= end_) {
      failed_ = true;
      return 0;
    }
    return *at_++;
  }
  void skip_leb() {
    while ((byte() & 0x80) != 0 && !failed_) {
    }
  }
  void skip(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) failed_ = true;
    else at_ += size;
  }
  [[nodiscard]] const uint8_t* at() const { return at_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

uint64_t pointer_size(uint8_t encoding) {
  switch (encoding & 0xf) {
    case 0x02: case 0x0a: return 2;
    case pe_unsigned4: case pe_signed4: return 4;
    default: return 8;
  }
}

}  // namespace

uint8_t fde_encoding(const uint8_t* cie, const uint8_t* end) {
  Cursor cursor(cie, end);
  cursor.skip(8);  // length, id
  const uint8_t version = cursor.byte();
  const uint8_t* augmentation = cursor.at();
  while (cursor.byte() != 0 && !cursor.failed()) {
  }
  if (cursor.failed() || (version != 1 && version != 3)) return pe_omit;
  cursor.skip_leb();  // code alignment
  cursor.skip_leb();  // data alignment
  if (version == 1) cursor.skip(1);
  else cursor.skip_leb();  // return address register
  if (*augmentation == '\0') return pe_absolute8;
  if (*augmentation != 'z') return pe_omit;
  cursor.skip_leb();  // augmentation length
  for (const uint8_t* letter = augmentation + 1; *letter != '\0'; ++letter) {
    switch (*letter) {
      case 'R': {
        const uint8_t encoding = cursor.byte();
        return cursor.failed() ? pe_omit : encoding;
      }
      case 'P': cursor.skip(pointer_size(cursor.byte())); break;
      case 'L': cursor.skip(1); break;
      case 'S': case 'B': break;
      default: return pe_omit;
    }
  }
  return cursor.failed() ? pe_omit : pe_absolute8;
}

}  // namespace hobbes::lwk::hosted
