// SPDX-License-Identifier: Apache-2.0
// Policies and priorities (sched(7)): kept, checked and told as Linux does. They decide nothing here.
#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr int lowest_realtime = 1, highest_realtime = 99;
constexpr int lowest_nice = 19, highest_nice = -20;
constexpr int reset_on_fork_flag = 0x40000000;
constexpr int64_t usual_turn_ns = 100'000'000;  // Linux's, of SCHED_RR

int64_t turn_ns() {
  const uint32_t hz = boot_params().schedule_hz;
  return hz != 0 ? ns_per_second / hz : usual_turn_ns;
}

bool is_policy(int policy) { return policy >= 0 && policy <= static_cast<int>(Policy::idle) && policy != 4; }
bool is_realtime(int policy) {
  return policy == static_cast<int>(Policy::fifo) || policy == static_cast<int>(Policy::round_robin);
}

/// Under process_lock: the thread a call is about (0: the caller), or null.
Thread* thread_of(Thread& self, uint64_t tid) {
  return static_cast<int>(tid) == 0 ? &self : find_thread(static_cast<int>(tid));
}

/// Under process_lock: whether the caller may change another's scheduling.
bool may_schedule(const Thread& self, const Thread& other) {
  if (other.process->app != self.process->app) return false;
  const Credentials& mine = self.process->credentials;
  const IdSet& owner = other.process->credentials.user;
  return mine.may(cap_sys_nice) || mine.user.effective == owner.real || mine.user.effective == owner.effective;
}

bool may_lower_nice(const Process& process, int nice) {
  constexpr int base = 20;
  return process.credentials.may(cap_sys_nice) ||
         static_cast<uint64_t>(base - nice) <= process.limits.at[limit_nice].soft;
}

/// Under process_lock. `nice` counts for policies without priorities only.
Sysret set_scheduling(Thread& self, Thread& thread, int policy, bool reset_on_fork, int priority, int nice) {
  if (!is_policy(policy)) return -EINVAL;
  const bool realtime = is_realtime(policy);
  if (realtime ? priority < lowest_realtime || priority > highest_realtime : priority != 0) return -EINVAL;
  const Credentials& mine = self.process->credentials;
  Scheduling& scheduling = thread.scheduling;
  if (!mine.may(cap_sys_nice)) {
    const uint64_t most = thread.process->limits.at[limit_realtime].soft;
    const bool rises = static_cast<int>(scheduling.policy) != policy || priority > scheduling.priority;
    if (realtime && rises && static_cast<uint64_t>(priority) > most) return -EPERM;
    if (!realtime && nice < scheduling.nice && !may_lower_nice(*thread.process, nice)) return -EPERM;
    if (scheduling.reset_on_fork && !reset_on_fork) return -EPERM;
  }
  if (!may_schedule(self, thread)) return -EPERM;
  scheduling.policy = static_cast<Policy>(policy);
  scheduling.priority = priority;
  scheduling.reset_on_fork = reset_on_fork;
  if (!realtime) scheduling.nice = nice;
  return 0;
}

/// Linux's struct sched_attr, its first version; util_min and util_max are of the second.
struct Attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};
constexpr uint32_t first_attributes = 48;
constexpr uint64_t attribute_reset_on_fork = 1;
static_assert(sizeof(Attributes) == first_attributes);

/// Reads attributes of a size that user space chose: what lies behind those we know must be zero.
Sysret read_attributes(UserAddr from, Attributes& attributes) {
  if (!read_user(from, attributes.size)) return -EFAULT;
  const uint32_t size = attributes.size == 0 ? first_attributes : attributes.size;
  const auto too_big = [&] { return write_user(from, first_attributes) ? -E2BIG : -EFAULT; };
  if (size < first_attributes || size > page_size) return too_big();
  if (!read_user(from, attributes)) return -EFAULT;
  for (uint32_t at = first_attributes; at < size; ++at) {
    uint8_t byte = 0;
    if (!read_user(from + at, byte)) return -EFAULT;
    if (byte != 0) return too_big();
  }
  return 0;
}

enum PriorityOf : uint64_t { of_process = 0, of_group = 1, of_user = 2 };

/// Under process_lock: calls use(thread) for those that getpriority(2)'s which and who name. False: there are none.
template <typename Use>
bool for_named(Thread& self, uint64_t which, uint32_t who, Use use) {
  if (which == of_process) {
    Thread* thread = thread_of(self, who);
    if (thread != nullptr) use(*thread);
    return thread != nullptr;
  }
  bool any = false;
  const uint32_t wanted = who != 0 ? who
                          : which == of_group ? static_cast<uint32_t>(self.process->group)
                                              : self.process->credentials.user.real;
  for (Process& process : all_processes()) {
    if (process.app != self.process->app) continue;
    const uint32_t have = which == of_group ? static_cast<uint32_t>(process.group) : process.credentials.user.real;
    if (have != wanted) continue;
    for (Thread& thread : process.threads) {
      use(thread);
      any = true;
    }
  }
  return any;
}

}  // namespace

