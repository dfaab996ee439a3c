// SPDX-License-Identifier: Apache-2.0
// /proc and /sys: what programs read there about themselves, and about the machine they are on.
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/scenarios/programs/check.h"

/// A file's text, until the next call.
static char text[1 << 16];
static const char* read_file(const char* name) {
  text[0] = '\0';
  int fd = open(name, O_RDONLY);
  if (fd < 0) {
    printf("%s: errno %d\n", name, errno);
    ++failures;
    return text;
  }
  size_t used = 0;
  for (ssize_t got; (got = read(fd, text + used, sizeof text - 1 - used)) > 0;) used += (size_t)got;
  text[used] = '\0';
  close(fd);
  return text;
}

static long number_after(const char* name, const char* key) {
  const char* at = strstr(read_file(name), key);
  return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

static const char* link_text(const char* name) {
  ssize_t length = readlink(name, text, sizeof text - 1);
  text[length < 0 ? 0 : length] = '\0';
  return text;
}

static int lists(const char* directory, const char* wanted) {
  DIR* stream = opendir(directory);
  if (stream == NULL) return 0;
  int found = 0;
  for (struct dirent* entry; (entry = readdir(stream)) != NULL;) found |= strcmp(entry->d_name, wanted) == 0;
  closedir(stream);
  return found;
}

static void test_self(int argc, char** argv) {
  char name[64], own[256];
  snprintf(name, sizeof name, "%d", (int)getpid());
  CHECK(strcmp(link_text("/proc/self"), name) == 0);
  snprintf(name, sizeof name, "%d/task/%d", (int)getpid(), (int)gettid());
  CHECK(strcmp(link_text("/proc/thread-self"), name) == 0);
  CHECK(strcmp(link_text("/proc/mounts"), "self/mounts") == 0);
  strcpy(own, link_text("/proc/self/exe"));
  struct stat one, other;
  CHECK(stat("/proc/self/exe", &one) == 0 && stat(own, &other) == 0 && one.st_ino == other.st_ino);
  CHECK(argc == 1 && strcmp(read_file("/proc/self/cmdline"), argv[0]) == 0);
  CHECK(getcwd(own, sizeof own) != NULL && strcmp(link_text("/proc/self/cwd"), own) == 0);
  CHECK(strcmp(link_text("/proc/self/root"), "/") == 0);
  CHECK(strncmp(read_file("/proc/self/comm"), "conformance-pro", 15) == 0);
  CHECK_ERRNO(open("/proc/self/none", O_RDONLY), ENOENT);
  CHECK_ERRNO(open("/proc/999999999/stat", O_RDONLY), ENOENT);
  CHECK_ERRNO(readlink("/proc/self/stat", own, sizeof own), EINVAL);
}

static void test_stat(void) {
  int pid, parent, group, session, fields = 1;
  char name[32], state;
  const char* all = read_file("/proc/self/stat");
  CHECK(sscanf(all, "%d %31s %c %d %d %d", &pid, name, &state, &parent, &group, &session) == 6);
  CHECK(pid == getpid() && parent == getppid() && group == getpgrp() && session == getsid(0) && state == 'R');
  CHECK(strcmp(name, "(conformance-pro)") == 0);
  for (; *all != '\0'; ++all) fields += *all == ' ';
  CHECK(fields == 52);
  CHECK(number_after("/proc/self/status", "\nPid:\t") == getpid());
  CHECK(number_after("/proc/self/status", "\nPPid:\t") == getppid());
  CHECK(number_after("/proc/self/status", "\nUid:\t") == getuid());
  CHECK(number_after("/proc/self/status", "\nThreads:\t") == 1);
  CHECK(number_after("/proc/self/status", "\nVmSize:\t") > 0 && number_after("/proc/self/status", "\nVmRSS:\t") > 0);
  umask(027);
  CHECK(number_after("/proc/self/status", "\nUmask:\t") == 27);
  umask(022);
  CHECK(strstr(read_file("/proc/self/status"), "\nSigCgt:\t") != NULL);
  unsigned long size = 0, there = 0;
  CHECK(sscanf(read_file("/proc/self/statm"), "%lu %lu", &size, &there) == 2 && size > 0 && there > 0 && there <= size);
}

static void test_memory(void) {
  char* mapped = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mprotect(mapped + 4096, 4096, PROT_READ) == 0);
  unsigned long last = 0;
  int found = 0, stack = 0, image = 0;
  FILE* maps = fopen("/proc/self/maps", "r");
  char line[512], own[256];
  snprintf(own, sizeof own, "%.255s", link_text("/proc/self/exe"));
  while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end, offset, inode;
    unsigned major, minor;
    char access[5];
    int used = 0;
    CHECK(sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", &start, &end, access, &offset, &major, &minor, &inode,
                 &used) == 7);
    CHECK(start >= last && end > start);
    last = end;
    line[strcspn(line, "\n")] = '\0';
    if (start == (unsigned long)mapped + 4096) found += end == start + 4096 && strcmp(access, "r--p") == 0;
    if ((unsigned long)line >= start && (unsigned long)line < end) stack += strcmp(line + used, "[stack]") == 0;
    if ((unsigned long)&test_memory >= start && (unsigned long)&test_memory < end)
      image += strcmp(access, "r-xp") == 0 && strncmp(line + used, own, 60) == 0;
  }
  CHECK(maps != NULL && found == 1 && stack == 1 && image == 1);
  if (maps != NULL) fclose(maps);
  CHECK(strstr(read_file("/proc/self/smaps"), "\nRss: ") != NULL && strstr(text, "\nPss: ") != NULL);
  munmap(mapped, 8 * 4096);
  CHECK(strstr(read_file("/proc/self/limits"), "\nMax open files ") != NULL && strncmp(text, "Limit ", 6) == 0);
}

