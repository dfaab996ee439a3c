// SPDX-License-Identifier: Apache-2.0
// Kitten's private calls. Memory and CPUs are leviathan's to give, and a process' page tables nobody else's to change:
// what asks for that is refused with EPERM; what would need hardware or drivers that this kernel lacks, with ENOSYS.
#include "cokernel/kernel/private_calls.hpp"

#include "cokernel/kernel/call_statistics.hpp"
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/user_memory.hpp"
#include "cokernel/kernel/xemem.hpp"

namespace hobbes::lwk {
namespace {

// The structs of cokernel/liblwk/lwk.h.
struct PmemRegion {
  uint64_t start, end;
  uint32_t type_is_set, type, numa_is_set, numa, allocated_is_set, allocated;
};
struct Counters {
  uint64_t system_calls, traps, host_calls, linux_calls;
  port::Usage usage;
};

constexpr uint32_t type_umem = 5;
constexpr uint64_t vm_read = 1, vm_write = 2, vm_exec = 4, vm_user = 0x40;

Sysret refused(Thread&, const Args&) { return -EPERM; }
Sysret missing(Thread&, const Args&) { return -ENOSYS; }

bool matches(const PmemRegion& region, const PmemRegion& query) {
  return region.start < query.end && query.start < region.end &&
         (query.type_is_set == 0 || query.type == region.type) && (query.numa_is_set == 0 || query.numa == region.numa) &&
         (query.allocated_is_set == 0 || query.allocated == region.allocated);
}

/// The lowest block that matches: the allocator keeps them in no order.
Sysret pmem_query(Thread&, const Args& args) {
  PmemRegion query;
  if (!read_user(args[0], query)) return -EFAULT;
  PmemRegion best{};
  Extent block;
  bool in_use = false;
  for (uint32_t i = 0; page_allocator().block_at(i, block, in_use); ++i) {
    const PmemRegion region{block.base, block.base + block.size, 1, type_umem, 1, 0, 1, in_use ? 1u : 0u};
    if (matches(region, query) && (best.end == 0 || region.start < best.start)) best = region;
  }
  if (best.end == 0) return -ENOENT;
  return write_user(args[1], best) ? 0 : -EFAULT;
}

bool is_own(const Thread& self, uint64_t id) { return static_cast<int>(id) == self.process->pid; }

Sysret aspace_get_myid(Thread& self, const Args& args) {
  const auto id = static_cast<uint32_t>(self.process->pid);
  return write_user(args[0], id) ? 0 : -EFAULT;
}

Sysret aspace_find_hole(Thread& self, const Args& args) {
  const uint64_t alignment = max(args[3], page_size);
  if (!is_own(self, args[0])) return -EPERM;
  if (args[2] == 0 || args[2] > port::user_end || (alignment & (alignment - 1)) != 0) return -EINVAL;
  const UserAddr hint = max(args[1], port::user_start);
  if (hint >= self.process->space.end()) return -ENOMEM;
  const UserAddr hole =
      self.process->space.find_hole(hint, self.process->space.end(), align_up(args[2], page_size), alignment);
  if (hole == 0) return -ENOMEM;
  return write_user(args[4], hole) ? 0 : -EFAULT;
}

Sysret aspace_add_region(Thread& self, const Args& args) {
  const uint64_t flags = args[3] & ~vm_user, granularity = args[4];
  if (!is_own(self, args[0])) return -EPERM;
  if ((flags & ~(vm_read | vm_write | vm_exec)) != 0) return -EINVAL;
  if (granularity != page_size && granularity != large_page_size) return -EINVAL;
  if (args[2] == 0 || args[1] % granularity != 0 || args[2] % granularity != 0 || !is_user_range(args[1], args[2]))
    return -EINVAL;
  char name[sizeof(Region::name)];
  const int64_t length = port::copy_string_from_user(name, args[5], sizeof(name));
  if (length < 0) return length == -1 ? -EFAULT : -ENAMETOOLONG;
  AddressSpace::Request request;
  request.address = args[1];
  request.size = args[2];
  request.protection = static_cast<uint32_t>(flags);  // port::Protection has the same bits
  request.fixed = request.no_replace = request.apart = true;
  request.name = name;
  const Sysret mapped = self.process->space.map(request);
  return mapped < 0 ? mapped : 0;
}

Sysret aspace_del_region(Thread& self, const Args& args) {
  return is_own(self, args[0]) ? self.process->space.unmap(args[1], args[2]) : -EPERM;
}

Sysret aspace_virt_to_phys(Thread& self, const Args& args) {
  if (!is_own(self, args[0])) return -EPERM;
  uint64_t contiguous = 0;
  const void* memory = self.process->space.direct(args[1], 1, 0, contiguous);
  if (memory == nullptr) return -EFAULT;
  return write_user(args[2], port::physical(memory)) ? 0 : -EFAULT;
}

/// How the launch has mapped the ranks into each other, for one who has looked away.
Sysret aspace_smartmap(Thread& self, const Args& args) {
  Process& process = *self.process;
  if (!is_own(self, args[1])) return -EPERM;
  Smartmap* const map = process.smartmap_rank == nullptr ? nullptr : process.app->smartmap;
  if (map == nullptr || args[3] != smartmap_slot || args[2] % smartmap_slot != 0 || args[2] == 0) return -EINVAL;
  return map->look_at(process, static_cast<int>(args[0]), args[2]);
}

Sysret aspace_unsmartmap(Thread& self, const Args& args) {
  Process& process = *self.process;
  if (!is_own(self, args[1])) return -EPERM;
  if (process.smartmap_rank == nullptr) return -EINVAL;
  return process.app->smartmap->look_away(process, static_cast<int>(args[0]));
}

Sysret aspace_dump2console(Thread& self, const Args& args) {
  if (!is_own(self, args[0])) return -EPERM;
  self.process->space.for_each([&](const Region& region) {
    print("process %d: %x-%x protection %x %s\n", static_cast<int64_t>(self.process->pid), region.start, region.end,
          static_cast<uint64_t>(region.protection), region.name);
  });
  return 0;
}

Sysret aspace_get_rank(Thread& self, const Args& args) {
  if (!is_own(self, args[0])) return -EPERM;
  return write_user(args[1], self.process->rank) ? 0 : -EFAULT;
}

Sysret task_switch_cpus(Thread& self, const Args& args) {
  constexpr uint64_t bits = 64;
  uint64_t mask[4] = {};
  if (args[0] >= bits * 4) return -EINVAL;
  mask[args[0] / bits] = 1ull << args[0] % bits;
  Guard guard(process_lock());
  return pin_thread(self, mask);
}

Sysret elf_hwcap(Thread&, const Args& args) {
  const auto value = static_cast<uint32_t>(port::hwcap());
  return write_user(args[0], value) ? 0 : -EFAULT;
}

/// There are no task groups to choose from: whoever waits for this CPU may have it.
Sysret sched_yield_task_to(Thread& self, const Args& args) {
  {
    Guard guard(process_lock());
    const Thread* task = find_thread(static_cast<int>(args[1]));
    if (task == nullptr || task->process->app != self.process->app) return -ESRCH;
  }
  port::yield();
  return 0;
}

Sysret task_counters(Thread& self, const Args& args) {
  const ProcessCalls calls = calls_of(*self.process);
  const Counters counters{calls.system_calls, calls.traps, calls.host_calls, calls.linux_calls, port::usage()};
  return write_user(args[0], counters) ? 0 : -EFAULT;
}

}  // namespace

const SyscallRow private_calls[] = {
    {500, "pmem_add", refused},
    {501, "pmem_del", refused},
    {502, "pmem_update", refused},
    {503, "pmem_query", pmem_query},
    {504, "pmem_alloc", refused},
    {505, "pmem_zero", refused},
    {506, "aspace_get_myid", aspace_get_myid},
    {507, "aspace_create", refused},
    {508, "aspace_destroy", refused},
    {509, "aspace_find_hole", aspace_find_hole},
    {510, "aspace_add_region", aspace_add_region},
    {511, "aspace_del_region", aspace_del_region},
    {512, "aspace_map_pmem", refused},
    {513, "aspace_unmap_pmem", refused},
    {514, "aspace_virt_to_phys", aspace_virt_to_phys},
    {515, "aspace_smartmap", aspace_smartmap},
    {516, "aspace_unsmartmap", aspace_unsmartmap},
    {517, "aspace_dump2console", aspace_dump2console},
    {518, "task_create", missing},
    {519, "task_switch_cpus", task_switch_cpus},
    {520, "elf_hwcap", elf_hwcap},
    {521, "v3_start_guest", missing},
    {522, "lwk_getcpu", sys_getcpu},
    {523, "mce_inject", missing},
    {524, "lwk_arp", missing},
    {525, "lwk_ifconfig", missing},
    {526, "phys_cpu_add", refused},
    {527, "phys_cpu_remove", refused},
    {528, "task_meas", missing},
    {529, "aspace_update_user_cpumask", refused},
    {530, "sched_yield_task_to", sched_yield_task_to},
    {531, "sched_setparams_task", missing},
    {532, "aspace_get_rank", aspace_get_rank},
    {533, "aspace_set_rank", refused},
    {534, "aspace_update_user_hio_syscall_mask", refused},
    {535, "task_counters", task_counters},
    {540, "xemem_make", sys_xemem_make},
    {541, "xemem_remove", sys_xemem_remove},
    {542, "xemem_get", sys_xemem_get},
    {543, "xemem_attach", sys_xemem_attach},
    {544, "xemem_lookup", sys_xemem_lookup},
    {545, "xemem_signal", sys_xemem_signal},
    {546, "xemem_wait", sys_xemem_wait},
    {547, "xemem_next", sys_xemem_next},
};
const uint32_t private_call_count = sizeof(private_calls) / sizeof(private_calls[0]);

}  // namespace hobbes::lwk