Sysret sys_sched_setscheduler(Thread& self, const Args& args) {
  const auto policy = static_cast<int>(args[1]);
  int priority = 0;
  if (args[2] == 0 || static_cast<int>(args[0]) < 0 || policy < 0) return -EINVAL;
  if (!read_user(args[2], priority)) return -EFAULT;
  Guard guard(process_lock());
  Thread* thread = thread_of(self, args[0]);
  if (thread == nullptr) return -ESRCH;
  return set_scheduling(self, *thread, policy & ~reset_on_fork_flag, (policy & reset_on_fork_flag) != 0, priority,
                        thread->scheduling.nice);
}

Sysret sys_sched_getscheduler(Thread& self, const Args& args) {
  if (static_cast<int>(args[0]) < 0) return -EINVAL;
  Guard guard(process_lock());
  const Thread* thread = thread_of(self, args[0]);
  if (thread == nullptr) return -ESRCH;
  return static_cast<int>(thread->scheduling.policy) | (thread->scheduling.reset_on_fork ? reset_on_fork_flag : 0);
}

Sysret sys_sched_setparam(Thread& self, const Args& args) {
  int priority = 0;
  if (args[1] == 0 || static_cast<int>(args[0]) < 0) return -EINVAL;
  if (!read_user(args[1], priority)) return -EFAULT;
  Guard guard(process_lock());
  Thread* thread = thread_of(self, args[0]);
  if (thread == nullptr) return -ESRCH;
  const Scheduling& now = thread->scheduling;
  return set_scheduling(self, *thread, static_cast<int>(now.policy), now.reset_on_fork, priority, now.nice);
}

Sysret sys_sched_getparam(Thread& self, const Args& args) {
  if (args[1] == 0 || static_cast<int>(args[0]) < 0) return -EINVAL;
  int priority = 0;
  {
    Guard guard(process_lock());
    const Thread* thread = thread_of(self, args[0]);
    if (thread == nullptr) return -ESRCH;
    priority = thread->scheduling.priority;
  }
  return write_user(args[1], priority) ? 0 : -EFAULT;
}

Sysret sys_sched_get_priority_max(Thread&, const Args& args) {
  const auto policy = static_cast<int>(args[0]);
  if (is_realtime(policy)) return highest_realtime;
  return is_policy(policy) || policy == static_cast<int>(Policy::deadline) ? 0 : -EINVAL;
}

Sysret sys_sched_get_priority_min(Thread&, const Args& args) {
  const auto policy = static_cast<int>(args[0]);
  if (is_realtime(policy)) return lowest_realtime;
  return is_policy(policy) || policy == static_cast<int>(Policy::deadline) ? 0 : -EINVAL;
}

Sysret sys_sched_rr_get_interval(Thread& self, const Args& args) {
  if (static_cast<int>(args[0]) < 0) return -EINVAL;
  int64_t turn = 0;
  {
    Guard guard(process_lock());
    const Thread* thread = thread_of(self, args[0]);
    if (thread == nullptr) return -ESRCH;
    turn = thread->scheduling.policy == Policy::fifo ? 0 : turn_ns();
  }
  return write_user(args[1], to_time(turn)) ? 0 : -EFAULT;
}

Sysret sys_sched_setattr(Thread& self, const Args& args) {
  Attributes wanted;
  if (args[1] == 0 || static_cast<int>(args[0]) < 0 || args[2] != 0) return -EINVAL;
  if (const Sysret bad = read_attributes(args[1], wanted); bad != 0) return bad;
  if (static_cast<int>(wanted.policy) < 0 || (wanted.flags & ~attribute_reset_on_fork) != 0) return -EINVAL;
  const int nice = max(highest_nice, min(wanted.nice, lowest_nice));
  Guard guard(process_lock());
  Thread* thread = thread_of(self, args[0]);
  if (thread == nullptr) return -ESRCH;
  return set_scheduling(self, *thread, static_cast<int>(wanted.policy), (wanted.flags & attribute_reset_on_fork) != 0,
                        static_cast<int>(wanted.priority), nice);
}

