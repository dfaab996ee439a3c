// SPDX-License-Identifier: Apache-2.0
// Files: files as an enclave sees them, for clients. A handle belongs to the connection that opened it and is closed
// with it. What turns out to be a file of Linux is not opened here: the client is told the path and opens it with its
// own permissions.
#pragma once

#include <cstdint>
#include <memory>

#include "leviathan/node.hpp"
#include "leviathan/service.hpp"

namespace hobbes::leviathan::files {

class Files {
 public:
  explicit Files(Node& node);
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files();

  // The loop's thread. Each answers its call, when the enclave has.
  void open(CallPtr call);
  void read(CallPtr call);
  void write(CallPtr call);
  void close(CallPtr call);
  void stat(CallPtr call);

  /// Files that clients have open, for tests.
  [[nodiscard]] std::size_t open_count() const;

 private:
  struct State;  // outlives *this as long as an enclave's answer is awaited
  std::shared_ptr<State> state_;
};

}  // namespace hobbes::leviathan::files
