// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/registry.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "leviathan/segments/segments.hpp"
#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;
using namespace hobbes::leviathan::segments;

namespace {

std::shared_ptr<Pages> pages(std::uint64_t size) {
  auto made = std::make_shared<Pages>();
  made->size = size;
  return made;
}

NewSegment named(const std::string& name, std::uint32_t mode = 0600) {
  return {.name = name, .wanted = {}, .address = 0, .mode = mode, .pages = pages(2 * page_size), .signal = nullptr};
}

Who user(uid_t uid, gid_t gid = 100) {
  return {.uid = uid, .gid = gid, .groups = {}, .enclave = master_enclave, .app = AppId(0), .pid = uid};
}

template <typename T>
int errno_of(const Result<T>& result) {
  return result ? 0 : hobbes::errno_of(result.error());
}

Result<Segment> no_value() { return Error(Code::not_found, "let go"); }

std::vector<db::Segment> records(TestNode& node) { return *node.node().db().read()->list<db::Segment>(); }

}  // namespace

TEST_CASE("a segment's name is unique, and as long as it may be", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  const auto made = registry.make(named("field"), user(7));
  REQUIRE(made);
  CHECK(errno_of(registry.make(named("field"), user(8))) == EEXIST);
  CHECK(errno_of(registry.make(named(std::string(64, 'n')), user(7))) == ENAMETOOLONG);
  CHECK(registry.make(named(std::string(63, 'n')), user(7)));
  CHECK(errno_of(registry.make(named(std::string("a\0b", 3)), user(7))) == EINVAL);
  NewSegment wanted = named("");
  wanted.wanted = SegmentId(17);
  CHECK(registry.make(wanted, user(7)));
  CHECK(errno_of(registry.make(wanted, user(7))) == EEXIST);
  wanted.wanted = SegmentId(32);
  CHECK(errno_of(registry.make(wanted, user(7))) == EINVAL);
  NewSegment replacing = named("field");
  replacing.replace = true;
  CHECK(errno_of(registry.make(replacing, user(8))) == EEXIST);
  const auto newer = registry.make(replacing, user(7));
  REQUIRE(newer);
  CHECK(*newer > *made);
  CHECK(errno_of(registry.find(*made, user(7), false)) == ENOENT);
  node.check_sound();
}

TEST_CASE("ids are reserved for segments that come later", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  const auto ids = *registry.reserve(3);
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] < ids[1]);
  CHECK(ids[1] < ids[2]);
  CHECK(*registry.make(named("other"), user(7)) > ids[2]);
  NewSegment wanted = named("field");
  wanted.wanted = ids[1];
  CHECK(errno_of(registry.make(wanted, user(7))) == EINVAL);
  wanted.reserved = true;
  CHECK(*registry.make(wanted, user(7)) == ids[1]);
  node.check_sound();
}

TEST_CASE("a segment's mode says who may use it", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  const SegmentId segment = *registry.make(named("field", 0640), user(7, 100));
  CHECK(registry.find(segment, user(7, 100), true));
  CHECK(registry.find(segment, user(8, 100), false));
  CHECK(errno_of(registry.find(segment, user(8, 100), true)) == EACCES);
  CHECK(errno_of(registry.find(segment, user(8, 200), false)) == EACCES);
  const gid_t groups[] = {100};
  Who member = user(8, 200);
  member.groups = groups;
  CHECK(registry.find(segment, member, false));
  CHECK(registry.find(segment, user(0, 0), true));
  CHECK(errno_of(registry.remove(segment, user(8))) == EPERM);

  NewSegment constant = named("constant", 0666);
  constant.pages->may_write = false;
  CHECK(errno_of(registry.find(*registry.make(constant, user(7)), user(0), true)) == EACCES);
}

