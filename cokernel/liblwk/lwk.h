/* SPDX-License-Identifier: Apache-2.0 */
/* liblwk: a co-kernel's private system calls, for programs in an enclave (docs/private-calls.md). Each returns 0, or -1 with
 * errno; on Linux, and for what a co-kernel does not do, errno is ENOSYS or EPERM. */
#ifndef LWK_H
#define LWK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum lwk_call {
  LWK_PMEM_ADD = 500, LWK_PMEM_DEL, LWK_PMEM_UPDATE, LWK_PMEM_QUERY, LWK_PMEM_ALLOC, LWK_PMEM_ZERO,
  LWK_ASPACE_GET_MYID, LWK_ASPACE_CREATE, LWK_ASPACE_DESTROY, LWK_ASPACE_FIND_HOLE, LWK_ASPACE_ADD_REGION,
  LWK_ASPACE_DEL_REGION, LWK_ASPACE_MAP_PMEM, LWK_ASPACE_UNMAP_PMEM, LWK_ASPACE_VIRT_TO_PHYS, LWK_ASPACE_SMARTMAP,
  LWK_ASPACE_UNSMARTMAP, LWK_ASPACE_DUMP2CONSOLE, LWK_TASK_CREATE, LWK_TASK_SWITCH_CPUS, LWK_ELF_HWCAP,
  LWK_V3_START_GUEST, LWK_GETCPU, LWK_MCE_INJECT, LWK_ARP, LWK_IFCONFIG, LWK_PHYS_CPU_ADD, LWK_PHYS_CPU_REMOVE,
  LWK_TASK_MEAS, LWK_ASPACE_UPDATE_USER_CPUMASK, LWK_SCHED_YIELD_TASK_TO, LWK_SCHED_SETPARAMS_TASK,
  LWK_ASPACE_GET_RANK, LWK_ASPACE_SET_RANK, LWK_ASPACE_UPDATE_USER_HIO_SYSCALL_MASK,
  LWK_TASK_COUNTERS,
  LWK_XEMEM_MAKE = 540, LWK_XEMEM_REMOVE, LWK_XEMEM_GET, LWK_XEMEM_ATTACH, LWK_XEMEM_LOOKUP, LWK_XEMEM_SIGNAL,
  LWK_XEMEM_WAIT, LWK_XEMEM_NEXT,
};

/* Any of them by its number. */
long lwk_call(long number, long a, long b, long c, long d, long e, long f);

/* ---- Physical memory ---- */
enum { LWK_PMEM_TYPE_UMEM = 5 };
struct lwk_pmem_region {
  uint64_t start, end;
  uint32_t type_is_set, type;
  uint32_t numa_is_set, numa;
  uint32_t allocated_is_set, allocated; /* whether anything of it is in use */
};
/* The first of the enclave's memory blocks that reaches into [start, end) and has the fields that are set; ENOENT: none. */
int lwk_pmem_query(const struct lwk_pmem_region* query, struct lwk_pmem_region* result);

/* ---- The address space of the calling process, the only one there is for it ---- */
enum { LWK_VM_READ = 1, LWK_VM_WRITE = 2, LWK_VM_EXEC = 4 };
int lwk_aspace_get_myid(uint32_t* id);
/* Free addresses of `extent` bytes at or above `hint`; ENOMEM: none. */
int lwk_aspace_find_hole(uint32_t id, uint64_t hint, size_t extent, size_t alignment, uint64_t* start);
/* Zeroed memory at addresses that are free (else EEXIST). `page_size` is 4 KiB or 2 MiB, which start and extent are
 * multiples of. */
int lwk_aspace_add_region(uint32_t id, uint64_t start, size_t extent, uint64_t flags, size_t page_size, const char* name);
int lwk_aspace_del_region(uint32_t id, uint64_t start, size_t extent);
/* EFAULT: nothing is there. */
int lwk_aspace_virt_to_phys(uint32_t id, uint64_t address, uint64_t* physical);
/* Prints its regions on the enclave's console. */
int lwk_aspace_dump2console(uint32_t id);
/* The number of the rank the process belongs to. */
int lwk_aspace_get_rank(uint32_t id, uint32_t* rank);

/* ---- Tasks and CPUs ---- */
/* Moves the calling thread to a CPU, as the enclave counts them; EINVAL: it has no such. */
int lwk_task_switch_cpus(uint32_t cpu);
int lwk_getcpu(uint32_t* cpu, uint32_t* node);
/* CPUID.1:EDX, as AT_HWCAP. */
int lwk_elf_hwcap(uint32_t* hwcap);

/* SMARTMAP: in an application launched with --use-smartmap every rank sees the memory of rank r, its own included, in slot
 * r + 1 of 512 GiB, as r has it in slot 0. What is at `pointer` in that rank is here at: */
enum { LWK_SMARTMAP_SHIFT = 39 };
static inline void* lwk_smartmap_remote(uint32_t rank, const void* pointer) {
  return (void*)(((uint64_t)rank + 1) << LWK_SMARTMAP_SHIFT | (uint64_t)pointer);
}
/* What that is in the rank itself. */
static inline void* lwk_smartmap_local(const void* remote) {
  return (void*)((uint64_t)remote & ((UINT64_C(1) << LWK_SMARTMAP_SHIFT) - 1));
}
/* The caller (`to`) sees rank `from` (ids, as lwk_aspace_get_myid tells them) no more, or again: at (rank + 1) slots. */
int lwk_aspace_smartmap(uint32_t from, uint32_t to, uint64_t start, size_t extent);
int lwk_aspace_unsmartmap(uint32_t from, uint32_t to);

/* What the calling process has cost so far. */
struct lwk_counters {
  uint64_t system_calls; /* made */
  uint64_t traps;        /* of these, through the trap */
  uint64_t host_calls;   /* requests to the host */
  uint64_t linux_calls;  /* calls that the co-kernel made of the machine's Linux, without this one's */
  uint64_t minor_faults, major_faults;
  uint64_t voluntary_switches, involuntary_switches;
};
int lwk_task_counters(struct lwk_counters* counters);

#ifdef __cplusplus
}
#endif
#endif
