/* SPDX-License-Identifier: Apache-2.0 */
/* The private calls as functions of C. */
#define _GNU_SOURCE
#include "cokernel/liblwk/lwk.h"

#include <errno.h>
#include <unistd.h>

long lwk_call(long number, long a, long b, long c, long d, long e, long f) { return syscall(number, a, b, c, d, e, f); }

int lwk_pmem_query(const struct lwk_pmem_region* query, struct lwk_pmem_region* result) {
  return (int)syscall(LWK_PMEM_QUERY, query, result);
}

int lwk_aspace_get_myid(uint32_t* id) { return (int)syscall(LWK_ASPACE_GET_MYID, id); }

int lwk_aspace_find_hole(uint32_t id, uint64_t hint, size_t extent, size_t alignment, uint64_t* start) {
  return (int)syscall(LWK_ASPACE_FIND_HOLE, id, hint, extent, alignment, start);
}

int lwk_aspace_add_region(uint32_t id, uint64_t start, size_t extent, uint64_t flags, size_t page_size,
                          const char* name) {
  return (int)syscall(LWK_ASPACE_ADD_REGION, id, start, extent, flags, page_size, name);
}

int lwk_aspace_del_region(uint32_t id, uint64_t start, size_t extent) {
  return (int)syscall(LWK_ASPACE_DEL_REGION, id, start, extent);
}

int lwk_aspace_virt_to_phys(uint32_t id, uint64_t address, uint64_t* physical) {
  return (int)syscall(LWK_ASPACE_VIRT_TO_PHYS, id, address, physical);
}

int lwk_aspace_smartmap(uint32_t from, uint32_t to, uint64_t start, size_t extent) {
  return (int)syscall(LWK_ASPACE_SMARTMAP, from, to, start, extent);
}

int lwk_aspace_unsmartmap(uint32_t from, uint32_t to) { return (int)syscall(LWK_ASPACE_UNSMARTMAP, from, to); }

int lwk_aspace_dump2console(uint32_t id) { return (int)syscall(LWK_ASPACE_DUMP2CONSOLE, id); }

int lwk_aspace_get_rank(uint32_t id, uint32_t* rank) { return (int)syscall(LWK_ASPACE_GET_RANK, id, rank); }

int lwk_task_switch_cpus(uint32_t cpu) { return (int)syscall(LWK_TASK_SWITCH_CPUS, cpu); }

int lwk_getcpu(uint32_t* cpu, uint32_t* node) { return (int)syscall(LWK_GETCPU, cpu, node); }

int lwk_elf_hwcap(uint32_t* hwcap) { return (int)syscall(LWK_ELF_HWCAP, hwcap); }

/* In the shape that is rewritten to a jump, unlike the C library's syscall(): asking does not trap. */
int lwk_task_counters(struct lwk_counters* counters) {
  long result;
  __asm__ volatile("mov %1, %%eax\n\tsyscall"
                   : "=a"(result)
                   : "i"(LWK_TASK_COUNTERS), "D"(counters)
                   : "rcx", "r11", "memory");
  if (result == 0) return 0;
  errno = (int)-result;
  return -1;
}
