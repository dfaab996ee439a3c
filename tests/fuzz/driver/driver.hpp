// SPDX-License-Identifier: Apache-2.0
// What a fuzz target shares with its bounded run. The driver's main() makes the same inputs on every run (twenty times
// as many under HOBBES_LONG_TESTS); given file names it runs those inputs instead, to look at what a fuzzer found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

/// The target. Only a crash, an abort or a sanitizer's report is a failure.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t length);

namespace hobbes::fuzz {

using Bytes = std::vector<std::uint8_t>;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  /// In [0, limit); 0 if the limit is 0.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : engine_() % limit; }
  bool one_in(std::uint64_t chances) { return below(chances) == 0; }
  /// Small, at an edge of its type, a power of two and its neighbours, or anything.
  std::uint64_t value();

 private:
  std::mt19937_64 engine_;
};

/// How many inputs the bounded run makes, and the next of them: one of each for every target.
extern const int bounded_inputs;
Bytes next_input(Random& random);

/// A few random changes: a bit, a byte, a word of an interesting value, a cut, a copy of a part.
void mutate(Bytes& input, Random& random);

inline void append(Bytes& to, const void* from, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(from);
  to.insert(to.end(), bytes, bytes + size);
}
template <typename T>
void append(Bytes& to, const T& value) {
  append(to, &value, sizeof(value));
}
/// Overwrites what stands at `at`, which is there.
template <typename T>
void put(Bytes& to, std::size_t at, const T& value) {
  std::memcpy(to.data() + at, &value, sizeof(value));
}

/// Reads an input from its start; behind the end there are zeros.
class Reader {
 public:
  Reader(const std::uint8_t* data, std::size_t length) : at_(data), left_(length) {}
  std::size_t left() const { return left_; }
  template <typename T>
  T read() {
    T value{};
    const std::size_t size = left_ < sizeof(T) ? left_ : sizeof(T);
    if (size > 0) std::memcpy(&value, at_, size);
    skip(size);
    return value;
  }
  /// At most `size` bytes.
  Bytes bytes(std::size_t size) {
    size = left_ < size ? left_ : size;
    Bytes taken(at_, at_ + size);
    skip(size);
    return taken;
  }

 private:
  void skip(std::size_t size) {
    at_ += size;
    left_ -= size;
  }
  const std::uint8_t* at_;
  std::size_t left_;
};

/// Ends the program: what a target relies on does not hold.
[[noreturn]] void fail(const char* what);
inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

}  // namespace hobbes::fuzz
