// SPDX-License-Identifier: Apache-2.0
// ProxyList: the processes that have an enclave's memory mapped to make its applications' host calls.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/result.hpp"
#include "leviathan/apps/helper.hpp"

namespace hobbes::leviathan::apps {

struct ListedProxy {
  AppId app;
  Helper process;
};
using ListedProxies = std::vector<std::shared_ptr<const ListedProxy>>;

/// Threads: any.
class ProxyList {
 public:
  /// Held while a proxy starts with the memory there is, and while memory is taken away: none keeps what has gone.
  std::mutex memory;

  /// Takes one in. unavailable: the enclave is being destroyed; the proxy has been ended.
  [[nodiscard]] Status add(AppId app, const Helper& process);
  /// Those that run; some may end meanwhile.
  [[nodiscard]] ListedProxies running();
  /// Ends all, waits until they are gone, and takes in no more. Workers only. timeout: one does not end, and so keeps
  /// its enclave's memory.
  [[nodiscard]] Status end();

 private:
  std::mutex mutex_;  // guards the rest
  ListedProxies proxies_;
  bool closed_ = false;
};

/// Ends processes and waits until they are gone: see ProxyList::end().
[[nodiscard]] Status end_proxies(const ListedProxies& proxies);

}  // namespace hobbes::leviathan::apps
