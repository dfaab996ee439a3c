// SPDX-License-Identifier: Apache-2.0
// A rank that uses PMI's functions: all tell each other where they are.
#include <hobbes/pmi.h>
#include <unistd.h>

#include "check.h"

enum { longest = 2048 };

int main(void) {
  int spawned = -1, initialized = 0, rank = -1, size = -1, number = -1;
  CHECK(PMI_Get_rank(&rank) == PMI_ERR_INIT);
  CHECK(PMI_Init(&spawned) == PMI_SUCCESS && spawned == PMI_FALSE);
  CHECK(PMI_Initialized(&initialized) == PMI_SUCCESS && initialized == PMI_TRUE);
  CHECK(PMI_Get_rank(&rank) == PMI_SUCCESS && PMI_Get_size(&size) == PMI_SUCCESS && rank >= 0 && rank < size);
  CHECK(PMI_Get_universe_size(&number) == PMI_SUCCESS);
  CHECK(PMI_Get_appnum(&number) == PMI_SUCCESS && number == 0);

  char space[longest], key[longest], value[longest];
  CHECK(PMI_KVS_Get_name_length_max(&number) == PMI_SUCCESS && number >= 64);
  CHECK(PMI_KVS_Get_my_name(space, sizeof space) == PMI_SUCCESS);
  CHECK(PMI_KVS_Get_my_name(space, 3) == PMI_ERR_INVALID_LENGTH);
  CHECK(PMI_KVS_Put(space, "two words", "x") == PMI_ERR_INVALID_KEY);
  snprintf(key, sizeof key, "place-%d", rank);
  snprintf(value, sizeof value, "%d", 7 * rank);
  CHECK(PMI_KVS_Put(space, key, value) == PMI_SUCCESS);
  CHECK(PMI_KVS_Commit(space) == PMI_SUCCESS);
  CHECK(PMI_Barrier() == PMI_SUCCESS);
  for (int other = 0; other < size; ++other) {
    snprintf(key, sizeof key, "place-%d", other);
    CHECK(PMI_KVS_Get(space, key, value, sizeof value) == PMI_SUCCESS && atoi(value) == 7 * other);
  }
  CHECK(PMI_KVS_Get(space, "nobody-put-this", value, sizeof value) == PMI_FAIL);
  CHECK(PMI_Publish_name("service", "port") == PMI_FAIL);

  int clique[longest];
  CHECK(PMI_Get_clique_size(&number) == PMI_SUCCESS && number >= 1 && number <= size);
  CHECK(PMI_Get_clique_ranks(clique, longest) == PMI_SUCCESS);
  CHECK(PMI_Barrier() == PMI_SUCCESS);
  CHECK(PMI_Finalize() == PMI_SUCCESS);
  if (rank == 0) printf("%d ranks, %d here\n", size, number);
  return failures != 0;
}
