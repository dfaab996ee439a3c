// SPDX-License-Identifier: Apache-2.0
// random-access [log2 of the table's length]: HPC Challenge's RandomAccess: a table updated at random places, four times as often
// as it is long. Done a second time, the updates must undo themselves.
#include <stdint.h>

#include "tests/workloads/timed.h"

static uint64_t next(uint64_t random) { return (random << 1) ^ ((int64_t)random < 0 ? 7 : 0); }

static void update(uint64_t* table, uint64_t length) {
  uint64_t random = 1;
  for (uint64_t i = 0; i < 4 * length; ++i) {
    random = next(random);
    table[random & (length - 1)] ^= random;
  }
}

int main(int argc, char** argv) {
  const uint64_t length = UINT64_C(1) << argument(argc, argv, 22, 34);
  uint64_t* const table = allocate(length * sizeof *table);
  const struct timed part = begin_timed();
  for (uint64_t i = 0; i < length; ++i) table[i] = i;
  update(table, length);
  const struct timed took = end_timed(part);
  uint64_t changed = 0, wrong = 0;
  for (uint64_t i = 0; i < length; ++i) changed += table[i] != i;
  update(table, length);
  for (uint64_t i = 0; i < length; ++i) wrong += table[i] != i;
  return report("random-access", wrong == 0 && changed > length / 2, took);
}
