/* SPDX-License-Identifier: Apache-2.0 */
/* For programs of which several run together: what does not hold ends this one, and says where. */
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                                                      \
  do {                                                                                                          \
    if (!(condition)) {                                                                                         \
      printf("%s:%d: not so: %s (errno %d, %s)\n", __FILE__, __LINE__, #condition, errno, strerror(errno));     \
      exit(1);                                                                                                  \
    }                                                                                                           \
  } while (0)
