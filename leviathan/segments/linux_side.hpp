// SPDX-License-Identifier: Apache-2.0
// LinuxSide: segments as processes of Linux make and use them, over their connections. What a connection made, opened
// and attached ends with it.
#pragma once

#include <memory>

#include "leviathan/segments/enclave_side.hpp"
#include "leviathan/segments/registry.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::segments {

/// The loop's thread.
class LinuxSide {
 public:
  LinuxSide(Node& node, Registry& registry, EnclaveSide& enclaves);
  ~LinuxSide();
  LinuxSide(const LinuxSide&) = delete;
  LinuxSide& operator=(const LinuxSide&) = delete;

  // Each answers its call.
  void reserve(const CallPtr& call);
  void make(const CallPtr& call);
  void remove(const CallPtr& call);
  void open(const CallPtr& call);
  void close(const CallPtr& call);
  void attach(const CallPtr& call);
  void detach(const CallPtr& call);
  void signal(const CallPtr& call);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace hobbes::leviathan::segments
