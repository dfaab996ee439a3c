// SPDX-License-Identifier: Apache-2.0
// AppDescriptor: what an <app> file asks for, one application to launch. docs/descriptors.md is the user's side of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes::descriptor {

struct AppDescriptor {
  std::string path;                        ///< never empty
  std::string name;                        ///< empty: leviathan chooses
  std::vector<std::string> argv;           ///< arguments behind args[0]
  std::vector<std::string> envp;           ///< NAME=VALUE, added to the launcher's choice
  std::optional<std::uint32_t> ranks;
  bool oversubscribe = false;              ///< more ranks than CPUs are all right
  std::string cpu_list;                    ///< enclave-logical CPUs, checked for form; empty: any
  std::optional<Bytes> heap_size, stack_size;
  bool use_large_pages = false, use_smartmap = false;
};

/// Reads the text of a descriptor; `file` is its name for messages. Hostile input is refused with Code::invalid and a
/// sentence "file:line: <element>: reason".
[[nodiscard]] Result<AppDescriptor> parse_app(std::string_view xml, std::string_view file);

}  // namespace hobbes::descriptor
