// SPDX-License-Identifier: Apache-2.0
// Clients reach services through the socket and their queue, are judged by who they are, and cannot harm the server.
#include "leviathan/server/server.hpp"

#include <catch2/catch.hpp>

#include "leviathan/client/client.hpp"
#include "leviathan/client/connection.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/served_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

constexpr const char* small_enclave = "<pisces name='a'><cpus><cores>1</cores></cpus></pisces>";
constexpr std::chrono::minutes patience{1};

}  // namespace

TEST_CASE("a client makes, pings, changes and ends an enclave", "[leviathan]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client);
  const auto created = client->create_enclave(small_enclave, "a.xml", "");
  REQUIRE(created);
  CHECK(*created == "a");
  CHECK(client->ping("a", kib(300)));
  CHECK_THAT(*client->dump_queue("a"), Catch::Contains("HCQ"));
  CHECK(client->assign_memory("a", mib(128), any_numa, false));
  CHECK(client->remove_memory("a", mib(128), any_numa));
  CHECK(client->remove_cpus("a", 1));
  CHECK(served.node.owners() == "cpus 0=master 1=a 2=free 3=free | blocks a:1 free:7");
  CHECK(client->destroy_enclave("a"));
  CHECK(served.node.owners() == "cpus 0=master 1=free 2=free 3=free | blocks free:8");
  served.node.check_sound();
}

TEST_CASE("a refusal reaches the client with its code and sentence", "[leviathan]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client);
  const auto refused = client->destroy_enclave("nobody");
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::not_found);
  CHECK_THAT(refused.error().text(), Catch::Contains("'nobody'"));
}

TEST_CASE("an unknown or malformed request is refused, and the connection lives on", "[leviathan]") {
  ServedNode served;
  const auto connection = client::Connection::open(served.node.path());
  REQUIRE(connection);
  const protocol::EnclaveName nobody{.enclave = "nobody"};
  constexpr std::uint32_t no_such_code = HOBBES_CMD_FIRST_CLIENT_CODE + 999;
  CHECK((*connection)->call(no_such_code, nobody, patience).error().code() == Code::unsupported);
  CHECK((*connection)->call(protocol::request::assign_memory, protocol::ConsoleRef{}, patience).error().code() ==
        Code::invalid);
  CHECK((*connection)->call(protocol::request::dump_queue, nobody, patience).error().code() == Code::not_found);
}

TEST_CASE("a client of a server that stops is told so", "[leviathan]") {
  ServedNode served;
  auto client = client::Client::open(served.node.path());
  REQUIRE(client);
  REQUIRE(client->create_enclave(small_enclave, "a.xml", ""));
  served.stop_server();
  CHECK(client->ping("a", Bytes(0)).error().code() == Code::unavailable);
}

TEST_CASE("reading is for readers, changing for admins", "[leviathan]") {
  const Service reading{.code = 1, .name = "look", .privilege = Privilege::read, .handler = nullptr};
  const Service changing{.code = 2, .name = "change", .privilege = Privilege::change, .handler = nullptr};
  const Service using_own{.code = 3, .name = "use", .privilege = Privilege::use, .handler = nullptr};
  const Policy policy{.owner = 0, .readers = {"look", 200}, .admins = {"hobbes-admin", 201}};
  Caller reader;
  reader.may_read = true;
  CHECK(check_privilege(reading, reader, policy));
  CHECK(check_privilege(using_own, reader, policy));
  const Status refused = check_privilege(changing, reader, policy);
  REQUIRE(!refused);
  CHECK(refused.error().code() == Code::denied);
  CHECK_THAT(refused.error().text(), Catch::Contains("hobbes-admin"));
  CHECK(!check_privilege(reading, Caller{}, policy));
  CHECK_THAT(check_privilege(using_own, Caller{}, policy).error().text(), Catch::Contains("'look'"));
}

TEST_CASE("every service has a name and is found by its code", "[leviathan]") {
  for (const Service& service : services()) {
    CHECK(!service.name.empty());
    CHECK(service.handler != nullptr);
    CHECK(find_service(service.code) == &service);
  }
  CHECK(find_service(0) == nullptr);
}
