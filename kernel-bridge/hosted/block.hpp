// SPDX-License-Identifier: Apache-2.0
// Block: one block of enclave memory in the hosted bridge: a sealed memfd, mapped here at a 2 MiB boundary.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace hobbes::bridge {

inline constexpr Bytes huge_page = mib(2);

class Block {
 public:
  /// A new block, empty: its pages come with prepare(). `size` is a multiple of 2 MiB. The memfd cannot be resized.
  [[nodiscard]] static Result<Block> create(Bytes size, NumaId numa);
  /// A block that somebody else holds too. Refuses a descriptor that is not a memfd of `size` which nobody can shrink.
  [[nodiscard]] static Result<Block> receive(UniqueFd memfd, Bytes size, NumaId numa);

  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block();

  /// Gives the block its pages, zeroed: huge ones where the kernel can, else small ones. Takes about 3 ms a MiB.
  /// Returns what it is made of, e.g. "2 MiB pages". Stops early with Code::busy when `stop` says so.
  [[nodiscard]] Result<std::string> prepare(const std::function<bool()>& stop);
  /// Looks what the block is made of now. `why_not` explains small pages: "4 KiB pages (why not)".
  [[nodiscard]] Result<std::string> describe_backing(std::string_view why_not) const;
  /// Whether this descriptor is of the same memfd.
  [[nodiscard]] bool is_file(int fd) const;
  /// Zeroes it.
  void scrub();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] Bytes size() const { return Bytes(size_); }
  [[nodiscard]] NumaId numa() const { return numa_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  Block(UniqueFd fd, std::byte* data, std::size_t size, NumaId numa);
  [[nodiscard]] static Result<Block> map(UniqueFd fd, Bytes size, NumaId numa);

  UniqueFd fd_;
  std::byte* data_ = nullptr;  // owned mapping of the whole memfd
  std::size_t size_ = 0;
  NumaId numa_ = any_numa;
};

}  // namespace hobbes::bridge
