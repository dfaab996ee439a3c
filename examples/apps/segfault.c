// SPDX-License-Identifier: Apache-2.0
// Writes where there is no memory: it ends alone, with signal 11, and its enclave goes on.
#include <stdio.h>

int main(void) {
  puts("about to write to address 8");
  fflush(stdout);
  int* volatile nowhere = (int*)8;
  *nowhere = 1;
  return 0;
}
