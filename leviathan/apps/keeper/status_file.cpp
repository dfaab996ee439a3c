// SPDX-License-Identifier: Apache-2.0
// One line: "exited <code>" or "killed <signal>".
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

Status write_status_file(const std::filesystem::path& file, const ExitStatus& status) {
  const std::filesystem::path draft = file.string() + ".new";
  {
    std::ofstream out(draft);
    if (status.signal != 0) {
      out << killed << status.signal << '\n';
    } else {
      out << exited << status.exit_code << '\n';
    }
    out.close();
    if (!out) return last_errno("'" + draft.string() + "'");
  }
  std::error_code failed;
  std::filesystem::rename(draft, file, failed);
  if (failed) return errno_error(failed.value(), "'" + file.string() + "'");
  return {};
}

Result<std::optional<ExitStatus>> read_status_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!in) return std::optional<ExitStatus>();
  std::getline(in, line);
  const std::string_view text = line;
  const std::string what = "'" + file.string() + "'";
  if (text.starts_with(exited)) {
    const auto code = TRY(parse_u64(text.substr(exited.size()), what, 0, max_number));
    return std::optional(ExitStatus{.exit_code = static_cast<int>(code)});
  }
  if (text.starts_with(killed)) {
    const auto signal = TRY(parse_u64(text.substr(killed.size()), what, 1, max_number));
    return std::optional(ExitStatus{.signal = static_cast<int>(signal)});
  }
  return Error(Code::corrupt, what + ": is no status of an application");
}

}  // namespace hobbes::leviathan::apps::keeper
