// SPDX-License-Identifier: Apache-2.0
// Starts and ends.
int main(void) { return 0; }
