// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error, with std::expected's member names (C++23) so that it can be swapped for it.
#pragma once

#include <cassert>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/error.hpp"

namespace hobbes {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { assert(has_value()); return *std::get_if<0>(&state_); }
  [[nodiscard]] const T& value() const& { assert(has_value()); return *std::get_if<0>(&state_); }
  [[nodiscard]] T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  template <typename U>
  [[nodiscard]] T value_or(U&& other) && {
    return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<U>(other));
  }

  [[nodiscard]] Error& error() & { assert(!has_value()); return *std::get_if<1>(&state_); }
  [[nodiscard]] const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&state_); }
  [[nodiscard]] Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return error_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  void value() const { assert(has_value()); }
  void operator*() const { value(); }

  [[nodiscard]] Error& error() & { assert(!has_value()); return *std::get_if<1>(&error_); }
  [[nodiscard]] const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&error_); }
  [[nodiscard]] Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&error_)); }

 private:
  std::variant<std::monostate, Error> error_;
};

using Status = Result<void>;

}  // namespace hobbes

#define HOBBES_TRY_JOIN_(a, b) a##b
#define HOBBES_TRY_(name, expression)                  \
  __extension__({                                      \
    auto name = (expression);                          \
    if (!name) return std::move(name).error();         \
    *std::move(name);                                  \
  })
#define HOBBES_TRY_NAMED_(n, expression) HOBBES_TRY_(HOBBES_TRY_JOIN_(try_result_, n), expression)
/// The value of a Result expression, or an early return of its error from the enclosing function. Not after something
/// that owns in the same braces or arguments: what g++ has built there is not destroyed by the return.
#define TRY(expression) HOBBES_TRY_NAMED_(__COUNTER__, expression)
