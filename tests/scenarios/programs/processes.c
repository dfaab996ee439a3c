// SPDX-License-Identifier: Apache-2.0
// Processes: fork, exec, wait, pipes, descriptors across them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

extern char** environ;
static int data = 1;

static int status_of(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  return status;
}

static void test_fork(void) {
  int on_stack = 1;
  int* on_heap = malloc(sizeof *on_heap);
  *on_heap = 1;
  pid_t child = fork();
  if (child == 0) {
    if (data != 1 || on_stack != 1 || *on_heap != 1) _exit(1);
    data = on_stack = *on_heap = 2;
    _exit(42);
  }
  const int status = status_of(child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
  CHECK(data == 1 && on_stack == 1 && *on_heap == 1);
  free(on_heap);
  CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
}

static void test_many(void) {
  enum { count = 40 };
  int sum = 0;
  for (int i = 0; i < count; ++i)
    if (fork() == 0) _exit(i);
  for (int i = 0; i < count; ++i) {
    int status = 0;
    CHECK(wait(&status) > 0 && WIFEXITED(status));
    sum += WEXITSTATUS(status);
  }
  CHECK(sum == count * (count - 1) / 2);
}

static void test_exec(const char* self) {
  char* const arguments[] = {(char*)self, "child", "two words", NULL};
  char* const environment[] = {"MARK=set", NULL};
  pid_t child = fork();
  if (child == 0) {
    execve(self, arguments, environment);
    _exit(99);
  }
  const int status = status_of(child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  CHECK_ERRNO(execve("/no/such/program", arguments, environment), ENOENT);
  CHECK_ERRNO(execve("/proc", arguments, environment), EACCES);
}

static void test_pipe(void) {
  int ends[2];
  char bytes[200000], got[200000];
  CHECK(pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
  for (unsigned i = 0; i < sizeof bytes; ++i) bytes[i] = (char)(i * 7);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    _exit(write(ends[1], bytes, sizeof bytes) == sizeof bytes ? 0 : 1);
  }
  close(ends[1]);
  size_t have = 0;
  for (ssize_t n; (n = read(ends[0], got + have, sizeof got - have)) > 0;) have += (size_t)n;
  CHECK(have == sizeof bytes && memcmp(bytes, got, sizeof bytes) == 0);
  CHECK(status_of(child) == 0);
  close(ends[0]);

  CHECK(pipe(ends) == 0);
  struct pollfd poll_ends = {.fd = ends[0], .events = POLLIN};
  CHECK(poll(&poll_ends, 1, 0) == 0);
  CHECK(write(ends[1], "x", 1) == 1 && poll(&poll_ends, 1, 1000) == 1 && poll_ends.revents == POLLIN);
  CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && read(ends[0], got, 10) == 1);
  CHECK_ERRNO(read(ends[0], got, 10), EAGAIN);
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
  close(ends[1]);
  CHECK_ERRNO(close(ends[1]), EBADF);
  CHECK_ERRNO(dup2(900, 5), EBADF);
}

static void test_orphans(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) {
      while (getppid() == child) usleep(1000);
      usleep(20000);
      _exit(write(ends[1], "o", 1) == 1 ? 0 : 1);
    }
    _exit(0);
  }
  CHECK(status_of(child) == 0);
  close(ends[1]);
  char byte = 0;
  CHECK(read(ends[0], &byte, 1) == 1 && byte == 'o');
  close(ends[0]);
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "child") == 0)
    return strcmp(argv[2], "two words") == 0 && getenv("MARK") != NULL && environ[1] == NULL ? 3 : 4;
  test_fork();
  test_many();
  test_exec(argv[0]);
  test_pipe();
  test_orphans();
  return conclude("processes");
}
