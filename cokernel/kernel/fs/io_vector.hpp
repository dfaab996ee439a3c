// SPDX-License-Identifier: Apache-2.0
// IoVector: where a transfer's bytes go to or come from, and how far it has got: pieces of the running process' memory,
// or one piece of the kernel's.
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::fs {

struct IoPiece {  ///< as Linux's struct iovec
  uint64_t base, size;
};

class IoVector : Immovable {
 public:
  struct User {
    UserAddr address;
    uint64_t size;
  };
  /// Kernel memory; host files can use it without a copy when it lies in the direct map.
  IoVector(void* memory, uint64_t size);
  /// Kernel memory that is only read.
  IoVector(const void* memory, uint64_t size) : IoVector(const_cast<void*>(memory), size) {}
  explicit IoVector(User range);
  /// User memory; `pieces` outlive the vector.
  IoVector(const IoPiece* pieces, uint32_t count);

  [[nodiscard]] uint64_t left() const { return left_; }
  /// At most `size` bytes from here on.
  void clip(uint64_t size) { left_ = min(left_, size); }
  /// Moves on by `size` <= left() bytes.
  void skip(uint64_t size);

  /// Copy `size` <= left() bytes and move on. False: a bad address; how far it got is undefined.
  [[nodiscard]] bool put(const void* from, uint64_t size);
  [[nodiscard]] bool put_zeros(uint64_t size);
  [[nodiscard]] bool take(void* to, uint64_t size);

  /// The kernel's pointer to what comes next and how much of it is contiguous; null: a bad address, or no permission
  /// for `need` (port::Protection). Does not move on.
  [[nodiscard]] void* direct(uint32_t need, uint64_t& contiguous);
  /// How many bytes of what comes next are another rank's memory (smartmap.hpp) or a lent file's (lent_files.hpp), which
  /// can only be copied.
  [[nodiscard]] uint64_t only_to_copy(uint32_t need);

 private:
  [[nodiscard]] uint64_t next_piece(uint64_t& base);

  IoPiece single_;
  const IoPiece* pieces_;
  uint32_t count_;
  bool user_;
  uint64_t offset_ = 0;  ///< in *pieces_
  uint64_t left_;
};

/// The iovec array of a call, copied in.
class IoPieces : Immovable {
 public:
  ~IoPieces();
  /// 0, -EINVAL (more than 1024, or longer than a transfer can be), -EFAULT, -ENOMEM.
  [[nodiscard]] int load(UserAddr vector, uint64_t count);
  [[nodiscard]] const IoPiece* pieces() const { return pieces_; }
  [[nodiscard]] uint32_t count() const { return count_; }

 private:
  static constexpr uint32_t few = 8;
  IoPiece few_[few];
  IoPiece* pieces_ = few_;
  uint32_t count_ = 0;
};

}  // namespace hobbes::lwk::fs
