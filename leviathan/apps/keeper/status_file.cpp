// SPDX-License-Identifier: Apache-2.0
// One line, "exited <code>" or "killed <signal>", and the reason on a second, if there is one.
#include "leviathan/apps/keeper/status_file.hpp"

#include <fstream>
#include <string>

#include "base/parse.hpp"

namespace hobbes::leviathan::apps::keeper {
namespace {

constexpr std::string_view exited = "exited ";
constexpr std::string_view killed = "killed ";
constexpr std::uint64_t max_number = 255;

}  // namespace

Status write_status_file(const std::filesystem::path& file, const Ending& ending) {
  const std::filesystem::path draft = file.string() + ".new";
  {
    std::ofstream out(draft);
    const ExitStatus& status = ending.status;
    status.signal != 0 ? out << killed << status.signal << '\n' : out << exited << status.exit_code << '\n';
    if (!ending.reason.empty()) out << ending.reason << '\n';
    out.close();
    if (!out) return last_errno("'" + draft.string() + "'");
  }
  std::error_code failed;
  std::filesystem::rename(draft, file, failed);
  if (failed) return errno_error(failed.value(), "'" + file.string() + "'");
  return {};
}

Result<std::optional<Ending>> read_status_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in) return std::optional<Ending>();
  std::getline(in, line);
  Ending ending;
  std::getline(in, ending.reason);
  const std::string_view text = line;
  const std::string what = "'" + file.string() + "'";
  if (text.starts_with(exited)) {
    ending.status.exit_code = static_cast<int>(TRY(parse_u64(text.substr(exited.size()), what, 0, max_number)));
    return std::optional(std::move(ending));
  }
  if (text.starts_with(killed)) {
    ending.status.signal = static_cast<int>(TRY(parse_u64(text.substr(killed.size()), what, 1, max_number)));
    return std::optional(std::move(ending));
  }
  return Error(Code::corrupt, what + ": is no status of an application");
}

}  // namespace hobbes::leviathan::apps::keeper
