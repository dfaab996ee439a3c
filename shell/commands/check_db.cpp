// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/listing.hpp"

namespace hobbes::shell {

Result<int> check_db(Shell& shell, const Arguments& arguments) {
  client::Client& client = *TRY(shell.connect());
  const auto problems = TRY(client.check_db());
  if (arguments.has("json")) {
    print_json(shell.out, Json{{"consistent", problems.empty()}, {"problems", problems}});
  } else if (problems.empty()) {
    shell.out << "The database is consistent\n";
  } else {
    for (const auto& problem : problems) shell.out << problem << '\n';
  }
  return problems.empty() ? exit_done : exit_failed;
}

}  // namespace hobbes::shell
