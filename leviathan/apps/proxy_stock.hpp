// SPDX-License-Identifier: Apache-2.0
// ProxyStock: a proxy that has been started and waits for an application: starting one takes longer than all the rest of
// a launch.
#pragma once

#include <filesystem>

#include "base/stock.hpp"
#include "leviathan/apps/helper.hpp"

namespace hobbes::leviathan::apps {

/// It ends when its socket is closed before it has a job.
struct WaitingProxy {
  Helper process;
  UniqueFd socket;  ///< for host_io::send_job()

  /// Whether it still waits; one that has ended is reaped.
  [[nodiscard]] bool is_good() const;
};

/// Threads: any.
class ProxyStock {
 public:
  explicit ProxyStock(const std::filesystem::path& run_dir);

  /// Has one started, so that the first launch finds it.
  void fill() { stock_.fill(); }
  [[nodiscard]] Result<WaitingProxy> take() { return stock_.take(); }

 private:
  Stock<WaitingProxy> stock_;
};

}  // namespace hobbes::leviathan::apps
