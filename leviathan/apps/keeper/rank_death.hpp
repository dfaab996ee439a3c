// SPDX-License-Identifier: Apache-2.0
// What is said of a rank whose death ended its job.
#pragma once

#include <string.h>

#include <cstdint>
#include <string>

namespace hobbes::leviathan::apps {

/// "rank 2 was ended by signal 11 (Segmentation fault), and its job with it"
[[nodiscard]] inline std::string rank_death(std::uint32_t rank, int signal) {
  const char* name = ::sigdescr_np(signal);
  return "rank " + std::to_string(rank) + " was ended by signal " + std::to_string(signal) +
         (name != nullptr ? " (" + std::string(name) + ")" : std::string()) + ", and its job with it";
}

}  // namespace hobbes::leviathan::apps
