// SPDX-License-Identifier: Apache-2.0
// hobbes: the shell of the Hobbes node runtime.
#include <iostream>
#include <string>
#include <vector>

#include "shell/shell.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return hobbes::shell::run(words, std::cout, std::cerr);
}
