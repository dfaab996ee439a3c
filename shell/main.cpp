// SPDX-License-Identifier: Apache-2.0
// hobbes: the shell of the Hobbes node runtime.
#include <iostream>

#include "shell/shell.hpp"

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  return hobbes::shell::run(words.subspan(words.empty() ? 0 : 1), std::cout, std::cerr);
}
