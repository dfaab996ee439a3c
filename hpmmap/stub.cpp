// SPDX-License-Identifier: Apache-2.0
#include "hpmmap/stub.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>

extern "C" const char hpmmap_stub[], hpmmap_stub_map[], hpmmap_stub_end[];

namespace hobbes::hpmmap {

std::uint64_t stub_map_address() { return stub_address + static_cast<std::uint64_t>(hpmmap_stub_map - hpmmap_stub); }

std::vector<char> stub_image(int first_fd, std::size_t blocks) {
  std::vector<char> image(stub_size);
  std::copy(hpmmap_stub, hpmmap_stub_end, image.begin());
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::string path =
        "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(first_fd + static_cast<int>(i));
    std::ranges::copy(path, image.begin() + static_cast<std::ptrdiff_t>(stub_paths + i * stub_path_size));
  }
  return image;
}

}  // namespace hobbes::hpmmap
