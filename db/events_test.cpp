// SPDX-License-Identifier: Apache-2.0
#include "db/events.hpp"

#include <thread>

#include "db/test_node.hpp"

using namespace hobbes;
using namespace hobbes::db;
using namespace hobbes::db::test;

namespace {

Event state_event(std::uint64_t id, std::string word) {
  Event event;
  event.what = EventKind::state;
  event.object = ObjectKind::enclave;
  event.id = id;
  event.text = std::move(word);
  return event;
}

std::string show(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) text += std::to_string(event.sequence.value) + ":" + event.text + " ";
  return text;
}

}  // namespace

TEST_CASE("events are read after the one that is known", "[db]") {
  TestNode node;
  WriteTxn txn = must(node.env.write());
  CHECK(must(last_event(txn)) == Sequence(0));
  for (const char* word : {"a", "b", "c"}) must(append_event(txn, state_event(1, word)));
  must(std::move(txn).commit());

  const ReadTxn reader = must(node.env.read());
  CHECK(show(must(events_after(reader, Sequence(0)))) == "1:a 2:b 3:c ");
  CHECK(show(must(events_after(reader, Sequence(1)))) == "2:b 3:c ");
  CHECK(show(must(events_after(reader, Sequence(0), 1))) == "1:a ");
  CHECK(must(events_after(reader, Sequence(3))).empty());
  CHECK(must(events_after(reader, Sequence(UINT64_MAX))).empty());
  CHECK(must(last_event(reader)) == Sequence(3));
  CHECK(must(events_after(reader, Sequence(0))).front().time.value > 0);
}

TEST_CASE("an event happens with its transaction or not at all", "[db]") {
  TestNode node;
  {
    WriteTxn txn = must(node.env.write());
    must(append_event(txn, state_event(1, "dropped")));
  }
  CHECK(must(last_event(must(node.env.read()))) == Sequence(0));
}

TEST_CASE("the history is bounded and says so by its numbers", "[db]") {
  TestNode node;
  constexpr std::uint64_t many = 3 * events_kept;
  WriteTxn txn = must(node.env.write());
  for (std::uint64_t i = 0; i < many; ++i) must(append_event(txn, state_event(i, "x")));
  const auto events = must(events_after(txn, Sequence(0)));
  CHECK(events.size() >= events_kept);
  CHECK(events.size() < events_kept + events_kept / 8);
  CHECK(events.back().sequence == Sequence(many));
  CHECK(events.front().sequence.value == many - events.size() + 1);
  CHECK(check(txn) == Problems{});
}

TEST_CASE("a waiting reader is woken by a commit", "[db]") {
  TestNode node;
  const std::uint32_t seen = node.env.change_word().value();
  Result<bool> changed = false;
  std::thread reader([&] { changed = node.env.change_word().wait(seen); });
  WriteTxn txn = must(node.env.write());
  must(append_event(txn, state_event(1, "x")));
  must(std::move(txn).commit());
  reader.join();  // never, if the commit woke nobody
  CHECK(must(std::move(changed)));
  CHECK(node.env.change_word().value() == seen + 1);
}

TEST_CASE("a change before the wait ends it at once", "[db]") {
  TestNode node;
  const std::uint32_t seen = node.env.change_word().value();
  WriteTxn empty = must(node.env.write());
  must(std::move(empty).commit());
  CHECK(must(node.env.change_word().wait(seen)));
}

TEST_CASE("waiting ends at its deadline", "[db]") {
  const TestNode node;
  const ChangeWord& word = node.env.change_word();
  CHECK_FALSE(must(word.wait(word.value(), std::chrono::steady_clock::now() + std::chrono::milliseconds(1))));
  CHECK_FALSE(must(word.wait(word.value(), std::chrono::steady_clock::now() - std::chrono::hours(1))));
}

TEST_CASE("an aborted transaction changes no word", "[db]") {
  TestNode node;
  const std::uint32_t seen = node.env.change_word().value();
  { const WriteTxn dropped = must(node.env.write()); }
  CHECK(node.env.change_word().value() == seen);
}
