// SPDX-License-Identifier: Apache-2.0
#include "shell/signals.hpp"

#include <catch2/catch.hpp>

namespace hobbes::shell {
namespace {

TEST_CASE("signals have names, with and without SIG, and numbers") {
  for (const auto* text : {"TERM", "SIGTERM", "sigterm", "term", "15"}) {
    const auto signal = parse_signal(text);
    REQUIRE(signal);
    CHECK(*signal == SIGTERM);
  }
  for (const auto* text : {"", "SIG", "TERMX", "0", "65", "-9", "15x"}) CHECK_FALSE(parse_signal(text));
  CHECK(signal_name(SIGSEGV) == "SIGSEGV");
  CHECK(signal_name(40) == "signal 40");
}

TEST_CASE("caught signals are handed out in place of their effect, and only as long as they are caught") {
  sigset_t before, after;
  sigprocmask(SIG_SETMASK, nullptr, &before);
  {
    auto signals = CaughtSignals::create();
    REQUIRE(signals);
    CHECK_FALSE(signals->next());
    raise(SIGTERM);
    CHECK(signals->next() == SIGTERM);
    CHECK_FALSE(signals->next());
    raise(SIGHUP);  // left waiting: must not end this program when the mask is restored
  }
  sigprocmask(SIG_SETMASK, nullptr, &after);
  CHECK(sigismember(&after, SIGHUP) == sigismember(&before, SIGHUP));
}

}  // namespace
}  // namespace hobbes::shell
