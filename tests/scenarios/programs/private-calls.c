// SPDX-License-Identifier: Apache-2.0
// The private calls, through liblwk: what they do, and what they refuse. In an enclave only.
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cokernel/liblwk/lwk.h"
#include "tests/scenarios/programs/check.h"

enum { page = 4096, large = 2 << 20 };

static void test_pmem(void) {
  const struct lwk_pmem_region all = {.start = 0, .end = UINT64_MAX, .type_is_set = 1, .type = LWK_PMEM_TYPE_UMEM};
  struct lwk_pmem_region found, next;
  CHECK(lwk_pmem_query(&all, &found) == 0);
  CHECK(found.start < found.end && found.start % large == 0 && found.allocated_is_set);
  const struct lwk_pmem_region behind = {.start = found.end, .end = UINT64_MAX};
  if (lwk_pmem_query(&behind, &next) == 0) CHECK(next.start >= found.end);
  else CHECK(errno == ENOENT);
  const struct lwk_pmem_region none = {.start = 0, .end = 1};
  CHECK_ERRNO(lwk_pmem_query(&none, &found), ENOENT);
  CHECK_ERRNO(lwk_pmem_query(NULL, &found), EFAULT);
  CHECK_ERRNO(lwk_pmem_query(&all, NULL), EFAULT);
  for (long number = LWK_PMEM_ADD; number <= LWK_PMEM_ZERO; ++number)
    if (number != LWK_PMEM_QUERY) CHECK_ERRNO(lwk_call(number, 0, 0, 0, 0, 0, 0), EPERM);
}

static void test_region(uint32_t id, size_t extent, size_t page_size) {
  uint64_t start = 0, physical = 0, of_second = 0;
  CHECK(lwk_aspace_find_hole(id, 0x100000000, extent, page_size, &start) == 0);
  CHECK(start >= 0x100000000 && start % page_size == 0);
  CHECK_ERRNO(lwk_aspace_virt_to_phys(id, start, &physical), EFAULT);
  CHECK(lwk_aspace_add_region(id, start, extent, LWK_VM_READ | LWK_VM_WRITE, page_size, "mine") == 0);
  char* memory = (char*)start;
  CHECK(memory[0] == 0 && memory[extent - 1] == 0);
  memory[extent - 1] = 1;
  CHECK(lwk_aspace_virt_to_phys(id, start + 123, &physical) == 0 && physical % page == 123);
  CHECK(lwk_aspace_virt_to_phys(id, start + extent - page, &of_second) == 0 && of_second % page == 0);
  CHECK_ERRNO(lwk_aspace_add_region(id, start, extent, LWK_VM_READ, page_size, "mine"), EEXIST);
  CHECK(lwk_aspace_del_region(id, start, extent) == 0);
  CHECK_ERRNO(lwk_aspace_virt_to_phys(id, start, &physical), EFAULT);
}

static void test_aspace(void) {
  uint32_t id = 0, rank = 1;
  uint64_t start = 0;
  CHECK(lwk_aspace_get_myid(&id) == 0 && id == (uint32_t)getpid());
  CHECK_ERRNO(lwk_aspace_get_myid(NULL), EFAULT);
  test_region(id, 3 * page, page);
  test_region(id, large, large);
  CHECK_ERRNO(lwk_aspace_find_hole(id, 0, 0, page, &start), EINVAL);
  CHECK_ERRNO(lwk_aspace_find_hole(id, 0, page, 3 * page, &start), EINVAL);
  CHECK_ERRNO(lwk_aspace_find_hole(id, UINT64_MAX, page, page, &start), ENOMEM);
  CHECK_ERRNO(lwk_aspace_find_hole(id, 0, page, page, NULL), EFAULT);
  CHECK_ERRNO(lwk_aspace_find_hole(id + 1, 0, page, page, &start), EPERM);
  CHECK_ERRNO(lwk_aspace_add_region(id, page + 1, page, LWK_VM_READ, page, ""), EINVAL);
  CHECK_ERRNO(lwk_aspace_add_region(id, 0x7c0000000000, page, LWK_VM_READ, page, ""), EINVAL);
  CHECK_ERRNO(lwk_aspace_add_region(id, 0x100000000, page, LWK_VM_READ, 1 << 30, ""), EINVAL);
  CHECK_ERRNO(lwk_aspace_add_region(id, 0x100000000, page, LWK_VM_READ, page, NULL), EFAULT);
  CHECK_ERRNO(lwk_aspace_del_region(id + 1, 0x100000000, page), EPERM);
  CHECK(lwk_aspace_dump2console(id) == 0);
  const char* told = getenv("PMI_RANK");
  CHECK(lwk_aspace_get_rank(id, &rank) == 0 && rank == (told != NULL ? (uint32_t)atoi(told) : 0));
}

static void test_tasks(void) {
  uint32_t cpu = 77, node = 77, hwcap = 0;
  CHECK(lwk_task_switch_cpus(0) == 0);
  CHECK(lwk_getcpu(&cpu, &node) == 0 && cpu == 0);
  CHECK_ERRNO(lwk_task_switch_cpus(255), EINVAL);
  CHECK_ERRNO(lwk_task_switch_cpus(100000), EINVAL);
  CHECK(lwk_elf_hwcap(&hwcap) == 0 && (hwcap & 1) != 0);  // every x86-64 CPU has an FPU
  CHECK(lwk_call(LWK_SCHED_YIELD_TASK_TO, getpid(), gettid(), 0, 0, 0, 0) == 0);
  CHECK_ERRNO(lwk_call(LWK_SCHED_YIELD_TASK_TO, 1, 1, 0, 0, 0, 0), ESRCH);
  CHECK_ERRNO(lwk_call(LWK_TASK_CREATE, 0, 0, 0, 0, 0, 0), ENOSYS);
  CHECK_ERRNO(lwk_call(LWK_PHYS_CPU_ADD, 0, 0, 0, 0, 0, 0), EPERM);
  CHECK_ERRNO(lwk_call(599, 0, 0, 0, 0, 0, 0), ENOSYS);
  CHECK_ERRNO(lwk_call(LWK_TASK_MEAS, 0, 0, 0, 0, 0, 0), ENOSYS);
}

static void test_counters(void) {
  struct lwk_counters before, after;
  CHECK(lwk_task_counters(&before) == 0);
  for (int i = 0; i < 100; ++i) getppid();
  for (int i = 0; i < 100; ++i) getpid();
  CHECK(lwk_task_counters(&after) == 0);
  CHECK(after.system_calls - before.system_calls == 201);
  CHECK_ERRNO(lwk_task_counters(NULL), EFAULT);
}

int main(void) {
  test_pmem();
  test_aspace();
  test_tasks();
  test_counters();
  return conclude("private-calls");
}