static void test_auxiliary_vector(void) {
  Elf64_auxv_t entry;
  int fd = open("/proc/self/auxv", O_RDONLY), pagesize = 0, entries = 0;
  while (read(fd, &entry, sizeof entry) == sizeof entry && ++entries) {
    if (entry.a_type == AT_NULL) break;
    if (entry.a_type == AT_PAGESZ) pagesize = (int)entry.a_un.a_val;
    if (entry.a_type == AT_RANDOM) CHECK(entry.a_un.a_val == getauxval(AT_RANDOM));
  }
  CHECK(entries > 5 && entry.a_type == AT_NULL && pagesize == 4096);
  close(fd);
}

static void test_descriptors(void) {
  char name[64], other[64];
  int fd = open("/etc/passwd", O_RDONLY), ends[2];
  CHECK(lseek(fd, 5, SEEK_SET) == 5);
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  CHECK(strcmp(link_text(name), "/etc/passwd") == 0);
  snprintf(name, sizeof name, "%d", fd);
  CHECK(lists("/proc/self/fd", name) && lists("/proc/self/fdinfo", name));
  snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
  CHECK(number_after(name, "pos:\t") == 5);
  unsigned flags = 1;
  CHECK(sscanf(strstr(read_file(name), "flags:\t"), "flags:\t%o", &flags) == 1 && (flags & O_ACCMODE) == O_RDONLY);
  CHECK(pipe(ends) == 0);
  snprintf(name, sizeof name, "/proc/self/fd/%d", ends[0]);
  CHECK(strncmp(link_text(name), "pipe:[", 6) == 0);
  snprintf(other, sizeof other, "/proc/self/fd/%d", ends[1]);
  struct stat one, two;
  CHECK(stat(name, &one) == 0 && stat(other, &two) == 0 && one.st_ino == two.st_ino && S_ISFIFO(one.st_mode));
  close(fd), close(ends[0]), close(ends[1]);
  CHECK(!lists("/proc/self/fd", "99"));
}

static int tid;
static pthread_barrier_t barrier;
static void* wait_there(void* unused) {
  (void)unused;
  tid = (int)gettid();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return NULL;
}

static void test_tasks(void) {
  char name[64], other[64];
  pthread_t thread;
  pthread_barrier_init(&barrier, NULL, 2);
  CHECK(pthread_create(&thread, NULL, wait_there, NULL) == 0);
  pthread_barrier_wait(&barrier);
  CHECK(number_after("/proc/self/status", "\nThreads:\t") == 2);
  snprintf(other, sizeof other, "%d", tid);
  CHECK(lists("/proc/self/task", other));
  snprintf(name, sizeof name, "/proc/self/task/%d/status", tid);
  CHECK(number_after(name, "\nPid:\t") == tid && number_after(name, "\nTgid:\t") == getpid());
  snprintf(name, sizeof name, "/proc/self/task/%d/stat", tid);
  CHECK(atoi(read_file(name)) == tid);
  pthread_barrier_wait(&barrier);
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK_ERRNO(open("/proc/self/task/1/stat", O_RDONLY), ENOENT);
}

