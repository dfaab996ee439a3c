// SPDX-License-Identifier: Apache-2.0
// System V shared memory: segments by key and by number, between processes, with their permissions, and how they go.
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { size = 3 * 4096 + 100 };

static key_t unused_key(void) {
  for (key_t key = 0x48420000 + (getpid() & 0x7fff);; ++key)
    if (shmget(key, 1, 0) == -1 && errno == ENOENT) return key;
}

static void names(void) {
  const key_t key = unused_key();
  CHECK_ERRNO(shmget(key, size, 0), ENOENT);
  const int id = shmget(key, size, IPC_CREAT | IPC_EXCL | 0640);
  CHECK(id >= 0 && shmget(key, size, 0) == id && shmget(key, 1, IPC_CREAT) == id);
  CHECK_ERRNO(shmget(key, size, IPC_CREAT | IPC_EXCL), EEXIST);
  CHECK_ERRNO(shmget(key, 2 * size, 0), EINVAL);
  CHECK_ERRNO(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600), EINVAL);

  struct shmid_ds status;
  CHECK(shmctl(id, IPC_STAT, &status) == 0 && status.shm_segsz == size && status.shm_nattch == 0);
  CHECK(status.shm_perm.__key == key && (status.shm_perm.mode & 0777) == 0640 && status.shm_cpid == getpid());
  status.shm_perm.mode = 0600;
  CHECK(shmctl(id, IPC_SET, &status) == 0 && shmctl(id, IPC_STAT, &status) == 0 && (status.shm_perm.mode & 0777) == 0600);
  CHECK_ERRNO(shmctl(id, IPC_STAT, (struct shmid_ds*)8), EFAULT);
  CHECK_ERRNO(shmctl(-1, IPC_STAT, &status), EINVAL);
  CHECK(shmctl(id, IPC_RMID, NULL) == 0);
  CHECK_ERRNO(shmget(key, size, 0), ENOENT);
  CHECK_ERRNO(shmat(id, NULL, 0), EINVAL);
}

static void sharing(void) {
  const int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
  int* memory = shmat(id, NULL, 0);
  CHECK(id >= 0 && memory != (void*)-1 && memory[0] == 0 && ((char*)memory)[size - 1] == 0);
  CHECK_ERRNO(shmat(id, (char*)memory + 1, 0), EINVAL);  // no page's address
  CHECK_ERRNO(shmat(id, memory, 0), EINVAL);             // there is something already
  CHECK_ERRNO(shmdt((char*)memory + 4096), EINVAL);

  const pid_t child = fork();
  if (child == 0) {
    int* mine = shmat(id, NULL, SHM_RDONLY);
    memory[0] = 42;  // inherited
    _exit(mine == (void*)-1 || mine[0] != 42 || mine == memory || shmdt(mine) != 0);
  }
  int how = -1;
  CHECK(waitpid(child, &how, 0) == child && how == 0 && memory[0] == 42);

  struct shmid_ds status;
  CHECK(shmctl(id, IPC_RMID, NULL) == 0 && shmctl(id, IPC_STAT, &status) == 0);
  CHECK(status.shm_nattch == 1 && (status.shm_perm.mode & SHM_DEST) != 0);
  memory[1] = 43;  // removed, and there until it is let go
  CHECK(shmdt(memory) == 0);
  CHECK_ERRNO(shmctl(id, IPC_STAT, &status), EINVAL);
  CHECK_ERRNO(shmdt(memory), EINVAL);
}

int main(void) {
  names();
  sharing();
  return conclude("segments");
}
