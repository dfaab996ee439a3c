// SPDX-License-Identifier: Apache-2.0
// What the conformance programs share: a line for each fact, the same on Linux and in an enclave, and a failure count.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

/* Where a file for a while may be: TMPDIR, where that says so, for machines without a host's /tmp. */
static inline const char* scratch_folder(void) {
  const char* folder = getenv("TMPDIR");
  return folder != NULL ? folder : "/tmp";
}

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      printf("%s:%d: not true: %s (errno %d)\n", __FILE_NAME__, __LINE__, #condition, errno); \
      ++failures;                                                            \
    }                                                                        \
  } while (0)

/* The call fails with this errno. */
#define CHECK_ERRNO(call, expected)                                                                    \
  do {                                                                                                 \
    errno = 0;                                                                                         \
    long result_ = (long)(call);                                                                       \
    if (result_ != -1 || errno != (expected)) {                                                        \
      printf("%s:%d: %s: %ld, errno %d, expected %s\n", __FILE_NAME__, __LINE__, #call, result_, errno, #expected); \
      ++failures;                                                                                      \
    }                                                                                                  \
  } while (0)

static inline int conclude(const char* name) {
  printf("%s: %d failures\n", name, failures);
  return failures != 0;
}
