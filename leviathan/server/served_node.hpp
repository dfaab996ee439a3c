// SPDX-License-Identifier: Apache-2.0
// ServedNode: a TestNode that clients reach through its socket, as they reach a daemon.
#pragma once

#include <functional>
#include <optional>

#include "leviathan/parts.hpp"
#include "leviathan/server/server.hpp"
#include "leviathan/test_node.hpp"

namespace hobbes::leviathan {

class ServedNode {
 public:
  ServedNode() {
    start_server();
    REQUIRE(started_);
  }
  ~ServedNode() {
    on_loop([this] { server_.reset(); });
    node.node().join_workers();
    on_loop([this] { parts_.reset(); });
  }
  ServedNode(const ServedNode&) = delete;
  ServedNode& operator=(const ServedNode&) = delete;

  /// Clients are hung up on, as if the daemon had ended.
  void stop_server() {
    on_loop([this] { server_->stop(); });
  }
  /// The next one in the same place.
  void restart_server() {
    stop_server();
    start_server();
    REQUIRE(started_);
  }

  TestNode node;

 private:
  void start_server() {
    on_loop([this] {
      if (!parts_) parts_.emplace(node.node());
      server_.emplace(node.node().loop(), *parts_);
      started_ = server_->start(node.path());
    });
  }
  void on_loop(std::function<void()> work) { node.node().run_on_loop_and_wait(std::move(work)); }

  std::optional<Parts> parts_;
  std::optional<Server> server_;
  Status started_;
};

}  // namespace hobbes::leviathan
