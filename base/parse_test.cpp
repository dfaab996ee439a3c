// SPDX-License-Identifier: Apache-2.0
#include "base/parse.hpp"

#include <catch2/catch.hpp>

using namespace hobbes;

TEST_CASE("numbers are decimal or 0x, whole, and in range", "[base]") {
  CHECK(*parse_u64("42", "n") == 42);
  CHECK(*parse_u64("0x2a", "n") == 42);
  CHECK(*parse_i64("-7", "n") == -7);
  for (const char* text : {"", "x", "4 ", "4x", "-1", "0x", "0x-1", "18446744073709551616"})
    CHECK_FALSE(parse_u64(text, "n"));
  CHECK(parse_u64("9", "number of CPUs", 1, 8).error().text() == "number of CPUs '9' must be from 1 to 8");
}

TEST_CASE("only digits make a decimal number", "[base]") {
  CHECK(is_decimal("007"));
  for (const char* text : {"", "x7", "7x", "-7", "0x7", " 7"}) CHECK_FALSE(is_decimal(text));
}

TEST_CASE("modes are octal permissions", "[base]") {
  CHECK(*parse_mode("755", "mode") == 0755);
  CHECK(*parse_mode("0600", "mode") == 0600);
  for (const char* text : {"", "u+x", "888", "1777", "75 ", "-1"}) CHECK_FALSE(parse_mode(text, "mode"));
}

TEST_CASE("sizes count in the default unit or say theirs", "[base]") {
  CHECK(*parse_size("2", "size") == mib(2));
  CHECK(*parse_size("2", "size", Bytes(1)) == Bytes(2));
  CHECK(*parse_size("2k", "size") == kib(2));
  CHECK(*parse_size("2GiB", "size") == gib(2));
  for (const char* text : {"", "M", "2X", "2Mx", "-2", "99999999999999T"}) CHECK_FALSE(parse_size(text, "size"));
}

TEST_CASE("CPU lists round-trip", "[base]") {
  for (const char* text : {"0", "0-3", "0-1,4,6-7"})
    CHECK(format_cpu_list(*parse_cpu_list(text, "cpulist")) == text);
  CHECK(format_cpu_list(*parse_cpu_list("3,1,2,1", "cpulist")) == "1-3");
  for (const char* text : {"", ",", "1,", "3-1", "a", "1-", "0-99999999"}) CHECK_FALSE(parse_cpu_list(text, "cpulist"));
}