TEST_CASE("a removed segment's record goes with its last attachment, its pages with their last holder", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  NewSegment field = named("field");
  bool free = false;
  field.pages->let_go = [&free] { free = true; };
  const SegmentId segment = *registry.make(field, user(7));
  field.pages.reset();
  auto opened = registry.find(segment, user(7), true);
  const auto attachment = registry.attach({.segment = segment, .address = 0, .offset = 0, .size = page_size}, user(7));
  REQUIRE(attachment);

  REQUIRE(registry.remove(segment, user(7)));
  CHECK(errno_of(registry.find(segment, user(7), false)) == ENOENT);
  CHECK(errno_of(registry.remove(segment, user(7))) == ENOENT);
  REQUIRE(records(node).size() == 1);
  CHECK(records(node)[0].removed);
  CHECK(records(node)[0].name.empty());
  CHECK(registry.make(named("field"), user(8)));
  node.check_sound();

  REQUIRE(registry.detach(*attachment));
  CHECK(records(node).size() == 1);  // the other one of that name
  CHECK_FALSE(free);
  opened = no_value();
  CHECK(free);
  node.check_sound();
}

TEST_CASE("who has gone leaves nothing behind", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  const SegmentId first = *registry.make(named("first"), user(7));
  const SegmentId second = *registry.make(named("second", 0666), user(8));
  const db::AttachmentId attachments[] = {*registry.attach({.segment = second, .size = page_size}, user(7))};
  const SegmentId made[] = {first};
  REQUIRE(registry.end_process(attachments, made, user(7)));
  CHECK(records(node).size() == 1);
  CHECK(node.node().db().read()->list<db::Attachment>()->empty());
  REQUIRE(registry.forget_linux());
  CHECK(records(node).empty());
  node.check_sound();
}

TEST_CASE("who has gone does not take a number along that is another's by now", "[segments]") {
  TestNode node;
  Registry registry(node.node().db());
  NewSegment known = named("known");
  known.wanted = SegmentId(5);
  const SegmentId made[] = {*registry.make(known, user(7))};
  known.wanted = {};
  known.replace = true;
  REQUIRE(registry.make(known, user(7)));
  NewSegment others = named("others");
  others.wanted = SegmentId(5);
  REQUIRE(registry.make(others, user(8)));
  REQUIRE(registry.end_process({}, made, user(7)));
  CHECK(registry.find(SegmentId(5), user(8), false));
  node.check_sound();
}

TEST_CASE("an enclave that offers what it does not own is refused", "[segments]") {
  TestNode node;
  REQUIRE(node.create("a"));
  std::optional<Segments> segments;
  node.node().run_on_loop_and_wait([&] {
    segments.emplace(node.node());
    for (const auto& enclave : node.node().all_live()) segments->enclave_started(enclave, false);
  });
  const EnclaveId enclave = node.record("a").id;
  db::App app;
  std::uint64_t own = 0, others = 0;
  {
    auto txn = *node.node().db().write();
    app.id = *txn.next_id<db::App>();
    app.name = "exporter";
    app.enclave = enclave;
    app.state = db::AppState::running;
    REQUIRE(txn.put(app));
    const auto blocks = *txn.list<db::MemoryBlock>();
    for (const db::MemoryBlock& block : blocks) (block.owner == enclave ? own : others) = block.base.value;
    REQUIRE(std::move(txn).commit());
  }
  const auto offer = [&](std::uint64_t base, std::uint64_t size, AppId from) {
    hobbes_xemem_request head{};
    head.version = HOBBES_XEMEM_VERSION;
    head.op = HOBBES_XEMEM_MAKE;
    head.app_id = from.value;
    head.size = size;
    head.extent_count = 1;
    const hobbes_xemem_extent extent{base, size};
    std::vector<std::byte> bytes(sizeof head + sizeof extent);
    std::memcpy(bytes.data(), &head, sizeof head);
    std::memcpy(bytes.data() + sizeof head, &extent, sizeof extent);
    node.node().run_on_loop_and_wait([&] { segments->xemem_requested(enclave, bytes); });
    return records(node).size();
  };
  CHECK(offer(others, page_size, app.id) == 0);
  CHECK(offer(own + TestNode::block_size.value - page_size, 2 * page_size, app.id) == 0);
  CHECK(offer(own + 1, page_size, app.id) == 0);
  CHECK(offer(own, 0, app.id) == 0);
  CHECK(offer(own, page_size, AppId(app.id.value + 1)) == 0);
  CHECK(offer(own + page_size, page_size, app.id) == 1);
  hobbes_app_status ended{};
  ended.app_id = app.id.value;
  node.node().run_on_loop_and_wait([&] { segments->app_ended(enclave, ended); });
  CHECK(records(node).empty());
  node.settle_loop();
  node.node().join_workers();
  node.node().run_on_loop_and_wait([&] { segments.reset(); });
}
