// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/apps.hpp"

#include "cokernel/kernel/call_statistics.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/control.hpp"
#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/exec.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/host_io.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/smartmap.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t default_heap = 16ull << 20, default_stack = 8ull << 20;
constexpr uint64_t largest_heap = 1ull << 40, largest_stack = 1ull << 34, smallest_stack = 64 << 10;

List<App> apps;
WaitQueue app_ended;

hobbes_app_status status_of(const App& app) {
  return {app.id, app.state, app.exit_code, app.signal, app.processes, app.dead_rank, 0};
}

uint64_t channel_size() { return align_up(sizeof(hobbes_hio_channel), page_size); }

/// A launch under way: the launching control task lends it to the ranks until the last of them is loaded or has failed.
struct Launch {
  Thread* launcher;
  App* app;
  const char* path;
  // Under the process table's lock.
  uint32_t loading = 0;  ///< ranks
  int error = 0;         ///< the first
  const char* why = nullptr;
};

/// What the first thread of a rank starts with.
struct Rank : ListNode, Immovable {
  Launch* launch = nullptr;
  Process* process = nullptr;
  ProgramStrings strings;
};

/// Frees ranks that are loaded, or never were.
struct Ranks : Immovable {
  ~Ranks() {
    while (Rank* rank = list.pop_front()) delete rank;
  }
  List<Rank> list;
};

/// So many ranks are loaded or have failed. The Launch and what belongs to it may be gone afterwards.
void loaded(Launch& launch, uint32_t count, int error, const char* why) {
  Guard guard(process_lock());
  if (launch.error == 0 && error != 0) {
    launch.error = error;
    launch.why = why;
  }
  launch.loading -= count;
  if (launch.loading > 0) return;
  if (launch.error == 0) {
    launch.app->state = HOBBES_APP_RUNNING;
    launch.app->loaded.wake_all();
  }
  wake_thread(*launch.launcher);
}

/// Ranks start together, so that one that cannot be loaded keeps all from it: then the others are killed here.
void wait_for_other_ranks(App& app) {
  Waiter waiter(app.loaded);
  const auto running = [&] {
    Guard guard(process_lock());
    return app.state == HOBBES_APP_RUNNING;
  };
  (void)sleep_until(running, never);  // a signal is looked at on the way to user mode
}

/// The first code of a rank, in its new address space.
void start_rank(Thread& self) {
  auto& rank = *static_cast<Rank*>(self.start_argument);
  App& app = *self.process->app;
  bool gone = false;
  const char* why = nullptr;
  const int error = execute(self, rank.launch->path, rank.strings, app.memory, why, gone);
  loaded(*rank.launch, 1, error, why);
  if (error != 0) exit_process(exited(127));
  wait_for_other_ranks(app);
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
  app.memory.stack_size = launch.stack_size == 0 ? default_stack : launch.stack_size;
  app.memory.heap_size = launch.heap_size == 0 ? default_heap : launch.heap_size;
  app.memory.map_heap = launch.heap_size != 0;
  app.memory.large_pages = (launch.flags & HOBBES_APP_LARGE_PAGES) != 0;
  memcpy(app.cpu_mask, launch.cpu_mask, sizeof(app.cpu_mask));
  copy_string(app.name, name, sizeof(app.name));
}

/// The rank's own copy of the program's strings, with its number if there are several.
int copy_strings(Rank& rank, const hobbes_app_launch& launch, const LaunchStrings& strings, uint32_t number) {
  constexpr uint64_t most_for_number = 64;
  ProgramStrings& program = rank.strings;
  program.bytes = static_cast<char*>(allocate(strings.program_size + most_for_number));
  if (program.bytes == nullptr) return -ENOMEM;
  memcpy(program.bytes, strings.program, strings.program_size);
  program.size = strings.program_size;
  program.argc = launch.argc;
  program.envc = launch.envc;
  if (launch.job_ranks == 1) return 0;
  const auto append = [&](const char* name, uint64_t value) {
    program.size += format(program.bytes + program.size, most_for_number / 2, "%s=%u", name, value) + 1;
    ++program.envc;
  };
  append("PMI_RANK", launch.first_rank + number);
  append("PMI_SIZE", launch.job_ranks);
  return 0;
}

