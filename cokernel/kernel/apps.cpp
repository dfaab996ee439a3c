// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/apps.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/control.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/host_io.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t default_heap = 16ull << 20, default_stack = 8ull << 20;
constexpr uint64_t largest_heap = 1ull << 40, largest_stack = 1ull << 34, smallest_stack = 64 << 10;

List<App> apps;
WaitQueue app_ended;
hobbes_counters departed_counters;

App* find_app(uint64_t id) {
  for (App& app : apps)
    if (app.id == id) return &app;
  return nullptr;
}

hobbes_app_status status_of(const App& app) {
  return {app.id, app.state, app.exit_code, app.signal, app.processes};
}

uint64_t channel_size() { return align_up(sizeof(hobbes_hio_channel), page_size); }

/// What the first thread of an application starts with, lent by the launching control task until it has answered.
struct Launch {
  Thread* launcher;
  const char* path;
  ProgramStrings* strings;
  const char* why = nullptr;
  int result = 1;  // 1: being loaded
};

void finish_launch(Launch& launch, int result) {
  Thread& launcher = *launch.launcher;
  // release: partner is the acquire in launch_app(). The Launch is gone after it.
  __atomic_store_n(&launch.result, result, __ATOMIC_RELEASE);
  wake_thread(launcher);
}

/// The first code of an application, in its new address space.
void start_app(Thread& self) {
  auto& launch = *static_cast<Launch*>(self.start_argument);
  const App& app = *self.process->app;
  bool gone = false;
  const int error = execute(self, launch.path, *launch.strings, app.stack_size, app.heap_size, launch.why, gone);
  finish_launch(launch, error);
  if (error != 0) exit_process(exited(127));
  port::enter_user(self);
}

/// Points `at` behind the string it stands on; false: none ends before `end`.
bool skip_string(const char*& at, const char* end) {
  while (at < end && *at != '\0') ++at;
  if (at == end) return false;
  ++at;
  return true;
}

struct LaunchStrings {
  const char *path, *name, *cwd, *program;  ///< program: argc arguments, then envc settings
  uint64_t program_size;
};

bool parse_strings(const hobbes_app_launch& launch, const char* strings, LaunchStrings& parsed) {
  const char* at = strings;
  const char* end = strings + launch.strings_size;
  parsed.path = at;
  if (!skip_string(at, end)) return false;
  parsed.name = at;
  if (!skip_string(at, end)) return false;
  parsed.cwd = at;
  if (!skip_string(at, end)) return false;
  parsed.program = at;
  for (uint64_t i = 0; i < static_cast<uint64_t>(launch.argc) + launch.envc; ++i)
    if (!skip_string(at, end)) return false;
  parsed.program_size = static_cast<uint64_t>(at - parsed.program);
  return strlen(parsed.path) < path_limit && strlen(parsed.cwd) < path_limit;
}

void configure(App& app, const hobbes_app_launch& launch, const char* name) {
  app.uid = launch.uid;
  app.gid = launch.gid;
  app.rewrite = (launch.flags & HOBBES_APP_NO_REWRITE) == 0;
  app.heap_size = launch.heap_size == 0 ? default_heap : min(launch.heap_size, largest_heap);
  app.stack_size = launch.stack_size == 0 ? default_stack : max(min(launch.stack_size, largest_stack), smallest_stack);
  memcpy(app.cpu_mask, launch.cpu_mask, sizeof(app.cpu_mask));
  copy_string(app.name, name, sizeof(app.name));
}

int prepare_process(Process& process, App& app, const hobbes_app_launch& launch, const LaunchStrings& strings) {
  copy_string(process.cwd, strings.cwd[0] == '/' ? strings.cwd : "/", sizeof(process.cwd));
  process.umask = launch.umask & 0777;
  process.group = process.session = process.pid;
  process.files = fs::FdTable::create_stdio(app);
  if (process.files == nullptr) return -ENOMEM;
  Thread& thread = *process.threads.front();
  uint64_t all = 0;
  for (const uint64_t mask : app.cpu_mask) all |= mask;
  for (int i = 0; i < 4; ++i) thread.affinity[i] = all != 0 ? app.cpu_mask[i] : ~0ull;
  return 0;
}

}  // namespace

int create_app(uint64_t id, hobbes_hio_created& created) {
  Owned<App> app(new (nothrow) App);
  if (!app) return -ENOMEM;
  app->id = id;
  auto* memory = static_cast<hobbes_hio_channel*>(allocate(channel_size()));
  if (memory == nullptr) return -ENOMEM;
  memset(memory, 0, channel_size());
  memory->magic = HOBBES_HIO_MAGIC;
  memory->version = HOBBES_HIO_VERSION;
  memory->slot_count = HOBBES_HIO_SLOTS;
  memory->app_id = id;
  app->channel = memory;
  created = {port::physical(memory), channel_size()};
  Guard guard(process_lock());
  if (find_app(id) != nullptr) {
    release(memory);
    return -EEXIST;
  }
  apps.push_back(*app.release());
  return 0;
}

