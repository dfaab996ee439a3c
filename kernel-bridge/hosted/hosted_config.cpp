// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/hosted/hosted_config.hpp"

#include <cstdlib>

namespace hobbes::bridge {
namespace {

namespace fs = std::filesystem;

fs::path find(const char* variable, const char* name) {
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0') return named;
  std::error_code failure;
  const fs::path here = fs::read_symlink("/proc/self/exe", failure).parent_path();
  // Installed, or where the build leaves them.
  for (const fs::path& directory : {here, here / "../libexec/hobbes", here / "../cokernel/arch/hosted",
                                    here / "../cokernel/arch/hosted/boot"})
    if (const fs::path file = (directory / name).lexically_normal(); fs::exists(file, failure)) return file;
  return fs::path(HOBBES_LIBEXEC_DIR) / name;
}

}  // namespace

HostedConfig find_hosted_config() {
  return {find("HOBBES_BOOT_LOADER", "cokernel-boot"), find("HOBBES_COKERNEL", "cokernel-hosted")};
}

}  // namespace hobbes::bridge