Sysret sys_sched_getattr(Thread& self, const Args& args) {
  const auto size = static_cast<uint32_t>(args[2]);
  if (args[1] == 0 || static_cast<int>(args[0]) < 0 || size < first_attributes || size > page_size || args[3] != 0)
    return -EINVAL;
  Attributes attributes{};
  {
    Guard guard(process_lock());
    const Thread* thread = thread_of(self, args[0]);
    if (thread == nullptr) return -ESRCH;
    const Scheduling& scheduling = thread->scheduling;
    attributes.policy = static_cast<uint32_t>(scheduling.policy);
    attributes.flags = scheduling.reset_on_fork ? attribute_reset_on_fork : 0;
    attributes.priority = static_cast<uint32_t>(scheduling.priority);
    if (!scheduling.is_realtime()) attributes.nice = scheduling.nice;
  }
  attributes.size = first_attributes;
  return write_user(args[1], attributes) ? 0 : -EFAULT;
}

Sysret sys_getpriority(Thread& self, const Args& args) {
  constexpr int base = 20;  // the call tells 20 - nice, which is never negative
  if (args[0] > of_user) return -EINVAL;
  Guard guard(process_lock());
  int most = -ESRCH;
  for_named(self, args[0], static_cast<uint32_t>(args[1]),
            [&](const Thread& thread) { most = max(most, base - thread.scheduling.nice); });
  return most;
}

Sysret sys_setpriority(Thread& self, const Args& args) {
  if (args[0] > of_user) return -EINVAL;
  const int nice = max(highest_nice, min(static_cast<int>(args[2]), lowest_nice));
  Guard guard(process_lock());
  Sysret result = 0;
  const bool any = for_named(self, args[0], static_cast<uint32_t>(args[1]), [&](Thread& thread) {
    if (!may_schedule(self, thread)) result = -EPERM;
    else if (nice < thread.scheduling.nice && !may_lower_nice(*thread.process, nice)) result = -EACCES;
    else thread.scheduling.nice = nice;
  });
  return any ? result : -ESRCH;
}

Sysret sys_ioprio_get(Thread& self, const Args& args) {
  constexpr uint64_t process = 1, group = 2, user = 3;
  if (args[0] < process || args[0] > user) return -EINVAL;
  static_assert(group - process == of_group);
  Guard guard(process_lock());
  Sysret best = -ESRCH;
  for_named(self, args[0] - process, static_cast<uint32_t>(args[1]), [&](const Thread& thread) {
    const int priority = thread.scheduling.io_priority;
    best = best < 0 || (priority != 0 && priority < best) ? priority : best;
  });
  return best;
}

Sysret sys_ioprio_set(Thread& self, const Args& args) {
  constexpr uint64_t process = 1, user = 3;
  constexpr int class_shift = 13, levels = 8;
  enum { none, realtime, best_effort, idle };
  const auto priority = static_cast<int>(args[2]);
  const int level = priority & ((1 << class_shift) - 1);
  switch (priority >> class_shift) {
    case realtime:
      if (!self.process->credentials.may(cap_sys_nice)) return -EPERM;
      [[fallthrough]];
    case best_effort:
      if (level >= levels) return -EINVAL;
      break;
    case idle: break;
    case none:
      if (level != 0) return -EINVAL;
      break;
    default: return -EINVAL;
  }
  if (args[0] < process || args[0] > user) return -EINVAL;
  Guard guard(process_lock());
  Sysret result = 0;
  const bool any = for_named(self, args[0] - process, static_cast<uint32_t>(args[1]), [&](Thread& thread) {
    if (may_schedule(self, thread)) thread.scheduling.io_priority = priority;
    else result = -EPERM;
  });
  return any ? result : -ESRCH;
}

Sysret sys_sched_yield(Thread&, const Args&) {
  port::yield();
  return 0;
}

Sysret sys_sched_getaffinity(Thread& self, const Args& args) {
  uint64_t mask[4];
  constexpr uint64_t whole = sizeof(mask);
  if (args[1] % sizeof(uint64_t) != 0 || args[1] * 8 < cpu_count()) return -EINVAL;
  {
    Guard guard(process_lock());
    const Thread* thread = thread_of(self, args[0]);
    if (thread == nullptr) return -ESRCH;
    allowed_cpus(*thread, mask);
  }
  const uint64_t size = min(args[1], whole);
  return copy_out(args[2], mask, size) ? static_cast<Sysret>(size) : -EFAULT;
}

Sysret sys_sched_setaffinity(Thread& self, const Args& args) {
  uint64_t mask[4] = {};
  constexpr uint64_t whole = sizeof(mask);
  if (!copy_in(mask, args[2], min(args[1], whole))) return -EFAULT;
  Guard guard(process_lock());
  Thread* thread = thread_of(self, args[0]);
  if (thread == nullptr) return -ESRCH;
  return may_schedule(self, *thread) ? pin_thread(*thread, mask) : -EPERM;
}

}  // namespace hobbes::lwk
