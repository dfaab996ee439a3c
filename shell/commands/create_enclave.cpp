// SPDX-License-Identifier: Apache-2.0
#include "shell/commands/handlers.hpp"
#include "shell/read_file.hpp"

namespace hobbes::shell {

Result<int> create_enclave(Shell& shell, const Arguments& arguments) {
  const std::string file = arguments.text("xml");
  const std::string xml = TRY(read_descriptor(file));
  client::Client& client = *TRY(shell.connect());
  const std::string name = TRY(client.create_enclave(xml, file, arguments.text("name")));
  shell.out << "Created enclave " << name << '\n';
  return exit_done;
}

}  // namespace hobbes::shell
