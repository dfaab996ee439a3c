// SPDX-License-Identifier: Apache-2.0
// Whose an enclave may be, and who uses it.
#include "leviathan/enclaves/owner.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;
using enclaves::Owner;

namespace {

constexpr Owner root{0, 0}, ada{61001, 61009};

/// "uid:gid", or the refusal.
std::string parsed(std::string_view text, const Owner& creator = root) {
  const auto owner = enclaves::parse_owner(text, creator);
  return owner ? std::to_string(owner->uid) + ":" + std::to_string(owner->gid) : owner.error().text();
}

}  // namespace

TEST_CASE("an enclave is its creator's unless root says otherwise", "[leviathan]") {
  CHECK(parsed("", ada) == "61001:61009");
  CHECK(parsed("61001:61009", ada) == "61001:61009");
  CHECK(parsed("61002:61002") == "61002:61002");
  CHECK(parsed("root", root) == "0:0");
  for (const char* somebody_else : {"61002:61009", "61001:0", "root", "0:61009"}) {
    CHECK(enclaves::parse_owner(somebody_else, ada).error().code() == Code::denied);
  }
}

TEST_CASE("an owner that is nobody is refused with the reason", "[leviathan]") {
  CHECK_THAT(parsed("no-such-user"), Catch::Contains("no such user"));
  CHECK_THAT(parsed("0:no-such-group"), Catch::Contains("no-such-group"));
  CHECK_THAT(parsed("61002"), Catch::Contains("write 61002:GROUP"));
  CHECK_THAT(parsed("61002:"), Catch::Contains("group"));
  CHECK_THAT(parsed("4294967295:0"), Catch::Contains("4294967295"));  // the kernel's "none"
}

TEST_CASE("an enclave is used by its owner and by those who may change the node", "[leviathan]") {
  TestNode node;
  REQUIRE(node.create_xml("<pisces name='a'/>"));  // user 7's
  Caller caller;
  caller.uid = 8;
  CHECK(enclaves::check_use(node.node(), caller, "a").error().code() == Code::denied);
  CHECK(enclaves::check_use(node.node(), caller, "x").error().code() == Code::not_found);
  caller.uid = 7;
  CHECK(enclaves::check_use(node.node(), caller, "a"));
  caller = {};
  caller.uid = 9;
  caller.may_change = true;
  CHECK(enclaves::check_use(node.node(), caller, "a"));
}
