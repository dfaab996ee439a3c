// SPDX-License-Identifier: Apache-2.0
// The one codec of all records. A record's value is its fields in order, little-endian, without padding:
//   integers and Strong ids  their own width        bool, enumerations  one byte
//   text                     u32 length, bytes      optional            one byte 0/1, value if 1
//   vector                   u32 count, elements    struct              its fields
// A record's key is, where it is one 64-bit number, that number as it is (LMDB compares it as such: MDB_INTEGERKEY);
// else its fields big-endian, so that LMDB's byte order is the numbers' order, and text with one byte of length in
// front.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"
#include "db/enums.hpp"

namespace hobbes::db {

/// A visitor that does nothing.
struct NoVisitor {
  template <typename T>
  void operator()(std::string_view, const T&) {}
};

/// A struct whose fields() a visitor can walk.
template <typename T>
concept Visitable = requires(NoVisitor& visit, const T& value) { T::fields(visit, value); };

static_assert(std::endian::native == std::endian::little, "integers are copied as they are");

/// Appends the bytes of each visited field to `out`.
class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  template <typename T>
  void operator()(std::string_view, const T& value) { add(value); }

 private:
  template <std::integral T>
  void add(T value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  template <Enumeration T>
  void add(T value) { add(static_cast<std::underlying_type_t<T>>(value)); }
  template <typename Tag, typename Rep>
  void add(Strong<Tag, Rep> value) { add(value.value); }
  void add(Bytes value) { add(value.value); }
  void add(std::string_view text) {
    add(static_cast<std::uint32_t>(text.size()));
    out_.append(text);
  }
  template <typename T>
  void add(const std::optional<T>& value) {
    add(value.has_value());
    if (value) add(*value);
  }
  template <typename T>
  void add(const std::vector<T>& values) {
    add(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) add(value);
  }
  template <Visitable T>
  void add(const T& value) { T::fields(*this, value); }

  std::string& out_;
};

/// Takes the bytes of each visited field from `in`. The first field that does not fit or has an impossible value is
/// remembered and everything after it left alone.
class Decoder {
 public:
  explicit Decoder(std::string_view in) : at_(in.data()), end_(in.data() + in.size()) {}

  template <typename T>
  void operator()(std::string_view name, T& value) {
    if (bad_.empty() && !take(value) && bad_.empty()) bad_ = name;
  }

  /// The field that was bad; empty if none was.
  [[nodiscard]] std::string_view bad_field() const { return bad_; }
  [[nodiscard]] bool at_end() const { return at_ == end_; }

 private:
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  template <std::integral T>
  [[nodiscard]] bool take(T& value) {
    if (left() < sizeof value) return false;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return true;
  }
  [[nodiscard]] bool take(bool& value) {
    std::uint8_t byte = 0;
    if (!take(byte) || byte > 1) return false;
    value = byte == 1;
    return true;
  }
  template <Enumeration T>
  [[nodiscard]] bool take(T& value) {
    std::underlying_type_t<T> number{};
    if (!take(number)) return false;
    value = static_cast<T>(number);
    return is_valid(value);
  }
  template <typename Tag, typename Rep>
  [[nodiscard]] bool take(Strong<Tag, Rep>& value) { return take(value.value); }
  [[nodiscard]] bool take(Bytes& value) { return take(value.value); }
  [[nodiscard]] bool take(std::string_view& text) {
    std::uint32_t size = 0;
    if (!take(size) || left() < size) return false;
    text = {at_, size};
    at_ += size;
    return true;
  }
  [[nodiscard]] bool take(std::string& text) {
    std::string_view view;
    if (!take(view)) return false;
    text = view;
    return true;
  }
  template <typename T>
  [[nodiscard]] bool take(std::optional<T>& value) {
    bool present = false;
    if (!take(present)) return false;
    if (!present) {
      value.reset();
      return true;
    }
    return take(value.emplace());
  }
  template <typename T>
  [[nodiscard]] bool take(std::vector<T>& values) {
    std::uint32_t count = 0;
    if (!take(count) || count > left()) return false;  // an element has one byte at least
    values.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!take(values.emplace_back())) return false;
    }
    return true;
  }
  template <Visitable T>
  [[nodiscard]] bool take(T& value) {
    T::fields(*this, value);
    return bad_.empty();
  }

  const char* at_;
  const char* end_;
  std::string_view bad_;
};

template <typename Record>
[[nodiscard]] std::string encode(const Record& record) {
  std::string bytes;
  bytes.reserve(sizeof(Record));
  Encoder encoder(bytes);
  Record::fields(encoder, record);
  return bytes;
}

