// SPDX-License-Identifier: Apache-2.0
// Shell: what one run of `hobbes` shares with the commands it runs, and the run itself.
#pragma once

#include <filesystem>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "leviathan/client/client.hpp"

namespace hobbes::shell {

class Arguments;

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
/// As every shell says that signal n ended something: 128+n.
[[nodiscard]] constexpr int exit_by_signal(int signal) { return 128 + signal; }

struct Shell {
  Shell(std::ostream& its_out, std::ostream& its_err) : out(its_out), err(its_err) {}

  std::ostream& out;
  std::ostream& err;
  std::filesystem::path run_dir;        ///< empty: the client's default
  std::string place = {};               ///< in a script "setup.hob:3: ", for its sentences
  std::string_view help = "hobbes help";  ///< what to type for help
  int interrupt_fd = -1;                ///< readable: the command that runs shall end; borrowed
  bool leaving = false;                 ///< the rest of the session is not wanted

  /// The session's client for this run directory: one connection for all commands.
  [[nodiscard]] Result<client::Client*> connect();
  /// "hobbes: <sentence>" on `err`.
  void complain(std::string_view sentence);

 private:
  std::optional<client::Client> client_;
  std::filesystem::path client_dir_;
};

/// Runs one command, its name first, and returns its exit status. What went wrong was said. Commands read and write
/// bytes (files, the console, a program's stdio) on descriptors 0, 1 and 2.
[[nodiscard]] int run_command(Shell& shell, std::span<const std::string> words);

/// Runs `hobbes words...` and returns its exit status.
[[nodiscard]] int run(std::span<const std::string> words, std::ostream& out, std::ostream& err);

/// hobbes itself: a command or a script, not both.
Status check_shell(const Arguments& arguments);

}  // namespace hobbes::shell
