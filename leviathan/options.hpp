// SPDX-License-Identifier: Apache-2.0
// Options: what leviathan's command line says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "leviathan/caller.hpp"

namespace hobbes::leviathan {

struct Options {
  std::optional<std::vector<CpuId>> linux_cpus;  ///< absent: CPU 0, if there are others
  std::optional<Bytes> memory;                   ///< for enclaves; absent: a share of what is available
  std::optional<Bytes> block_size;               ///< a multiple of 2 MiB; absent: as it is, or 128 MiB
  std::filesystem::path run_dir;                 ///< never empty
  std::uint32_t cpu_slots = 1;                   ///< how many enclaves may have one CPU
  bool overcommit = false;                       ///< --overcommit-cpus was given
  std::optional<Group> readers;                  ///< may read; absent: `hobbes`, where there is such a group
  std::optional<Group> admins;                   ///< may change the node; absent: `hobbes-admin`, likewise
  std::optional<std::string> bridge;             ///< what boots enclaves: hosted or pisces; absent: what can
  bool force = false;                            ///< a stop destroys enclaves that live
  log::Level log_level = log::Level::info;
};

/// What `main` is to do.
struct CommandLine {
  enum class Action { run, help, version };
  Action action = Action::run;
  Options options;
};

/// Code::invalid: one sentence that names the option.
[[nodiscard]] Result<CommandLine> parse_options(int argc, const char* const* argv);

/// The text of --help.
[[nodiscard]] std::string help_text();

}  // namespace hobbes::leviathan
