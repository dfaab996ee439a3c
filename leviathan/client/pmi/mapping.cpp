// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/pmi/mapping.hpp"

#include <cstdio>

namespace hobbes::client::pmi {
namespace {

/// The system of each rank below `size`, as far as the text goes. It starts anew where it is shorter.
std::vector<int> systems_of(int size, const std::string& mapping) {
  std::vector<int> systems;
  const std::size_t start = mapping.find(",(");
  if (!mapping.starts_with("(vector") || start == std::string::npos) return systems;
  while (static_cast<int>(systems.size()) < size) {
    const std::size_t before = systems.size();
    for (const char* at = mapping.c_str() + start; *at == ','; ++at) {
      int first = 0, count = 0, ranks = 0, length = 0;
      if (std::sscanf(at, ",(%d,%d,%d)%n", &first, &count, &ranks, &length) != 3 || length == 0) return {};
      for (int i = 0; i < count; ++i) {
        for (int j = 0; j < ranks && static_cast<int>(systems.size()) < size; ++j) systems.push_back(first + i);
      }
      at += length - 1;
    }
    if (systems.size() == before) return {};
  }
  return systems;
}

}  // namespace

std::vector<int> clique_of(int rank, int size, const std::string& mapping) {
  const std::vector<int> systems = systems_of(size, mapping);
  std::vector<int> clique;
  if (rank < 0 || rank >= static_cast<int>(systems.size())) return clique;
  for (int other = 0; other < static_cast<int>(systems.size()); ++other) {
    if (systems[static_cast<std::size_t>(other)] == systems[static_cast<std::size_t>(rank)]) clique.push_back(other);
  }
  return clique;
}

}  // namespace hobbes::client::pmi
