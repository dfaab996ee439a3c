// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/poll_window.hpp"

#include <catch2/catch.hpp>

namespace hobbes::host_io {
namespace {

using namespace std::chrono_literals;

TEST_CASE("gaps that polling could have bridged make the window grow, to a limit", "[host-io]") {
  PollWindow window(50us);
  CHECK(window.length() == 50us);
  window.slept_through(300us);
  CHECK(window.length() == 100us);
  for (int i = 0; i < 5; ++i) window.slept_through(300us);
  CHECK(window.length() == 400us);
}

TEST_CASE("a long gap ends polling, and a short one begins it again", "[host-io]") {
  PollWindow window(50us);
  window.slept_through(400us);
  CHECK(window.length() == 0us);
  window.slept_through(1s);
  CHECK(window.length() == 0us);
  window.slept_through(399us);
  CHECK(window.length() == 50us);
}

TEST_CASE("who shall not poll never does", "[host-io]") {
  PollWindow window(0us);
  window.slept_through(0us);
  CHECK(window.length() == 0us);
}

}  // namespace
}  // namespace hobbes::host_io