int prepare_process(Process& process, App& app, const hobbes_app_launch& launch, const LaunchStrings& strings,
                    uint32_t number) {
  copy_string(process.cwd, strings.cwd[0] == '/' ? strings.cwd : "/", sizeof(process.cwd));
  process.umask = launch.umask & 0777;
  process.group = process.session = process.pid;
  process.files = fs::FdTable::create_stdio(app);
  if (process.files == nullptr) return -ENOMEM;
  if ((launch.flags & HOBBES_APP_PMI) != 0) {
    if (const int error = process.files->add_rank_descriptor(app, number); error != 0) return error;
  }
  process.credentials.start(app.uid, app.gid);
  process.limits.start(app.memory.stack_size, app.memory.heap_size, fs::FdTable::limit);
  share_of_cpus(app.cpu_mask, number, launch.ranks, process.threads.front()->affinity);
  return 0;
}

/// A rank that is ready to be started.
int create_rank(Launch& launch, const hobbes_app_launch& request, const LaunchStrings& strings, uint32_t number,
                Ranks& ranks) {
  Owned<Rank> rank(new (nothrow) Rank);
  if (!rank) return -ENOMEM;
  if (const int error = copy_strings(*rank, request, strings, number); error != 0) return error;
  Process* process = create_process(init_process(), launch.app);
  if (process == nullptr) return -ENOMEM;
  if (const int error = prepare_process(*process, *launch.app, request, strings, number); error != 0) {
    discard_process(process);
    return error;
  }
  process->is_rank = true;
  process->rank = number;
  rank->launch = &launch;
  rank->process = process;
  Thread& thread = *process->threads.front();
  thread.start = start_rank;
  thread.start_argument = rank.get();
  ranks.list.push_back(*rank.release());
  return 0;
}

void signal_all_locked(const App& app, const SignalInfo& info) {
  for (Process& process : all_processes())
    if (process.app == &app) send_signal_locked(process, info);
}

void kill_all_locked(App& app) {
  app.killed = true;
  SignalInfo info{};
  info.signo = SIGKILL;
  signal_all_locked(app, info);
}

/// Starts them, and waits until every one is loaded or has failed.
void load_ranks(Launch& launch, Ranks& ranks) {
  int error = 0;
  uint32_t not_started = 0;
  for (Rank& rank : ranks.list) {
    Process& process = *rank.process;
    if (error == 0) error = port::start_process(process, *process.threads.front());
    if (error == 0) continue;
    discard_process(&process);
    ++not_started;
  }
  if (not_started > 0) loaded(launch, not_started, error, nullptr);
  sleep_until_done([&] {
    Guard guard(process_lock());
    return launch.loading == 0;
  });
}

/// What cannot be granted is refused, not bent. Null: all can.
const char* refusal_of(const hobbes_app_launch& launch) {
  if ((launch.flags & HOBBES_APP_SMARTMAP) != 0 && launch.ranks > smartmap_ranks)
    return "SMARTMAP: there are addresses for 245 ranks at most";
  if (launch.ranks == 0) return "there is no rank to start";
  if (launch.first_rank > launch.job_ranks || launch.ranks > launch.job_ranks - launch.first_rank)
    return "the ranks are not of their job";
  if (launch.heap_size > largest_heap) return "the heap size is more than 1 TiB";
  if (launch.stack_size > largest_stack) return "the stack size is more than 16 GiB";
  if (launch.stack_size != 0 && launch.stack_size < smallest_stack) return "the stack size is less than 64 KiB";
  return has_cpus(launch.cpu_mask) ? nullptr : "the CPU list names a CPU that the enclave does not have";
}

}  // namespace

static_assert(smartmap_ranks == 245);

