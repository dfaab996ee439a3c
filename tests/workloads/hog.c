// SPDX-License-Identifier: Apache-2.0
// hog MIB FILE: a load for others to bear, until it is killed: writes and reads a file of so many MiB, so that the page cache is
// full of it, and maps, touches and unmaps as much memory in pieces of many sizes, so that free memory is in pieces, too.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { piece = 1 << 20, page = 4096 };

static void use_cache(int file, long mib) {
  static char buffer[piece];
  for (long i = 0; i < mib; ++i) {
    if (pwrite(file, buffer, piece, i * (off_t)piece) != piece) exit(1);
  }
  for (long i = 0; i < mib; ++i) {
    if (pread(file, buffer, piece, i * (off_t)piece) != piece) exit(1);
  }
}

static void use_memory(long mib) {
  enum { most = 4096 };
  static struct {
    char* start;
    size_t size;
  } pieces[most];
  long left = mib * (piece / page);
  for (int i = 0; left > 0; i = (i + 1) % most) {
    if (pieces[i].start != NULL) munmap(pieces[i].start, pieces[i].size);
    pieces[i].size = (size_t)page << (rand() % 9);
    pieces[i].start = mmap(NULL, pieces[i].size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pieces[i].start == MAP_FAILED) exit(1);
    for (size_t at = 0; at < pieces[i].size; at += page) pieces[i].start[at] = 1;
    left -= (long)(pieces[i].size / page);
  }
}

int main(int argc, char** argv) {
  const long mib = argc == 3 ? atol(argv[1]) : 0;
  if (mib < 1) {
    fprintf(stderr, "hog MIB FILE\n");
    return 2;
  }
  const int file = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || unlink(argv[2]) != 0) {
    perror(argv[2]);
    return 1;
  }
  for (;;) {
    use_memory(mib);
    use_cache(file, mib);
  }
}
