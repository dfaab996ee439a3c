// SPDX-License-Identifier: Apache-2.0
// Ping-pong between ranks 0 and 1, and collectives of all ranks: "<what> <bytes> <microseconds>", the median of several
// rounds, for tests/bench/jobs/run to set beside the same on plain Linux. "quick": a few of each.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { largest = 1 << 20, most_rounds = 21 };

static int rank, size, rounds = most_rounds, small = 1000, large = 50;
static char *out, *in;

static void ping_pong(int bytes) {
  const int other = 1 - rank;
  if (rank > 1) return;
  if (rank == 0) MPI_Send(out, bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD);
  MPI_Recv(in, bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  if (rank == 1) MPI_Send(out, bytes, MPI_CHAR, other, 0, MPI_COMM_WORLD);
}
static void barrier(int bytes) { (void)bytes; MPI_Barrier(MPI_COMM_WORLD); }
static void broadcast(int bytes) { MPI_Bcast(out, bytes, MPI_CHAR, 0, MPI_COMM_WORLD); }
static void reduction(int bytes) {
  MPI_Allreduce(out, in, bytes / (int)sizeof(double), MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

static int compare(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

/* Halved for what goes there and back. */
static void measure(const char* name, void (*step)(int), int bytes, int ways) {
  double times[most_rounds];
  const int count = bytes > 1 << 14 ? large : small;
  for (int round = 0; round < rounds; ++round) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    for (int i = 0; i < count; ++i) step(bytes);
    times[round] = (MPI_Wtime() - start) / count / ways * 1e6;
  }
  qsort(times, rounds, sizeof times[0], compare);
  if (rank == 0) printf("%s %d %.3f\n", name, bytes, times[rounds / 2]);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size < 2) MPI_Abort(MPI_COMM_WORLD, 2);
  if (argc > 1 && strcmp(argv[1], "quick") == 0) rounds = 1, small = 10, large = 2;
  out = calloc(1, largest);
  in = calloc(1, largest);
  for (int bytes = 8; bytes <= largest; bytes *= 8) measure("ping-pong", ping_pong, bytes, 2);
  measure("barrier", barrier, 0, 1);
  for (int bytes = 8; bytes <= 1 << 15; bytes *= 64) measure("bcast", broadcast, bytes, 1);
  for (int bytes = 8; bytes <= 1 << 15; bytes *= 64) measure("allreduce", reduction, bytes, 1);
  free(out);
  free(in);
  MPI_Finalize();
  return 0;
}