/// What decode() says of bytes that are no `kind`.
[[nodiscard]] Error decode_error(std::string_view kind, std::string_view bad_field);

/// Fills `record` from `bytes`; the text of a view points into them.
template <typename Record>
[[nodiscard]] Status decode_into(std::string_view bytes, std::string_view kind, Record& record) {
  Decoder decoder(bytes);
  Record::fields(decoder, record);
  if (!decoder.bad_field().empty() || !decoder.at_end()) [[unlikely]] return decode_error(kind, decoder.bad_field());
  return {};
}

template <typename Record>
[[nodiscard]] Result<Record> decode(std::string_view bytes, std::string_view kind) {
  Record record;
  TRY(decode_into(bytes, kind, record));
  return record;
}

/// LMDB's limit of a key (its compiled-in default).
inline constexpr std::size_t max_key_size = 511;
/// Of a name, and of each text in a PmiKey: two of them, an id and an index's prefix fit a key.
inline constexpr std::size_t max_name_size = 200;

/// A key that is one 64-bit number.
template <typename T>
inline constexpr bool is_number_key = false;
template <typename Tag>
inline constexpr bool is_number_key<Strong<Tag, std::uint64_t>> = true;

/// The bytes of one LMDB key, on the stack; aligned, as LMDB wants numbers.
class KeyBytes {
 public:
  KeyBytes() {}  // leaves data_ as it is: a key is built on every look-up

  /// The key of a record.
  template <typename T>
  explicit KeyBytes(const T& key) {
    if constexpr (is_number_key<T>) {
      append({reinterpret_cast<const char*>(&key.value), sizeof key.value});
    } else {
      add(key);
    }
  }

  /// Visitor of a composite key's fields.
  template <typename T>
  void operator()(std::string_view, const T& value) { add(value); }

  template <std::unsigned_integral T>
  void add(T value) {
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    append({reinterpret_cast<const char*>(&value), sizeof value});
  }
  template <typename E>
    requires std::is_enum_v<E>
  void add(E value) { add(static_cast<std::underlying_type_t<E>>(value)); }
  template <typename Tag, typename Rep>
  void add(Strong<Tag, Rep> value) { add(value.value); }
  void add(const std::string& text) {
    add(static_cast<std::uint8_t>(text.size()));
    append(text);
  }
  template <Visitable T>
  void add(const T& key) { T::fields(*this, key); }

  /// Plain bytes; what would exceed max_key_size is cut off, so such a key is only good for not being found. Writers
  /// check max_name_size first.
  void append(std::string_view bytes) {
    const std::size_t size = bytes.size() < max_key_size - size_ ? bytes.size() : max_key_size - size_;
    std::memcpy(data_.data() + size_, bytes.data(), size);
    size_ += size;
  }

  [[nodiscard]] std::string_view view() const { return {data_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::array<char, max_key_size> data_;
};

/// Visitor that writes fields as text: "id=3 slot=1 ...".
class Printer {
 public:
  template <typename T>
  void operator()(std::string_view name, const T& value) {
    if (!out_.empty() && out_.back() != '{') out_ += ' ';
    out_.append(name) += '=';
    add(value);
  }
  [[nodiscard]] std::string text() && { return std::move(out_); }

  void open(std::string_view kind) { out_.append(kind) += '{'; }
  void close() { out_ += '}'; }

 private:
  template <std::integral T>
  void add(T value) { out_ += std::to_string(value); }
  void add(bool value) { out_ += value ? "true" : "false"; }
  template <Enumeration T>
  void add(T value) { out_ += to_string(value); }
  template <typename Tag, typename Rep>
  void add(Strong<Tag, Rep> value) { add(value.value); }
  void add(Bytes value) { add(value.value); }
  void add(std::string_view text) { (out_ += '"').append(text) += '"'; }
  void add(const std::string& text) { add(std::string_view(text)); }
  template <typename T>
  void add(const std::optional<T>& value) {
    if (value) add(*value); else out_ += "none";
  }
  template <typename T>
  void add(const std::vector<T>& values) {
    out_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) out_ += ' ';
      add(values[i]);
    }
    out_ += ']';
  }
  template <Visitable T>
  void add(const T& value) {
    open("");
    T::fields(*this, value);
    close();
  }

  std::string out_;
};

/// "enclave{id=1 name="hpc" ...}": for messages, `dump` output and tests.
template <typename Record>
[[nodiscard]] std::string to_text(std::string_view kind, const Record& record) {
  Printer printer;
  printer.open(kind);
  Record::fields(printer, record);
  printer.close();
  return std::move(printer).text();
}

}  // namespace hobbes::db
