// SPDX-License-Identifier: Apache-2.0
// Computes until it is stopped: to watch in list_apps, to signal with kill_app or Ctrl-C. SIGTERM ends it politely.
#include <signal.h>
#include <stdio.h>

static volatile sig_atomic_t stopped = 0;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

int main(void) {
  signal(SIGTERM, stop);
  puts("spinning");
  fflush(stdout);
  for (volatile unsigned long turns = 0; !stopped; ++turns) {
  }
  puts("stopped");
  return 0;
}
