// SPDX-License-Identifier: Apache-2.0
#include "hpmmap/maps.hpp"

#include <sys/mman.h>

#include <fstream>
#include <sstream>

namespace hobbes::hpmmap {

std::vector<Mapped> mappings_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/maps");
  std::vector<Mapped> all;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Mapped mapped{};
    char dash = 0;
    std::string access, skipped;
    words >> std::hex >> mapped.start >> dash >> mapped.end >> access >> skipped >> skipped >> skipped >> std::ws;
    std::getline(words, mapped.name);
    if (access.size() < 3) continue;
    mapped.protection = (access[0] == 'r' ? PROT_READ : 0) | (access[1] == 'w' ? PROT_WRITE : 0) |
                        (access[2] == 'x' ? PROT_EXEC : 0);
    all.push_back(std::move(mapped));
  }
  return all;
}

}  // namespace hobbes::hpmmap
