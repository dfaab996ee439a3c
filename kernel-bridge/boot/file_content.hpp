// SPDX-License-Identifier: Apache-2.0
// A regular file, read whole into memory of our own: a mapped file that somebody cuts off would kill the reader.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/mapping.hpp"
#include "base/units.hpp"

namespace hobbes::bridge {

/// The content. `what` names the file's role in errors ("initrd"). Refuses an empty file, one larger than `limit`, and
/// what is not a file.
[[nodiscard]] Result<Mapping> read_content(const std::filesystem::path& file, std::string_view what, Bytes limit);

}  // namespace hobbes::bridge
