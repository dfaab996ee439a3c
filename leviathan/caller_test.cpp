// SPDX-License-Identifier: Apache-2.0
// What a caller may do follows from what the kernel says of him.
#include "leviathan/caller.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/unique_fd.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr uid_t owner = 1000;
constexpr gid_t readers = 200, admins = 201, others = 300;
const Policy policy{owner, {"readers", readers}, {"admins", admins}};

std::string judged(uid_t uid, gid_t gid, std::vector<gid_t> groups, const Policy& by = policy) {
  Caller caller{1, uid, gid, std::move(groups), false, false};
  by.judge(caller);
  return std::string(caller.may_read ? "read" : "") + (caller.may_change ? "+change" : "");
}

}  // namespace

TEST_CASE("root and the daemon's own user may change the node", "[leviathan]") {
  CHECK(judged(0, 0, {}) == "read+change");
  CHECK(judged(owner, others, {}) == "read+change");
}

TEST_CASE("the admins' group may change, the readers' group may read, nobody else anything", "[leviathan]") {
  CHECK(judged(1001, others, {others, admins}) == "read+change");
  CHECK(judged(1001, admins, {}) == "read+change");
  CHECK(judged(1001, others, {readers}) == "read");
  CHECK(judged(1001, readers, {}) == "read");
  CHECK(judged(1001, others, {others}) == "");
}

TEST_CASE("a group this machine does not have admits nobody", "[leviathan]") {
  CHECK(judged(1001, 0, {0}, Policy{owner, {"readers"}, {"admins"}}) == "");
}

TEST_CASE("a group is given by its name or by a number that no list has to know", "[leviathan]") {
  CHECK(parse_group("root")->id == 0);
  CHECK(parse_group("4000000000")->id == 4000000000);
  CHECK(parse_group("no-such-group").error().code() == Code::not_found);
  CHECK(!parse_group("4294967295"));  // the kernel's "none"
  CHECK(!parse_group(""));
}

TEST_CASE("what is somebody's own is for him and for those who may change the node", "[leviathan]") {
  Caller caller;
  caller.uid = 1001;
  CHECK(check_use(caller, 1001, "thing"));
  CHECK_THAT(check_use(caller, 1002, "thing").error().text(), Catch::StartsWith("thing: belongs to user 1002"));
  caller.may_change = true;
  CHECK(check_use(caller, 1002, "thing"));
}

TEST_CASE("the kernel names the peer of a socket", "[leviathan]") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  const UniqueFd ours(ends[0]), theirs(ends[1]);

  const auto caller = identify(ours.get(), Policy::here());
  REQUIRE(caller);
  CHECK(caller->pid == ::getpid());
  CHECK(caller->uid == ::geteuid());
  CHECK(caller->may_change);
}
