// SPDX-License-Identifier: Apache-2.0
// Where the prompt's history is kept.
#pragma once

#include <filesystem>

namespace hobbes::shell {

/// $XDG_STATE_HOME/hobbes/history, else ~/.local/state/hobbes/history; its directory is made. Empty: there is no place
/// for it, and the history ends with the prompt.
[[nodiscard]] std::filesystem::path history_file();

}  // namespace hobbes::shell
