// SPDX-License-Identifier: Apache-2.0
#include "base/stock.hpp"

#include <atomic>
#include <catch2/catch.hpp>

namespace hobbes {
namespace {

using namespace std::chrono_literals;

struct Thing {
  int number = 0;
  bool good = true;
  [[nodiscard]] bool is_good() const { return good; }
};

/// Counts what it makes, and tells when it has made a certain number.
struct Maker {
  std::atomic<int> made = 0;
  bool good = true;

  Result<Thing> operator()() {
    const Thing thing{++made, good};
    made.notify_all();
    return thing;
  }
  void wait_for(int count) {
    for (int now = made; now < count; now = made) made.wait(now);
  }
};

}  // namespace

TEST_CASE("an empty stock makes what is taken") {
  Maker maker;
  Stock<Thing> stock(std::ref(maker), 1h);
  CHECK(maker.made == 0);
  CHECK(stock.take()->number == 1);
  CHECK(maker.made == 1);
}

TEST_CASE("a filled stock gives what was made ahead, and makes the next when it is told to") {
  Maker maker;
  Stock<Thing> stock(std::ref(maker), 0ms);
  stock.fill();
  maker.wait_for(1);
  const int taken = stock.take()->number;
  CHECK(taken <= 2);  // 2: it was made, but not yet in stock
  stock.fill();
  maker.wait_for(2);
}

TEST_CASE("what has gone bad in stock is made anew") {
  Maker maker{.good = false};
  Stock<Thing> stock(std::ref(maker), 0ms);
  stock.fill();
  maker.wait_for(1);
  CHECK(stock.take()->number >= 2);
}

TEST_CASE("a failure to make is told to who takes") {
  Stock<Thing> stock([] { return Error(Code::exhausted, "nothing left"); }, 0ms);
  stock.fill();
  CHECK(stock.take().error().text() == "nothing left");
}

TEST_CASE("a stock that rests goes at once") {
  Maker maker;
  Stock<Thing> stock(std::ref(maker), 1h);
  CHECK(stock.take());
  stock.fill();
}

}  // namespace hobbes
