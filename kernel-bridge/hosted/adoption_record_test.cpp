// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/adoption_record.hpp"

#include <catch2/catch.hpp>

namespace hobbes::bridge {

TEST_CASE("an adoption record survives its way through text", "[hosted]") {
  const AdoptionRecord record{{4711, 123456}, "/run/hobbes/a;b=c/machine.sock"};
  CHECK(to_text(record) == "pid=4711;start=123456;socket=/run/hobbes/a;b=c/machine.sock");
  CHECK(parse_adoption_record(to_text(record)).value() == record);
}

TEST_CASE("a text that is no adoption record is refused", "[hosted]") {
  for (const char* text : {"", "pid=1", "pid=4711;start=1;socket=", "pid=4711;socket=/x", "pid=-5;start=1;socket=/x",
                           "pid=1;start=1;socket=/x", "pid=4711;start=x;socket=/x", "start=1;pid=4711;socket=/x",
                           "pid=99999999999;start=1;socket=/x"}) {
    INFO(text);
    CHECK(parse_adoption_record(text).error().code() == Code::corrupt);
  }
}

}  // namespace hobbes::bridge
