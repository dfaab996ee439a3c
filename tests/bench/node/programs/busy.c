// SPDX-License-Identifier: Apache-2.0
// Wants all of a CPU, until it is ended: as a computation that never waits.
int main(void) {
  for (volatile unsigned long turns = 0;; ++turns) {
  }
}