static void test_others(void) {
  char name[64];
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) != 0);
  }
  close(ends[0]);
  snprintf(name, sizeof name, "%d", (int)child);
  CHECK(lists("/proc", name));
  snprintf(name, sizeof name, "/proc/%d/status", (int)child);
  CHECK(number_after(name, "\nPPid:\t") == getpid());
  close(ends[1]);
  int status = 1;
  CHECK(waitpid(child, &status, 0) == child && status == 0 && access(name, F_OK) == -1);
}

static void test_machine(void) {
  cpu_set_t allowed;
  CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  const long cpus = sysconf(_SC_NPROCESSORS_ONLN), possible = sysconf(_SC_NPROCESSORS_CONF);
  long processors = 0;
  read_file("/proc/cpuinfo");
  for (const char* at = text; (at = strstr(at, "processor\t: ")) != NULL; ++at) ++processors;
  CHECK(processors == cpus && cpus >= CPU_COUNT(&allowed) && possible >= cpus && get_nprocs() > 0);
  CHECK(strstr(text, "\nflags\t\t: ") != NULL && strstr(text, "sse2") != NULL);
  CHECK(strstr(text, "\nmodel name\t: ") != NULL);
  int first = -1, last = 0;
  const int numbers = sscanf(read_file("/sys/devices/system/cpu/online"), "%d-%d", &first, &last);
  CHECK(numbers >= 1 && first == 0 && (numbers == 1 ? 0 : last) == cpus - 1);
  CHECK(strlen(read_file("/sys/devices/system/cpu/possible")) > 0);
  CHECK(strlen(read_file("/sys/devices/system/cpu/present")) > 0);
  CHECK(lists("/sys/devices/system/cpu", "cpu0"));
  CHECK(strlen(read_file("/sys/devices/system/cpu/cpu0/topology/core_id")) > 0);
  struct sysinfo memory;
  CHECK(sysinfo(&memory) == 0);
  CHECK(number_after("/proc/meminfo", "MemTotal:") == (long)(memory.totalram * memory.mem_unit / 1024));
  CHECK(number_after("/proc/meminfo", "\nMemAvailable:") > 0);
  CHECK(strncmp(read_file("/proc/stat"), "cpu  ", 5) == 0 && strstr(text, "\nbtime ") != NULL);
  CHECK(strstr(text, "\ncpu0 ") != NULL);
  double up = 0, loads[3];
  CHECK(sscanf(read_file("/proc/uptime"), "%lf", &up) == 1 && up > 0);
  CHECK(sscanf(read_file("/proc/loadavg"), "%lf %lf %lf", &loads[0], &loads[1], &loads[2]) == 3);
  CHECK(strncmp(read_file("/proc/version"), "Linux version ", 14) == 0);
  CHECK(strstr(read_file("/proc/filesystems"), "proc") != NULL);
  CHECK(strstr(read_file("/proc/self/mounts"), " /proc proc ") != NULL);
  CHECK(strstr(read_file("/proc/self/mountinfo"), " /proc ") != NULL);
  CHECK(strstr(read_file("/proc/self/cgroup"), ":/") != NULL);
  static const char* const numbers_of_kernel[] = {"fs/file-max", "fs/nr_open", "kernel/pid_max", "kernel/threads-max",
                                                  "kernel/cap_last_cap", "net/core/somaxconn", "vm/max_map_count",
                                                  "vm/overcommit_memory", "kernel/randomize_va_space"};
  for (unsigned i = 0; i < sizeof numbers_of_kernel / sizeof numbers_of_kernel[0]; ++i) {
    char name[64];
    snprintf(name, sizeof name, "/proc/sys/%s", numbers_of_kernel[i]);
    CHECK(read_file(name)[0] >= '0' && text[0] <= '9');
  }
  CHECK(strcmp(read_file("/proc/sys/kernel/ostype"), "Linux\n") == 0);
}

int main(int argc, char** argv) {
  test_self(argc, argv);
  test_stat();
  test_memory();
  test_auxiliary_vector();
  test_descriptors();
  test_tasks();
  test_others();
  test_machine();
  return conclude("proc");
}
