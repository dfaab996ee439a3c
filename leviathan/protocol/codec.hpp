// SPDX-License-Identifier: Apache-2.0
// The codec of all messages: a message is a struct whose fields() names its fields in wire order; encode() and decode()
// do the rest. Integers are little-endian of their own width; a bool is one byte, 0 or 1; a string or list is a 32-bit
// count and its elements; an optional is a bool and, if true, its value; ByteView is whatever is left of the message.
#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::protocol {

using Payload = std::vector<std::byte>;

/// The last field of a message may be one: bulk data. Decoded, it points into the payload it was decoded from.
using ByteView = std::span<const std::byte>;

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

class Encoder {
 public:
  template <typename T>
  void operator()(std::string_view, const T& value) {
    write(value);
  }
  [[nodiscard]] Payload take() && { return std::move(out_); }

 private:
  template <typename T>
  void write(const T& value) {
    if constexpr (std::is_integral_v<T>) {
      append(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, Bytes>) {
      write(value.value);
    } else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) {
      write(static_cast<std::int64_t>(value.count()));
    } else if constexpr (requires { T::fields(*this, value); }) {
      T::fields(*this, value);
    } else {
      write(value.value);  // a Strong id
    }
  }
  void write(const std::string& value) {
    write_count(value.size());
    append(value.data(), value.size());
  }
  void write(const ByteView& value) { append(value.data(), value.size()); }
  template <typename T>
  void write(const std::vector<T>& values) {
    write_count(values.size());
    for (const T& value : values) write(value);
  }
  template <typename T>
  void write(const std::optional<T>& value) {
    write(value.has_value());
    if (value) write(*value);
  }
  void write_count(std::size_t count) { write(static_cast<std::uint32_t>(count)); }
  void append(const void* from, std::size_t size) {
    const auto* bytes = static_cast<const std::byte*>(from);
    out_.insert(out_.end(), bytes, bytes + size);
  }

  Payload out_;
};

/// Reads hostile bytes: never beyond them, and never allocates more than a small multiple of their size.
class Decoder {
 public:
  explicit Decoder(ByteView in) : in_(in) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    if (bad_field_.empty() && !read(value)) bad_field_ = name;
  }
  /// Empty: all fields were there.
  [[nodiscard]] std::string_view bad_field() const { return bad_field_; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }

 private:
  template <typename T>
  [[nodiscard]] bool read(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      if (!read(byte) || byte > 1) return false;
      value = byte == 1;
      return true;
    } else if constexpr (std::is_integral_v<T>) {
      return copy(&value, sizeof value);
    } else if constexpr (std::is_same_v<T, std::chrono::nanoseconds>) {
      std::int64_t count = 0;
      if (!read(count)) return false;
      value = T(count);
      return true;
    } else if constexpr (requires { T::fields(*this, value); }) {
      T::fields(*this, value);
      return bad_field_.empty();
    } else {
      return read(value.value);  // Bytes or a Strong id
    }
  }
  [[nodiscard]] bool read(std::string& value) {
    std::uint32_t size = 0;
    if (!read(size) || size > in_.size()) return false;
    value.resize(size);
    return copy(value.data(), size);
  }
  [[nodiscard]] bool read(ByteView& value) {
    value = in_;
    in_ = {};
    return true;
  }
  template <typename T>
  [[nodiscard]] bool read(std::vector<T>& values) {
    std::uint32_t count = 0;
    if (!read(count) || count > in_.size()) return false;  // no element is smaller than a byte
    values.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!read(values.emplace_back())) return false;
    }
    return true;
  }
  template <typename T>
  [[nodiscard]] bool read(std::optional<T>& value) {
    bool there = false;
    if (!read(there)) return false;
    value.reset();
    return !there || read(value.emplace());
  }
  [[nodiscard]] bool copy(void* to, std::size_t size) {
    if (size > in_.size()) return false;
    if (size > 0) std::memcpy(to, in_.data(), size);
    in_ = in_.subspan(size);
    return true;
  }

  ByteView in_;
  std::string_view bad_field_;
};

/// A struct of messages.hpp or hello.hpp.
template <typename T>
concept Message = requires(Encoder& encoder, const T& message) {
  T::fields(encoder, message);
  { T::name } -> std::convertible_to<std::string_view>;
};

template <Message T>
[[nodiscard]] Payload encode(const T& message) {
  Encoder encoder;
  T::fields(encoder, message);
  return std::move(encoder).take();
}

/// The error of a message that does not decode: "launch_app: field 'umask' is cut off or wrong".
[[nodiscard]] Error malformed(std::string_view message, std::string_view field);

/// Code::invalid: the bytes are no such message; the sentence names message and field.
template <Message T>
[[nodiscard]] Result<T> decode(ByteView bytes) {
  T message;
  Decoder decoder(bytes);
  T::fields(decoder, message);
  if (!decoder.bad_field().empty()) return malformed(T::name, decoder.bad_field());
  if (decoder.left() > 0) return malformed(T::name, {});
  return message;
}

}  // namespace hobbes::protocol