App* find_app(uint64_t id) {
  for (App& app : apps)
    if (app.id == id) return &app;
  return nullptr;
}

List<App>& all_apps() { return apps; }

int create_app(uint64_t id, hobbes_hio_created& created) {
  Owned<App> app(new (nothrow) App);
  if (!app) return -ENOMEM;
  app->id = id;
  auto* memory = static_cast<hobbes_hio_channel*>(allocate_zeroed(channel_size()));
  if (memory == nullptr) return -ENOMEM;
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

int launch_app(const hobbes_app_launch& request, const char* strings, char* why, size_t why_size) {
  why[0] = '\0';
  LaunchStrings parsed;
  if (!parse_strings(request, strings, parsed)) return -EINVAL;
  if (const char* refusal = refusal_of(request)) {
    format(why, why_size, "%s", refusal);
    return -EINVAL;
  }
  Launch launch{&port::current(), nullptr, parsed.path};
  {
    Guard guard(process_lock());
    launch.app = find_app(request.app_id);
    if (launch.app == nullptr) return -ESRCH;
    if (launch.app->launched) return -EBUSY;
    launch.app->launched = true;
    launch.app->ranks = launch.loading = request.ranks;
    launch.app->first_rank = request.first_rank;
    launch.app->is_job = request.job_ranks > 1;
  }
  configure(*launch.app, request, parsed.name);
  if ((request.flags & HOBBES_APP_SMARTMAP) != 0) {
    launch.app->smartmap = new (nothrow) Smartmap;
    if (launch.app->smartmap == nullptr) return -ENOMEM;
  }

  Ranks ranks;
  for (uint32_t number = 0; number < request.ranks; ++number) {
    if (const int error = create_rank(launch, request, parsed, number, ranks); error != 0) {
      for (Rank& rank : ranks.list) discard_process(rank.process);
      return error;
    }
  }
  load_ranks(launch, ranks);
  if (launch.error != 0) {
    if (launch.why != nullptr) format(why, why_size, "%s", launch.why);
    Guard guard(process_lock());
    kill_all_locked(*launch.app);
  }
  return launch.error;
}

int kill_app(uint64_t id, int signal) {
  if (signal < 1 || signal > signal_count) return -EINVAL;
  Guard guard(process_lock());
  App* app = find_app(id);
  if (app == nullptr || app->processes == 0) return -ESRCH;
  if (signal == SIGKILL) app->killed = true;
  app->sent |= 1ull << (signal - 1);
  SignalInfo info{};
  info.signo = signal;
  info.code = si_user;
  signal_all_locked(*app, info);
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
    account_app_locked(*app);
  }
  release(app->channel);
  delete app->smartmap;
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

namespace {

/// A rank's death by `signal` is that of all, unless all of them were sent it.
bool ends_job(const App& app, int signal) {
  return signal != 0 && app.is_job && !app.killed && (app.sent & 1ull << (signal - 1)) == 0;
}

}  // namespace

void app_process_ended_locked(App& app, bool is_rank, uint32_t rank, int status) {
  --app.processes;
  if (is_rank) {
    const bool success_so_far = app.signal == 0 && app.exit_code == 0;
    if (success_so_far) {
      app.signal = status & 0x7f;
      app.exit_code = app.signal == 0 ? status >> 8 : 0;
    }
    if (ends_job(app, status & 0x7f)) {
      app.dead_rank = app.first_rank + rank + 1;
      kill_all_locked(app);
    }
    // What the last of them leaves behind ends with it.
    if (--app.ranks == 0) kill_all_locked(app);
  }
  if (app.processes > 0) return;
  app.state = app.signal == 0 ? HOBBES_APP_STOPPED : HOBBES_APP_CRASHED;
  app_ended.wake_all();
  report_event(HOBBES_EVENT_APP_ENDED, status_of(app));
  fs::dismiss_proxy(*app.channel);  // afterwards: a proxy that goes before its application looks like a crash
}

}  // namespace hobbes::lwk