int launch_app(const hobbes_app_launch& launch, const char* strings, char* why, size_t why_size) {
  why[0] = '\0';
  LaunchStrings parsed;
  if (!parse_strings(launch, strings, parsed)) return -EINVAL;
  App* app = nullptr;
  {
    Guard guard(process_lock());
    app = find_app(launch.app_id);
    if (app == nullptr) return -ESRCH;
    if (app->state != HOBBES_APP_INITTED && app->state != HOBBES_APP_RUNNING) return -EBUSY;
  }
  if (app->state == HOBBES_APP_INITTED) configure(*app, launch, parsed.name);

  ProgramStrings program;
  program.bytes = static_cast<char*>(allocate(max<uint64_t>(parsed.program_size, 1)));
  if (program.bytes == nullptr) return -ENOMEM;
  memcpy(program.bytes, parsed.program, parsed.program_size);
  program.size = parsed.program_size;
  program.argc = launch.argc;
  program.envc = launch.envc;

  Process* process = create_process(init_process(), app);
  if (process == nullptr) return -ENOMEM;
  if (const int error = prepare_process(*process, *app, launch, parsed); error != 0) {
    discard_process(process);
    return error;
  }
  {
    Guard guard(process_lock());
    app->state = HOBBES_APP_RUNNING;
    if (app->leader == nullptr) app->leader = process;
    ++app->ranks;
  }
  Thread& self = port::current();
  Launch handover{&self, parsed.path, &program};
  Thread& thread = *process->threads.front();
  thread.start = start_app;
  thread.start_argument = &handover;
  if (const int error = port::start_process(*process, thread); error != 0) {
    {
      Guard guard(process_lock());
      --app->ranks;
      app->state = HOBBES_APP_INITTED;
      app->leader = nullptr;
    }
    discard_process(process);
    return error;
  }
  while (__atomic_load_n(&handover.result, __ATOMIC_ACQUIRE) == 1) {
    const uint32_t seen = detail::wake_word();
    if (__atomic_load_n(&handover.result, __ATOMIC_ACQUIRE) == 1) port::wait(&self.wake_word, seen, never);
  }
  if (handover.result != 0 && handover.why != nullptr) format(why, why_size, "%s", handover.why);
  return handover.result;
}

int kill_app(uint64_t id, int signal) {
  if (signal < 1 || signal > signal_count) return -EINVAL;
  Guard guard(process_lock());
  App* app = find_app(id);
  if (app == nullptr || app->processes == 0) return -ESRCH;
  SignalInfo info{};
  info.signo = signal;
  info.code = si_user;
  for (Process& process : all_processes())
    if (process.app == app) send_signal_locked(process, info);
  return 0;
}

int reap_app(uint64_t id) {
  App* app = nullptr;
  {
    Guard guard(process_lock());
    app = find_app(id);
    if (app == nullptr) return -ESRCH;
    if (app->processes > 0) return -EBUSY;
    app->unlink();
  }
  release(app->channel);
  delete app;
  return 0;
}

uint32_t list_apps(hobbes_app_status* statuses, uint32_t limit) {
  Guard guard(process_lock());
  uint32_t count = 0;
  for (App& app : apps) {
    if (count < limit) statuses[count] = status_of(app);
    ++count;
  }
  return count;
}

bool end_all_apps(int64_t deadline_ns) {
  Waiter waiter(app_ended);
  {
    Guard guard(process_lock());
    SignalInfo info{};
    info.signo = SIGKILL;
    for (Process& process : all_processes()) send_signal_locked(process, info);
  }
  const auto all_ended = [] {
    Guard guard(process_lock());
    for (App& app : apps)
      if (app.processes > 0) return false;
    return true;
  };
  return sleep_until(all_ended, deadline_ns) == Wake::condition;
}

void app_process_ended_locked(App& app, bool leader, int status) {
  --app.processes;
  if (leader) {
    app.signal = status & 0x7f;
    app.exit_code = app.signal == 0 ? status >> 8 : 0;
    app.leader = nullptr;
    if (app.ranks <= 1) {
      // What the leading process leaves behind ends with it.
      SignalInfo info{};
      info.signo = SIGKILL;
      for (Process& process : all_processes())
        if (process.app == &app) send_signal_locked(process, info);
    }
  }
  if (app.processes > 0) return;
  app.state = app.signal == 0 ? HOBBES_APP_STOPPED : HOBBES_APP_CRASHED;
  app_ended.wake_all();
  report_event(HOBBES_EVENT_APP_ENDED, status_of(app));
  fs::dismiss_proxy(*app.channel);  // afterwards: a proxy that goes before its application looks like a crash
}

void account_thread_locked(const Thread& thread) {
  departed_counters.system_calls += thread.calls;
  departed_counters.trapped += thread.traps;
  departed_counters.host_calls += thread.host_calls;
  departed_counters.unimplemented += thread.unimplemented;
  departed_counters.sites_patched += thread.patches;
}

hobbes_counters counters() {
  hobbes_counters sum;
  {
    Guard guard(process_lock());
    sum = departed_counters;
    for (Process& process : all_processes())
      for (Thread& thread : process.threads) {
        sum.system_calls += thread.calls;
        sum.trapped += thread.traps;
        sum.host_calls += thread.host_calls;
        sum.unimplemented += thread.unimplemented;
        sum.sites_patched += thread.patches;
      }
  }
  sum.pages_total = page_allocator().total_pages();
  sum.pages_free = page_allocator().free_pages();
  return sum;
}

}  // namespace hobbes::lwk
