// SPDX-License-Identifier: Apache-2.0
// Window: a memfd that is lent to an enclave, at a range of its physical addresses of its own.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "leviathan/live_enclave.hpp"
#include "leviathan/node.hpp"
#include "leviathan/segments/pages.hpp"

namespace hobbes::leviathan::segments {

/// Addresses of one enclave at which something may be lent. The loop's thread.
class WindowAddresses {
 public:
  explicit WindowAddresses(bridge::LentRange range) : range_(range) {}
  /// 0: there is no room.
  [[nodiscard]] std::uint64_t take(std::uint64_t size);
  void mark(std::uint64_t base, std::uint64_t size) { taken_[base] = size; }
  void give_back(std::uint64_t base) { taken_.erase(base); }

 private:
  bridge::LentRange range_;
  std::map<std::uint64_t, std::uint64_t> taken_;  ///< size by base
};

class Window {
 public:
  struct Place {
    std::uint64_t base = 0;
    FilePtr file;
    bool writable = false;
  };

  /// Takes addresses; `addresses` lives as long as its owner holds it. exhausted (ENOMEM): there are none.
  [[nodiscard]] static Result<std::shared_ptr<Window>> create(Node& node, const std::shared_ptr<LiveEnclave>& enclave,
                                                              const std::shared_ptr<WindowAddresses>& addresses,
                                                              FilePtr file, bool writable);
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  /// Has it taken back, soon, by a worker; its addresses are free behind that. Any thread.
  ~Window();

  /// Lends it, unless that has happened. Workers only.
  [[nodiscard]] Status lend();

  [[nodiscard]] std::uint64_t base() const { return place_.base; }
  [[nodiscard]] const FilePtr& file() const { return place_.file; }
  [[nodiscard]] bool writable() const { return place_.writable; }

 private:
  Window(Node& node, const std::shared_ptr<LiveEnclave>& enclave, const std::shared_ptr<WindowAddresses>& addresses,
         Place place)
      : node_(node), enclave_(enclave), addresses_(addresses), place_(std::move(place)) {}

  Node& node_;
  const std::weak_ptr<LiveEnclave> enclave_;
  const std::weak_ptr<WindowAddresses> addresses_;
  const Place place_;
  std::mutex mutex_;
  bool lent_ = false;  ///< under mutex_
};

}  // namespace hobbes::leviathan::segments
