// SPDX-License-Identifier: Apache-2.0
#include "base/cut.hpp"

#include <catch2/catch.hpp>
#include <utility>

namespace hobbes {
namespace {

struct Range {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

std::vector<Range> cut(const std::vector<Range>& ranges, std::uint64_t offset, std::uint64_t size) {
  return hobbes::cut(ranges, offset, size, [](const Range& range, std::uint64_t from, std::uint64_t length) {
    return Range{range.start + from, length};
  });
}

}  // namespace

TEST_CASE("a part of what lies in pieces is pieces", "[base]") {
  const std::vector<Range> ranges{{100, 10}, {500, 20}, {300, 30}};
  CHECK(cut(ranges, 0, 60) == ranges);
  CHECK(cut(ranges, 0, 0).empty());
  CHECK(cut(ranges, 3, 4) == std::vector<Range>{{103, 4}});
  CHECK(cut(ranges, 10, 20) == std::vector<Range>{{500, 20}});
  CHECK(cut(ranges, 9, 22) == std::vector<Range>{{109, 1}, {500, 20}, {300, 1}});
  CHECK(cut(ranges, 59, 1) == std::vector<Range>{{329, 1}});
}

}  // namespace hobbes
