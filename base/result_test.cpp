// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <memory>

#include <catch2/catch.hpp>

using namespace hobbes;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error(Code::invalid, "odd");
  return n / 2;
}

Result<int> quarter(int n) { return TRY(half(TRY(half(n)))); }

Status check_even(int n) {
  TRY(half(n));
  return {};
}

}  // namespace

TEST_CASE("TRY yields the value or returns the error", "[base]") {
  CHECK(*quarter(8) == 2);
  CHECK(quarter(6).error().text() == "odd");
  CHECK(check_even(2));
  CHECK_FALSE(check_even(3));
}

TEST_CASE("a Result carries move-only values", "[base]") {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  CHECK(**std::move(result) == 3);
}
