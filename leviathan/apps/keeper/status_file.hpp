// SPDX-License-Identifier: Apache-2.0
// The status file: how an application of the Linux side ended, written by its keeper, read by whichever leviathan runs
// then. There or not there, never half written.
#pragma once

#include <filesystem>
#include <optional>

#include "base/spawn.hpp"

namespace hobbes::leviathan::apps::keeper {

[[nodiscard]] Status write_status_file(const std::filesystem::path& file, const ExitStatus& status);
/// Nothing: there is none (yet). corrupt: it is something else.
[[nodiscard]] Result<std::optional<ExitStatus>> read_status_file(const std::filesystem::path& file);

}  // namespace hobbes::leviathan::apps::keeper
