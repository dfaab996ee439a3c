// SPDX-License-Identifier: Apache-2.0
// A hobbes-proxy for tests with pretend enclaves, whose applications call nobody: it stays until it is ended.
#include <unistd.h>

int main() {
  while (true) ::pause();
}
