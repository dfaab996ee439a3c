// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/clock.hpp"

#include <catch2/catch.hpp>

namespace hobbes::bridge {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t hz = 2'000'000'000;  // two ticks a nanosecond
constexpr ClockSample start{1000, 50 * second, 90 * second};

std::uint64_t distance(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; }

ClockSample after(std::uint64_t ns, std::int64_t monotonic_error = 0) {
  return {start.tsc + 2 * ns, start.monotonic_ns + ns + static_cast<std::uint64_t>(monotonic_error),
          start.realtime_ns + ns + static_cast<std::uint64_t>(monotonic_error)};
}

}  // namespace

TEST_CASE("a line starts at its sample and goes on with the counter's rate", "[hosted]") {
  const hobbes_clock line = first_line(start, hz);
  CHECK(monotonic_at(line, start.tsc) == start.monotonic_ns);
  CHECK(monotonic_at(line, start.tsc + 2 * second) == start.monotonic_ns + second);
  CHECK(line.realtime_ns == start.realtime_ns);
}

TEST_CASE("the next line starts where the old one stands", "[hosted]") {
  const hobbes_clock old = first_line(start, hz);
  const std::int64_t error = GENERATE(0, 5000, -5000, 50'000'000, -50'000'000);
  const ClockSample now = after(second, error);
  const hobbes_clock next = next_line(old, now, hz);
  CHECK(next.monotonic_ns == monotonic_at(old, now.tsc));
  CHECK(next.sequence == old.sequence);
  CHECK(next.realtime_ns - next.monotonic_ns == now.realtime_ns - now.monotonic_ns);
}

TEST_CASE("a difference is made good by the rate, within its limit", "[hosted]") {
  const hobbes_clock old = first_line(start, hz);
  const auto gained_in_a_second = [&old](std::int64_t error) {
    const hobbes_clock next = next_line(old, after(second, error), hz);
    return static_cast<std::int64_t>(monotonic_at(next, start.tsc + 4 * second) - next.monotonic_ns - second);
  };
  CHECK(gained_in_a_second(0) == 0);
  CHECK(gained_in_a_second(10'000) == Approx(1000).margin(2));
  CHECK(gained_in_a_second(-10'000) == Approx(-1000).margin(2));
  CHECK(gained_in_a_second(90'000'000) == Approx(500'000).margin(2));
  CHECK(gained_in_a_second(-90'000'000) == Approx(-500'000).margin(2));
}

TEST_CASE("a clock far behind steps forward; one far ahead never steps back", "[hosted]") {
  const hobbes_clock old = first_line(start, hz);
  const ClockSample slept = after(second, static_cast<std::int64_t>(60 * second));
  CHECK(next_line(old, slept, hz).monotonic_ns == slept.monotonic_ns);
  const ClockSample ahead = after(second, -static_cast<std::int64_t>(30 * second));
  CHECK(next_line(old, ahead, hz).monotonic_ns == start.monotonic_ns + second);
}

TEST_CASE("a rate needs samples far enough apart", "[hosted]") {
  CHECK(rate_between(start, after(1000), hz) == hz);
  ClockSample later = after(100 * second);
  later.tsc += 200'000;  // one millionth faster
  CHECK(rate_between(start, later, hz) == hz + 2000);
}

TEST_CASE("readers see a whole line", "[hosted]") {
  hobbes_clock shared = first_line(start, hz);
  const hobbes_clock next = next_line(shared, after(second), hz);
  publish(shared, next);
  CHECK(shared.sequence == 2);
  CHECK(shared.tsc_base == next.tsc_base);
  CHECK(shared.mult == next.mult);
  CHECK(shared.monotonic_ns == next.monotonic_ns);
  CHECK(shared.realtime_ns == next.realtime_ns);
}

TEST_CASE("the line of this node's clocks tells its time", "[hosted]") {
  const hobbes_clock line = first_line(sample_clocks(), tsc_hz());
  const ClockSample now = sample_clocks();
  // Between two samples of one thread lie microseconds as a rule; a preempted test may see more, never this.
  CHECK(distance(monotonic_at(line, now.tsc), now.monotonic_ns) < second / 10);
  CHECK(tsc_hz() > 100'000'000);
}

}  // namespace hobbes::bridge
