// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/proxy_list.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "leviathan/duplicate.hpp"

namespace hobbes::leviathan::apps {
namespace {

/// For a killed process to end: long only where it waits for a device or a file server.
constexpr std::chrono::milliseconds patience{10'000};

}  // namespace

Status ProxyList::add(AppId app, const Helper& process) {
  auto listed = std::make_shared<const ListedProxy>(
      ListedProxy{app, {process.pid, TRY(duplicate(process.pidfd.get(), "watch of a proxy"))}});
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(proxies_, [](const auto& proxy) { return has_ended(proxy->process); });
    if (!closed_) {
      proxies_.push_back(std::move(listed));
      return {};
    }
  }
  TRY(end_proxies({std::move(listed)}));
  return Error(Code::unavailable, "application " + std::to_string(app.value) + ": its enclave is being destroyed");
}

ListedProxies ProxyList::running() {
  const std::lock_guard lock(mutex_);
  return proxies_;
}

Status ProxyList::end() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  return end_proxies(running());
}

Status end_proxies(const ListedProxies& proxies) {
  for (const auto& proxy : proxies) end_helper(proxy->process.pidfd.get());
  for (const auto& proxy : proxies) {
    pollfd death{proxy->process.pidfd.get(), POLLIN, 0};
    if (::poll(&death, 1, static_cast<int>(patience.count())) != 1) {
      return Error(Code::timeout, "process " + std::to_string(proxy->process.pid) + ", the proxy of application " +
                                      std::to_string(proxy->app.value) +
                                      ": was killed but does not end, and keeps its enclave's memory until it does");
    }
    await_helper_end(proxy->process.pidfd.get());
  }
  return {};
}

}  // namespace hobbes::leviathan::apps
