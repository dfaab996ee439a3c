// SPDX-License-Identifier: Apache-2.0
// The status file: how an application of the Linux side ended, written by its keeper, read by whichever leviathan runs
// then. There or not there, never half written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/spawn.hpp"

namespace hobbes::leviathan::apps::keeper {

struct Ending {
  ExitStatus status;
  std::string reason{};  ///< why it ended before its time, for a person; may be empty
};

[[nodiscard]] Status write_status_file(const std::filesystem::path& file, const Ending& ending);
/// Nothing: there is none (yet). corrupt: it is something else.
[[nodiscard]] Result<std::optional<Ending>> read_status_file(const std::filesystem::path& file);

}  // namespace hobbes::leviathan::apps::keeper
