// SPDX-License-Identifier: Apache-2.0
// Pulse: lets enclaves follow the node's clocks, and notices a co-kernel that hangs.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <string>

#include "leviathan/node.hpp"

namespace hobbes::leviathan {

/// Every second all enclaves' clocks are set; now and then each is asked with a ping. One that does not answer is said to
/// hang, in its record's `reason` and in the log, until it answers again. Nothing is done to it: what to do is the
/// operator's decision.
class Pulse {
 public:
  explicit Pulse(Node& node) : node_(node), timer_(node.loop()) {}

  // The loop's thread.
  void start();
  void stop() { timer_.cancel(); }

 private:
  void beat();
  void ask(const std::shared_ptr<LiveEnclave>& enclave);

  Node& node_;
  boost::asio::steady_timer timer_;
  unsigned beats_ = 0;
};

}  // namespace hobbes::leviathan
