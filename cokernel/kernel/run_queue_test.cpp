// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/run_queue.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace hobbes::lwk {
namespace {

struct Item : Runnable {
  explicit Item(char the_name, bool is_urgent = false) : name(the_name) { urgent = is_urgent; }
  char name;
};

std::string drain(RunQueue& queue) {
  std::string names;
  while (Runnable* item = queue.pop()) names += static_cast<Item*>(item)->name;
  return names;
}

TEST_CASE("a run queue is round robin, but the kernel's threads come first", "[run_queue]") {
  Item a('a'), b('b'), k('k', true), l('l', true);
  RunQueue queue;
  for (Item* item : {&a, &b, &k, &l}) queue.push(*item);
  CHECK(queue.length() == 4);
  CHECK(drain(queue) == "klab");
  CHECK(queue.empty());
}

TEST_CASE("who has had his turn is behind the others", "[run_queue]") {
  Item a('a'), b('b'), c('c');
  RunQueue queue;
  for (Item* item : {&a, &b, &c}) queue.push(*item);
  queue.push(*queue.pop());
  CHECK(drain(queue) == "bca");
}

TEST_CASE("one that may go elsewhere is taken from the middle", "[run_queue]") {
  Item a('a'), b('b'), c('c');
  RunQueue queue;
  for (Item* item : {&a, &b, &c}) queue.push(*item);
  CHECK(queue.take([&](Runnable& item) { return static_cast<Item&>(item).name == 'b'; }) == &b);
  CHECK(queue.take([&](Runnable&) { return false; }) == nullptr);
  queue.remove(a);
  CHECK(queue.length() == 1);
  CHECK(drain(queue) == "c");
}

TEST_CASE("a thread stays where it was if that CPU is free, else goes where the fewest are", "[run_queue]") {
  int loads[256];
  const auto choose = [&](std::uint64_t allowed, std::uint32_t last) {
    const std::uint64_t mask[4] = {allowed, 0, 0, 0};
    return choose_cpu(mask, last, [&](std::uint32_t cpu) { return loads[cpu]; });
  };
  for (int& load : loads) load = -1;
  loads[0] = 2, loads[1] = 0, loads[2] = 0, loads[3] = 1;
  CHECK(choose(0xf, 2) == 2);   // free, and its caches are there
  CHECK(choose(0xf, 0) == 1);   // another free one
  CHECK(choose(0x9, 0) == 3);   // the fewest of those allowed
  loads[3] = 2;
  CHECK(choose(0x9, 0) == 0);   // as many: stays
  CHECK(choose(0x9, 5) == 0);   // it was on one that has gone
  CHECK(choose(0x30, 0) == -1); // none of these is there
  const std::uint64_t high[4] = {0, 0, 0, 1ull << 63};
  loads[255] = 7;
  CHECK(choose_cpu(high, 0, [&](std::uint32_t cpu) { return loads[cpu]; }) == 255);
}

}  // namespace
}  // namespace hobbes::lwk
