// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/smartmap.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"
#include "cokernel/kernel/fs/testing/port.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace hobbes::lwk {
namespace {

using testing::PageChange;

constexpr uint32_t read_write = port::prot_read | port::prot_write;
constexpr UserAddr base = 0x10000000;

/// What a process' page tables say of a page.
struct Page {
  PhysAddr physical;
  uint32_t protection;
  bool operator==(const Page& other) const { return physical == other.physical && protection == other.protection; }
};
using PageTable = std::map<UserAddr, Page>;

std::map<const Process*, PageTable> tables;
const Process* out_of_tables = nullptr;  ///< has no room for another mapping
int interrupts = 0;

int change_table(const PageChange& change) {
  const Process* process = port::current().process;
  PageTable& table = tables[process];
  if (change.kind == PageChange::Kind::map && process == out_of_tables) return -ENOMEM;
  if (change.kind == PageChange::Kind::unmap) {
    table.erase(table.lower_bound(change.start), table.lower_bound(change.start + change.size));
    return 0;
  }
  for (uint64_t at = 0; at < change.size; at += page_size) {
    if (change.kind == PageChange::Kind::map) table[change.start + at] = {change.physical + at, change.protection};
    else if (const auto page = table.find(change.start + at); page != table.end())
      page->second.protection = change.protection;
  }
  return 0;
}

/// The interrupted thread does at once what it would do in its handler.
void take_up(Thread& thread) {
  ++interrupts;
  Thread* before = testing::set_current(&thread);
  Smartmap::take_up_changes(*thread.process);
  (void)testing::set_current(before);
}

/// Ranks of one application.
class Ranks {
 public:
  static constexpr uint32_t count = 3;

  /// Does something as a rank.
  template <typename Action>
  auto as(uint32_t rank, Action action) {
    Thread* before = testing::set_current(&threads_[rank]);
    auto result = action(processes_[rank].process());
    (void)testing::set_current(before);
    return result;
  }

  Ranks() {
    tables.clear();
    out_of_tables = nullptr;
    interrupts = 0;
    testing::on_page_change = change_table;
    testing::on_interrupt = take_up;
    processes_[0].app().smartmap = &map;
    for (uint32_t i = 0; i < count; ++i) {
      Process& process = processes_[i].process();
      process.app = &processes_[0].app();
      process.rank = i;
      process.space.confine(smartmap_slot);
      threads_[i].process = &process;
      process.threads.push_back(threads_[i]);
    }
  }
  ~Ranks() {
    for (uint32_t i = 0; i < count; ++i) {
      as(i, [&](Process& process) {
        map.leave(process);
        process.space.clear(true);
        return 0;
      });
      threads_[i].unlink();
    }
    testing::on_page_change = nullptr;
    testing::on_interrupt = nullptr;
  }

  void join_all() {
    for (uint32_t i = 0; i < count; ++i) REQUIRE(as(i, [&](Process& process) { return map.join(process); }) == 0);
  }
  Sysret map_pages(uint32_t rank, uint64_t page, uint64_t pages, uint32_t protection = read_write) {
    AddressSpace::Request request;
    request.address = base + page * page_size;
    request.size = pages * page_size;
    request.protection = protection;
    request.fixed = true;
    return as(rank, [&](Process& process) { return process.space.map(request); });
  }
  Sysret unmap_pages(uint32_t rank, uint64_t page, uint64_t pages) {
    return as(rank, [&](Process& process) { return process.space.unmap(base + page * page_size, pages * page_size); });
  }
  Sysret protect_pages(uint32_t rank, uint64_t page, uint64_t pages, uint32_t protection) {
    return as(rank, [&](Process& process) {
      return process.space.protect(base + page * page_size, pages * page_size, protection);
    });
  }

  Process& process(uint32_t rank) { return processes_[rank].process(); }
  /// What a rank's page tables have in a range of `smartmap_slot`, seen from there.
  PageTable part(uint32_t rank, UserAddr start) {
    PageTable found;
    const PageTable& table = tables[&process(rank)];
    for (auto page = table.lower_bound(start); page != table.end() && page->first < start + smartmap_slot; ++page)
      found[page->first - start] = page->second;
    return found;
  }
  /// `viewer` has what `source` has at its own addresses.
  bool sees_all(uint32_t viewer, uint32_t source) {
    return part(viewer, Smartmap::slot_of(source)) == part(source, 0);
  }
  bool sees_nothing(uint32_t viewer, uint32_t source) { return part(viewer, Smartmap::slot_of(source)).empty(); }
  bool all_see_all() {
    for (uint32_t viewer = 0; viewer < count; ++viewer)
      for (uint32_t source = 0; source < count; ++source)
        if (!sees_all(viewer, source)) return false;
    return true;
  }

  Smartmap map;

