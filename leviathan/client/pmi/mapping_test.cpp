// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/pmi/mapping.hpp"

#include <catch2/catch.hpp>

using hobbes::client::pmi::clique_of;
using Ranks = std::vector<int>;

TEST_CASE("ranks find those of their system in a mapping", "[pmi]") {
  CHECK(clique_of(1, 3, "(vector,(0,1,3))") == Ranks{0, 1, 2});
  CHECK(clique_of(3, 5, "(vector,(0,2,2),(2,1,1))") == Ranks{2, 3});
  CHECK(clique_of(4, 5, "(vector,(0,2,2),(2,1,1))") == Ranks{4});
  CHECK(clique_of(2, 4, "(vector,(0,2,1))") == Ranks{0, 2});  // as often as it takes
}

TEST_CASE("what is no mapping names nobody", "[pmi]") {
  for (const char* text : {"", "(vector)", "(vector,(0,1))", "(vector,(0,0,0))", "(list,(0,1,2))", "(vector,(0,1,2)x"}) {
    CAPTURE(text);
    CHECK(clique_of(1, 4, text).size() <= 4);
  }
  CHECK(clique_of(1, 2, "(vector,(0,1))").empty());
  CHECK(clique_of(9, 2, "(vector,(0,1,2))").empty());
}
