// SPDX-License-Identifier: Apache-2.0
// An MPI program as people write them: messages of many sizes around a ring, a reduction, a broadcast.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { largest = 1 << 20 };

static void check(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "not true: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char** argv) {
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  char* out = malloc(largest);
  char* in = malloc(largest);
  const int next = (rank + 1) % size, before = (rank + size - 1) % size;
  for (int length = 1; length <= largest; length *= 8) {
    memset(out, rank + 1, (size_t)length);
    MPI_Sendrecv(out, length, MPI_CHAR, next, 0, in, length, MPI_CHAR, before, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    check(in[0] == before + 1 && in[length - 1] == before + 1, "a message arrives whole");
  }
  int sum = 0, told = rank == 0 ? 42 : 0;
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  check(sum == size * (size - 1) / 2, "all ranks are in the sum");
  MPI_Bcast(&told, 1, MPI_INT, 0, MPI_COMM_WORLD);
  check(told == 42, "all ranks are told");
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank == 0) printf("ring of %d: done\n", size);
  free(out);
  free(in);
  MPI_Finalize();
  return 0;
}
