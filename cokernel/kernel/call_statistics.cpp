// SPDX-License-Identifier: Apache-2.0
// Counts go from a thread to its application when it leaves, and from an application to the enclave when it is
// forgotten. Of the last applications the rows stay in a ring, so that one can still be asked about after its end.
#include "cokernel/kernel/call_statistics.hpp"

#include "cokernel/kernel/apps.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t nr_getpid = 39;

void add_thread(CallSum& sum, const Thread& thread) {
  sum.add(thread.counts, thread.totals, thread.quick_calls, thread.linux_calls);
}

// Static, not from the heap: nothing of an application that has ended keeps a memory block from being given up.
constexpr uint64_t kept_rows = 2048;
constexpr uint32_t kept_apps = 64;
hobbes_system_call ring[kept_rows];
uint64_t ring_end = 0;  ///< rows ever put in
struct Kept {
  uint64_t app_id;  ///< 0: none
  uint64_t start;   ///< of its rows, as ring_end counts
  hobbes_system_calls head;
} kept[kept_apps];
uint32_t next_kept = 0;
CallSum forgotten;  ///< applications that leviathan asks about no more

uint64_t to_ns(uint64_t ticks) {
  const uint64_t per_second = max<uint64_t>(boot_params().tsc_hz, 1);
  return ticks / per_second * 1'000'000'000 + ticks % per_second * 1'000'000'000 / per_second;
}

hobbes_system_calls head_of(const CallSum& sum) {
  hobbes_system_calls head{};
  head.trapped = sum.totals.traps;
  head.sites_patched = sum.totals.patches;
  head.sites_trapped = sum.totals.trapped_sites;
  head.host_calls = sum.totals.host_calls;
  head.linux_calls = sum.linux_calls;
  return head;
}

/// Calls put(const hobbes_system_call&) for each call that was made.
template <typename Put>
void for_rows(const CallSum& sum, Put put) {
  sum.counts.for_each([&](uint32_t number, const CallCount& count) {
    const uint64_t quick = number == nr_getpid ? sum.quick_calls : 0;
    if (count.calls + quick == 0) return;
    const uint32_t flags = syscall_name(number) == nullptr ? HOBBES_SYSTEM_CALL_UNIMPLEMENTED : 0;
    put(hobbes_system_call{number, flags, count.calls + quick, count.errors, count.host, count.samples,
                           to_ns(count.ticks)});
  });
  const uint64_t others = sum.totals.out_of_table;
  if (others > 0)
    put(hobbes_system_call{HOBBES_SYSTEM_CALL_OUT_OF_TABLE, HOBBES_SYSTEM_CALL_UNIMPLEMENTED, others, others, 0, 0, 0});
}

void add_thread(ProcessCalls& sum, const Thread& thread) {
  thread.counts.for_each([&](uint32_t, const CallCount& count) { sum.system_calls += count.calls; });
  sum.system_calls += thread.quick_calls + thread.totals.out_of_table;
  sum.traps += thread.totals.traps;
  sum.host_calls += thread.totals.host_calls;
  sum.linux_calls += thread.linux_calls;
}

void add_running_locked(CallSum& sum, const App* app) {
  for (Process& process : all_processes()) {
    if (process.app == nullptr || (app != nullptr && process.app != app)) continue;
    for (const Thread& thread : process.threads) add_thread(sum, thread);
  }
}

void sum_enclave_locked(CallSum& sum) {
  sum.add(forgotten);
  for (const App& app : all_apps()) sum.add(app.calls);
  add_running_locked(sum, nullptr);
}

/// 0: the port has not started it yet.
uint32_t machine_number(Process& process) {
  const Thread* first = process.threads.front();
  return first == nullptr ? 0 : __atomic_load_n(&first->port_process, __ATOMIC_ACQUIRE);  // partner: its start
}

template <typename Visit>
void for_machine_processes_locked(const App* app, Visit visit) {
  for (Process& process : all_processes()) {
    if (process.app == nullptr || (app != nullptr && process.app != app)) continue;
    if (const uint32_t number = machine_number(process); number != 0) visit(number);
  }
}

const Kept* find_kept(uint64_t app_id) {
  for (const Kept& one : kept)
    if (one.app_id == app_id && ring_end - one.start <= kept_rows) return &one;
  return nullptr;
}

void report_kept(const Kept& one, Reply& reply) {
  reply.append(&one.head, sizeof(one.head));
  for (uint32_t i = 0; i < one.head.rows; ++i)
    reply.append(&ring[(one.start + i) % kept_rows], sizeof(hobbes_system_call));
}

void report_sum_locked(const CallSum& sum, const App* app, Reply& reply) {
  hobbes_system_calls head = head_of(sum);
  for_rows(sum, [&](const hobbes_system_call&) { ++head.rows; });
  for_machine_processes_locked(app, [&](uint32_t) { ++head.processes; });
  reply.append(&head, sizeof(head));
  for_rows(sum, [&](const hobbes_system_call& row) { reply.append(&row, sizeof(row)); });
  for_machine_processes_locked(app, [&](uint32_t number) { reply.append(&number, sizeof(number)); });
}

}  // namespace

void account_thread_locked(const Thread& thread) {
  add_thread(thread.process->calls_of_left, thread);
  if (App* app = thread.process->app) add_thread(app->calls, thread);
}

void account_app_locked(const App& app) {
  if (!app.launched) return;
  forgotten.add(app.calls);
  Kept& place = kept[next_kept];
  next_kept = (next_kept + 1) % kept_apps;
  place = {app.id, ring_end, head_of(app.calls)};
  for_rows(app.calls, [&](const hobbes_system_call& row) {
    ring[ring_end++ % kept_rows] = row;
    ++place.head.rows;
  });
}

hobbes_counters counters() {
  hobbes_counters result{};
  CallSum sum;
  {
    Guard guard(process_lock());
    sum_enclave_locked(sum);
  }
  for_rows(sum, [&](const hobbes_system_call& row) { result.system_calls += row.calls; });
  result.trapped = sum.totals.traps;
  result.host_calls = sum.totals.host_calls;
  result.unimplemented = sum.totals.unimplemented;
  result.sites_patched = sum.totals.patches;
  result.pages_total = page_allocator().total_pages();
  result.pages_free = page_allocator().free_pages();
  return result;
}

void report_system_calls(uint64_t app_id, Reply& reply) {
  Guard guard(process_lock());
  CallSum sum;
  if (app_id == 0) {
    sum_enclave_locked(sum);
    return report_sum_locked(sum, nullptr, reply);
  }
  if (const App* app = find_app(app_id)) {
    sum.add(app->calls);
    add_running_locked(sum, app);
    return report_sum_locked(sum, app, reply);
  }
  if (const Kept* one = find_kept(app_id)) return report_kept(*one, reply);
  reply.fail(-ESRCH, "it is not counted any more");
}

ProcessCalls calls_of(Process& process) {
  Guard guard(process_lock());
  ProcessCalls sum = process.calls_of_left;
  for (const Thread& thread : process.threads) add_thread(sum, thread);
  return sum;
}

}  // namespace hobbes::lwk
