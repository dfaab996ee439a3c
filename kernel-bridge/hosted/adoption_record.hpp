// SPDX-License-Identifier: Apache-2.0
// AdoptionRecord: what a later leviathan needs to take hold of a hosted enclave again, as text for the database:
// "pid=4711;start=123456;socket=/run/hobbes/enclaves/1/machine.sock".
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "kernel-bridge/hosted/process.hpp"

namespace hobbes::bridge {

struct AdoptionRecord {
  ProcessId init;
  std::filesystem::path socket;

  friend bool operator==(const AdoptionRecord&, const AdoptionRecord&) = default;
};

[[nodiscard]] std::string to_text(const AdoptionRecord& record);
/// Code::corrupt when it is not such a text.
[[nodiscard]] Result<AdoptionRecord> parse_adoption_record(std::string_view text);

}  // namespace hobbes::bridge
