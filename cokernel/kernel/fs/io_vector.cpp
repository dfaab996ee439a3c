// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/io_vector.hpp"

#include "cokernel/kernel/fs/file_abi.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lent_files.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t most_pieces = 1024;  // Linux's UIO_MAXIOV

uint64_t total(const IoPiece* pieces, uint32_t count) {
  uint64_t size = 0;
  for (uint32_t i = 0; i < count; ++i) size += pieces[i].size;
  return size;
}

}  // namespace

IoVector::IoVector(void* memory, uint64_t size)
    : single_{reinterpret_cast<uint64_t>(memory), size}, pieces_(&single_), count_(1), user_(false), left_(size) {}

IoVector::IoVector(User range)
    : single_{range.address, range.size},
      pieces_(&single_),
      count_(1),
      user_(true),
      left_(min(range.size, largest_transfer)) {}

IoVector::IoVector(const IoPiece* pieces, uint32_t count)
    : single_{}, pieces_(pieces), count_(count), user_(true), left_(min(total(pieces, count), largest_transfer)) {}

uint64_t IoVector::next_piece(uint64_t& base) {
  while (count_ > 0 && offset_ == pieces_->size) {
    ++pieces_;
    --count_;
    offset_ = 0;
  }
  if (count_ == 0 || left_ == 0) return 0;
  base = pieces_->base + offset_;
  return min(pieces_->size - offset_, left_);
}

void IoVector::skip(uint64_t size) {
  left_ -= size;
  while (size > 0) {
    const uint64_t step = min(pieces_->size - offset_, size);
    offset_ += step;
    size -= step;
    if (size == 0) return;
    ++pieces_;
    --count_;
    offset_ = 0;
  }
}

bool IoVector::put(const void* from, uint64_t size) {
  auto* bytes = static_cast<const char*>(from);
  while (size > 0) {
    uint64_t base = 0;
    const uint64_t step = min(next_piece(base), size);
    if (!user_) memcpy(reinterpret_cast<void*>(base), bytes, step);
    else if (!copy_out(base, bytes, step)) return false;
    skip(step);
    bytes += step;
    size -= step;
  }
  return true;
}

bool IoVector::put_zeros(uint64_t size) {
  static constexpr char zeros[256] = {};
  while (size > 0) {
    const uint64_t step = min<uint64_t>(size, sizeof(zeros));
    if (!put(zeros, step)) return false;
    size -= step;
  }
  return true;
}

bool IoVector::take(void* to, uint64_t size) {
  auto* bytes = static_cast<char*>(to);
  while (size > 0) {
    uint64_t base = 0;
    const uint64_t step = min(next_piece(base), size);
    if (!user_) memcpy(bytes, reinterpret_cast<const void*>(base), step);
    else if (!copy_in(bytes, base, step)) return false;
    skip(step);
    bytes += step;
    size -= step;
  }
  return true;
}

void* IoVector::direct(uint32_t need, uint64_t& contiguous) {
  uint64_t base = 0;
  const uint64_t size = next_piece(base);
  if (!user_) {
    contiguous = size;
    return reinterpret_cast<void*>(base);
  }
  if (!is_user_range(base, size)) return nullptr;
  return port::current().process->space.direct(base, size, need, contiguous);
}

uint64_t IoVector::only_to_copy(uint32_t need) {
  uint64_t base = 0;
  const uint64_t size = next_piece(base);
  if (!user_ || !is_user_range(base, size)) return 0;
  Process& process = *port::current().process;
  Extent piece;
  if (base >= process.space.end())
    return process.smartmap_rank != nullptr && process.app->smartmap->locate(base, size, need, piece) ? piece.size : 0;
  return process.space.locate(base, size, need, piece) && is_lent(piece.base) ? piece.size : 0;
}

IoPieces::~IoPieces() {
  if (pieces_ != few_) release(pieces_);
}

int IoPieces::load(UserAddr vector, uint64_t count) {
  if (count > most_pieces) return -EINVAL;
  if (count > few) {
    pieces_ = static_cast<IoPiece*>(allocate(count * sizeof(IoPiece)));
    if (pieces_ == nullptr) {
      pieces_ = few_;
      return -ENOMEM;
    }
  }
  if (count > 0 && !copy_in(pieces_, vector, count * sizeof(IoPiece))) return -EFAULT;
  count_ = static_cast<uint32_t>(count);
  uint64_t sum = 0;
  for (uint32_t i = 0; i < count_; ++i) {
    if (__builtin_add_overflow(sum, pieces_[i].size, &sum) || sum > static_cast<uint64_t>(INT64_MAX)) return -EINVAL;
    if (pieces_[i].size > 0 && !is_user_range(pieces_[i].base, pieces_[i].size)) return -EFAULT;
  }
  return 0;
}

}  // namespace hobbes::lwk::fs