 private:
  testing::TestProcess processes_[count];
  Thread threads_[count];
};

TEST_CASE("ranks see what the others have and what they change", "[smartmap]") {
  Ranks ranks;
  REQUIRE(ranks.map_pages(0, 0, 4) > 0);  // before anybody joins
  ranks.join_all();
  CHECK(ranks.part(1, Smartmap::slot_of(0)).size() == 4);
  CHECK(ranks.all_see_all());

  REQUIRE(ranks.map_pages(1, 0, 8) > 0);
  CHECK(ranks.part(2, Smartmap::slot_of(1)).size() == 8);
  REQUIRE(ranks.protect_pages(1, 2, 2, port::prot_read) == 0);
  CHECK(ranks.part(0, Smartmap::slot_of(1))[base + 2 * page_size].protection == port::prot_read);
  REQUIRE(ranks.unmap_pages(1, 1, 2) == 0);
  CHECK(ranks.part(0, Smartmap::slot_of(1)).size() == 6);
  CHECK(ranks.part(1, Smartmap::slot_of(1)).size() == 6);  // its own, too
  CHECK(ranks.all_see_all());
  CHECK(interrupts > 0);
}

TEST_CASE("memory is where the ranks see it", "[smartmap]") {
  Ranks ranks;
  ranks.join_all();
  REQUIRE(ranks.map_pages(2, 0, 2, port::prot_read) > 0);
  Extent here, there;
  REQUIRE(ranks.process(2).space.locate(base + 10, 4, port::prot_read, here));
  CHECK(ranks.map.locate(Smartmap::slot_of(2) + base + 10, 4, port::prot_read, there));
  CHECK(there.base == here.base);
  CHECK_FALSE(ranks.map.locate(Smartmap::slot_of(2) + base + 10, 4, port::prot_write, there));
  CHECK_FALSE(ranks.map.locate(Smartmap::slot_of(2) + base + 2 * page_size, 4, port::prot_read, there));
  CHECK_FALSE(ranks.map.locate(base + 10, 4, port::prot_read, there));                       // nobody's slot
  CHECK_FALSE(ranks.map.locate(Smartmap::slot_of(77) + base, 4, port::prot_read, there));    // no rank's
}

TEST_CASE("a rank that leaves is seen no more, and holds nobody up", "[smartmap]") {
  Ranks ranks;
  ranks.join_all();
  REQUIRE(ranks.map_pages(1, 0, 4) > 0);
  ranks.as(1, [&](Process& process) {
    ranks.map.leave(process);
    return 0;
  });
  CHECK(ranks.process(1).smartmap_rank == nullptr);
  CHECK((ranks.sees_nothing(0, 1) && ranks.sees_nothing(2, 1)));
  CHECK((ranks.sees_nothing(1, 0) && ranks.sees_nothing(1, 2)));
  interrupts = 0;
  REQUIRE(ranks.map_pages(1, 8, 1) > 0);  // its own affair now
  CHECK(interrupts == 0);
  REQUIRE(ranks.map_pages(0, 0, 1) > 0);
  CHECK((ranks.sees_all(2, 0) && ranks.sees_nothing(1, 0)));
  CHECK(ranks.as(1, [&](Process& process) { return ranks.map.join(process); }) == 0);  // another program of it
  CHECK(ranks.all_see_all());
}

TEST_CASE("a rank looks away and looks again", "[smartmap]") {
  Ranks ranks;
  ranks.join_all();
  const int source = ranks.process(0).pid;
  const auto look_at = [&](int pid, UserAddr at) {
    return ranks.as(1, [&](Process& process) { return ranks.map.look_at(process, pid, at); });
  };
  const auto look_away = [&](int pid) {
    return ranks.as(1, [&](Process& process) { return ranks.map.look_away(process, pid); });
  };
  CHECK(look_at(source, Smartmap::slot_of(0)) == -EEXIST);
  CHECK(look_away(source) == 0);
  CHECK(look_away(source) == -ENOENT);
  CHECK(look_away(4711) == -ESRCH);
  REQUIRE(ranks.map_pages(0, 0, 4) > 0);
  CHECK((ranks.sees_nothing(1, 0) && ranks.sees_all(2, 0)));
  CHECK(look_at(4711, Smartmap::slot_of(0)) == -ESRCH);
  CHECK(look_at(source, Smartmap::slot_of(2)) == -EINVAL);
  CHECK(look_at(source, Smartmap::slot_of(0)) == 0);
  CHECK(ranks.all_see_all());
}

TEST_CASE("what one of the viewers cannot map is not mapped", "[smartmap]") {
  Ranks ranks;
  ranks.join_all();
  out_of_tables = &ranks.process(2);
  CHECK(ranks.map_pages(0, 0, 4) == -ENOMEM);
  CHECK(ranks.map_pages(1, 0, 4) == -ENOMEM);
  CHECK(ranks.all_see_all());  // nothing of it
  CHECK(ranks.part(0, 0).empty());
  out_of_tables = nullptr;
  CHECK(ranks.map_pages(0, 0, 4) > 0);
  CHECK(ranks.all_see_all());
}

TEST_CASE("whatever ranks do to their memory, all see the same", "[smartmap]") {
  Ranks ranks;
  ranks.join_all();
  std::mt19937 random(4711);  // NOLINT: the same each time
  const auto below = [&](uint32_t end) { return static_cast<uint32_t>(random() % end); };
  for (int step = 0; step < 500; ++step) {
    const uint32_t rank = below(Ranks::count), page = below(24), pages = 1 + below(8);
    switch (below(3)) {
      case 0: REQUIRE(ranks.map_pages(rank, page, pages) > 0); break;
      case 1: REQUIRE(ranks.unmap_pages(rank, page, pages) == 0); break;
      default: (void)ranks.protect_pages(rank, page, pages, below(2) == 0 ? read_write : port::prot_read); break;
    }
    if (step % 10 == 0) REQUIRE(ranks.all_see_all());
  }
  CHECK(ranks.all_see_all());
}

}  // namespace
}  // namespace hobbes::lwk
