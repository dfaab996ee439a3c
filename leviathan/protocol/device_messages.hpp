// SPDX-License-Identifier: Apache-2.0
// The messages about PCI devices of enclaves, as messages.hpp has those about everything else.
#pragma once

#include <string>
#include <string_view>

#include "leviathan/protocol/codec.hpp"

namespace hobbes::protocol {

/// Answer: Text.
struct AssignDevice {
  static constexpr std::string_view name = "assign_device";
  std::string enclave;
  std::string device;   ///< what it is called from then on
  std::string address;  ///< "0000:00:1f.2", or without the domain

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("device", self.device);
    visit("address", self.address);
  }
  friend bool operator==(const AssignDevice&, const AssignDevice&) = default;
};

/// Answer: Text.
struct RemoveDevice {
  static constexpr std::string_view name = "remove_device";
  std::string enclave;
  std::string device;

  template <typename V, typename Self>
  static void fields(V& visit, Self& self) {
    visit("enclave", self.enclave);
    visit("device", self.device);
  }
  friend bool operator==(const RemoveDevice&, const RemoveDevice&) = default;
};

}  // namespace hobbes::protocol
