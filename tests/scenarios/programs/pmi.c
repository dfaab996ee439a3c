// SPDX-License-Identifier: Apache-2.0
// A rank that speaks PMI's wire protocol by itself: what mpi.sh asks of it, in its first argument.
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "check.h"

static int fd, rank, size;
static char space[64];

/* Says a line, and reads the line that answers it. */
static const char* ask(const char* format, ...) {
  static char line[2048];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (write(fd, line, (size_t)length) != length) return "";
  size_t end = 0;
  while (end == 0 || line[end - 1] != '\n') {  /* nothing follows an answer before the next request */
    const ssize_t got = read(fd, line + end, sizeof line - 1 - end);
    if (got <= 0) break;
    end += (size_t)got;
  }
  line[end > 0 ? end - 1 : 0] = '\0';
  return line;
}

static int starts(const char* text, const char* with) { return strncmp(text, with, strlen(with)) == 0; }

static void join(void) {
  CHECK(starts(ask("cmd=init pmi_version=1 pmi_subversion=1\n"), "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0"));
  CHECK(sscanf(ask("cmd=get_my_kvsname\n"), "cmd=my_kvsname kvsname=%63s", space) == 1);
}

static void barrier(void) { CHECK(starts(ask("cmd=barrier_in\n"), "cmd=barrier_out")); }

static void leave(void) { CHECK(starts(ask("cmd=finalize\n"), "cmd=finalize_ack")); }

static void put(const char* name, int number) {
  CHECK(starts(ask("cmd=put kvsname=%s key=%s-%d value=%d\n", space, name, rank, number), "cmd=put_result rc=0"));
}

static void expect(const char* name, int of, int number) {
  char expected[64];
  snprintf(expected, sizeof expected, "cmd=get_result rc=0 msg=success value=%d", number);
  CHECK(strcmp(ask("cmd=get kvsname=%s key=%s-%d\n", space, name, of), expected) == 0);
}

/* Each tells all, twice. */
static void exchange(void) {
  join();
  for (int turn = 1; turn <= 2; ++turn) {
    put("value", 100 * turn + rank);
    barrier();
    for (int other = 0; other < size; ++other) expect("value", other, 100 * turn + other);
    barrier();
  }
  leave();
}

static void refusals(void) {
  join();
  CHECK(starts(ask("cmd=dance\n"), "cmd=unknown_command rc=-1"));
  CHECK(starts(ask("cmd=put kvsname=job_of_others key=a value=1\n"), "cmd=put_result rc=-1"));
  CHECK(starts(ask("cmd=get kvsname=%s key=nobody-put-this\n", space), "cmd=get_result rc=-1"));
  CHECK(starts(ask("mcmd=spawn\nnprocs=1\nexecname=x\nendcmd\n"), "cmd=spawn_result rc=-1"));
  barrier();
  leave();
}

static volatile sig_atomic_t told;
static void go_on(int number) { told = number; }

/* Values are there after the barrier, however long after. */
static void lasts(void) {
  signal(SIGUSR1, go_on);
  join();
  put("value", rank);
  barrier();
  printf("rank %d lasts\n", rank);
  fflush(stdout);
  while (!told) usleep(1000);
  for (int other = 0; other < size; ++other) expect("value", other, other);
  put("news", rank);
  barrier();
  for (int other = 0; other < size; ++other) expect("news", other, other);
  leave();
}

int main(int argc, char** argv) {
  if (argc < 2 || getenv("PMI_FD") == NULL) return 77;
  fd = atoi(getenv("PMI_FD"));
  rank = atoi(getenv("PMI_RANK"));
  size = atoi(getenv("PMI_SIZE"));
  const char* what = argv[1];
  const int other = rank == 1;  /* than those who wait for it */
  if (strcmp(what, "silent") == 0) return 0;
  if (strcmp(what, "absent") == 0 && other) return 0;
  if (strcmp(what, "exchange") == 0) exchange();
  else if (strcmp(what, "refusals") == 0) refusals();
  else if (strcmp(what, "lasts") == 0) lasts();
  else {
    join();
    if (other && strcmp(what, "leaves") == 0) return atoi(argv[2]);
    if (other && strcmp(what, "crashes") == 0) raise(SIGSEGV);
    if (other && strcmp(what, "aborts") == 0) {
      dprintf(fd, "cmd=abort exitcode=%s\n", argv[2]);
      return atoi(argv[2]);
    }
    barrier();
  }
  return failures != 0;
}
