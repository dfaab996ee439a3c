// SPDX-License-Identifier: Apache-2.0
// HostedConfig: where the two programs lie that a hosted enclave is made of.
#pragma once

#include <filesystem>

namespace hobbes::bridge {

struct HostedConfig {
  std::filesystem::path loader;  ///< cokernel-boot: what is executed (docs/boot-protocol.md)
  std::filesystem::path kernel;  ///< cokernel-hosted: the image for enclaves that name none
};

/// Finds them, each: as HOBBES_BOOT_LOADER and HOBBES_COKERNEL in the environment say; else beside the running
/// executable, in a neighbouring libexec/hobbes/ or a build's cokernel/; else where they are to be installed.
/// HostedBridge::probe() reports what is not there.
[[nodiscard]] HostedConfig find_hosted_config();

}  // namespace hobbes::bridge
