// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/launcher.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/parse.hpp"
#include "leviathan/apps/adoption.hpp"
#include "leviathan/apps/enclave_app.hpp"
#include "leviathan/apps/linux_app.hpp"
#include "leviathan/apps/linux_memory.hpp"
#include "leviathan/enclaves/owner.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/pmi/start.hpp"

namespace hobbes::leviathan::apps {
namespace {

constexpr std::uint32_t max_ranks = 4096;
constexpr std::size_t stdio_count = 3;
constexpr mode_t log_mode = 0640;

/// Where it is to run.
struct Target {
  EnclaveId id;
  std::shared_ptr<LiveEnclave> enclave;  ///< null: the Linux side
};

Result<Target> find_target(Node& node, std::string_view name) {
  {
    const auto txn = TRY(node.db().read());
    const auto record = TRY(txn.find_enclave(name));
    if (record && record->type == db::EnclaveType::master) return Target{record->id, nullptr};
  }
  auto enclave = TRY(node.live(name));
  return Target{enclave->id, enclave};
}

bool holds_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

Status check(const protocol::LaunchApp& request) {
  const auto bad = [](const char* what) { return Error(Code::invalid, std::string("launch_app: ") + what); };
  if (request.path.empty() || request.path.front() != '/') return bad("the program's path is not absolute");
  if (request.cwd.empty() || request.cwd.front() != '/') return bad("the working directory is not absolute");
  if (request.args.empty()) return bad("there is no args[0]");
  if (request.ranks == 0 || request.ranks > max_ranks) return bad("the number of ranks is not 1 to 4096");
  if (request.app_name.find('/') != std::string::npos) return bad("an application's name has no '/'");
  const bool nul = holds_nul(request.path) || holds_nul(request.cwd) || holds_nul(request.app_name) ||
                   std::ranges::any_of(request.args, holds_nul) || std::ranges::any_of(request.env, holds_nul);
  if (nul) return bad("a string holds a NUL");
  if (request.hpmmap && request.enclave != protocol::master_name)
    return bad("--hpmmap is for 'master': in an enclave all memory is reserved, and mapped before it is used");
  return {};
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line.append(line.empty() ? "" : " ").append(word);
  return line;
}

void drop_variable(std::vector<std::string>& env, const std::string& name) {
  std::erase_if(env, [&](const std::string& entry) { return entry.starts_with(name + "="); });
}

void set_variable(std::vector<std::string>& env, const std::string& name, std::uint64_t value) {
  drop_variable(env, name);
  env.push_back(name + "=" + std::to_string(value));
}

Result<Launch> journal(Node& node, const Order& order, EnclaveId enclave) {
  auto txn = TRY(node.db().write());
  db::Resources memory = TRY(choose_memory(node, txn, order.request));
  auto launch = TRY(begin_launch(txn, {.enclave = enclave,
                                       .name = order.request.app_name,
                                       .path = order.request.path,
                                       .command = joined(order.request.args),
                                       .detached = order.request.detach,
                                       .uid = order.caller.uid,
                                       .gid = order.caller.gid,
                                       .memory = std::move(memory)}));
  TRY(std::move(txn).commit());
  return launch;
}

/// A detached application reads nothing and writes to its log.
Result<std::vector<UniqueFd>> detached_stdio(const std::filesystem::path& run_dir, AppId app, const Caller& owner) {
  TRY(apps_dir(run_dir));
  const std::filesystem::path file = log_file(run_dir, app);
  UniqueFd log(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, log_mode));
  if (!log) return last_errno("'" + file.string() + "'");
  if (user_of(owner) && ::fchown(log.get(), owner.uid, owner.gid) != 0) return last_errno("'" + file.string() + "'");
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return last_errno("'/dev/null'");
  std::vector<UniqueFd> stdio;
  stdio.push_back(std::move(null));
  stdio.push_back(TRY(log.duplicate()));
  stdio.push_back(std::move(log));
  return stdio;
}

std::vector<int> borrowed(const std::vector<UniqueFd>& fds) {
  std::vector<int> result;
  for (const UniqueFd& fd : fds) result.push_back(fd.get());
  return result;
}

/// Its ranks' way to PMI: a server of our own for several, the descriptor of another launcher's for one, or nothing.
struct Pmi {
  std::optional<Helper> server;
  std::vector<UniqueFd> ranks;  ///< one each
};

Result<Pmi> provide_pmi(Node& node, AppId app, Order& order) {
  Pmi pmi;
  if (order.stdio.size() > stdio_count) {
    pmi.ranks.push_back(std::move(order.stdio.back()));
    order.stdio.pop_back();
  }
  if (order.request.ranks == 1) return pmi;
  auto started = TRY(pmi::start_server({.run_dir = node.run_dir(), .app = app, .parts = {order.request.ranks}}));
  return Pmi{std::move(started.server), std::move(started.ranks)};
}

/// Its ranks have not come: so there is nobody to wait for.
void end_server(const std::optional<Helper>& server) {
  if (!server) return;
  end_helper(server->pidfd.get());
  await_helper_end(server->pidfd.get());
}

/// Where a rank finds its PMI_FD: behind the standard descriptors.
void describe_pmi(std::vector<std::string>& env, const protocol::LaunchApp& request, const Pmi& pmi) {
  drop_variable(env, "PMI_FD");
  if (!pmi.ranks.empty()) set_variable(env, "PMI_FD", stdio_count);
  if (request.ranks == 1) return;  // a single one stays what another launcher made of it
  for (const char* name : {"PMI_RANK", "PMI_SIZE", "PMI_PORT", "PMI_ID"}) drop_variable(env, name);
}

struct Running {
  Helper helper;
  std::uint64_t channel = 0;
  std::int64_t pid = 0;
  std::optional<Helper> pmi{};
};

/// What only a co-kernel grants, an application of Linux is refused.
Status check_for_linux(const protocol::LaunchApp& request) {
  const bool wants_sizes = request.heap_size.value != 0 || request.stack_size.value != 0;
  if ((!wants_sizes || request.hpmmap) && !request.large_pages && !request.smartmap) return {};
  return Error(Code::unsupported,
               "launch_app: heap and stack sizes, large pages and SMARTMAP are for enclaves: on the Linux side ulimit and "
               "its huge-page settings decide, or --hpmmap, which takes sizes");
}

Status check_linux_cpus(Node& node, const std::vector<CpuId>& wanted) {
  const auto txn = TRY(node.db().read());
  const auto linuxs = TRY(txn.list_by_owner<db::Cpu>(master_enclave));
  for (const CpuId cpu : wanted) {
    if (std::ranges::find(linuxs, cpu, &db::Cpu::id) == linuxs.end())
      return Error(Code::invalid, "CPU list: CPU " + std::to_string(cpu.value) + " is not one of Linux's");
  }
  return {};
}

Result<Running> start_on_linux(Node& node, const Launch& launch, const Order& order,
                               const std::vector<UniqueFd>& rank_fds) {
  const protocol::LaunchApp& request = order.request;
  TRY(check_for_linux(request));
  keeper::Job job{.program = request.path,
                  .args = request.args,
                  .env = request.env,
                  .cwd = request.cwd,
                  .umask = request.umask,
                  .user = user_of(order.caller),
                  .ranks = request.ranks,
                  .job_ranks = request.ranks,
                  .pmi = !rank_fds.empty()};
  if (!request.cpu_list.empty()) {
    const auto wanted = TRY(parse_cpu_list(request.cpu_list, "CPU list"));
    TRY(check_linux_cpus(node, wanted));
    for (const CpuId cpu : wanted) job.cpus.push_back(cpu.value);
  }
  const auto memory = TRY(provide_memory(node, launch.memory, order, job));
  LinuxApp started =
      TRY(start_linux_app(node.run_dir(), launch.app, std::move(job), borrowed(order.stdio), rank_fds, memory));
  return Running{std::move(started.keeper), 0, started.pid};
}

Result<Running> start_in_enclave(ProxyStock& proxies, LiveEnclave& enclave, const Launch& launch, const Order& order,
                                 const std::vector<UniqueFd>& rank_fds) {
  EnclaveApp started = TRY(start_enclave_app(proxies, enclave, {.app = launch.app,
                                                                .name = launch.name,
                                                                .request = order.request,
                                                                .caller = order.caller,
                                                                .stdio = borrowed(order.stdio),
                                                                .rank_fds = borrowed(rank_fds),
                                                                .reach = enclave.reach}));
  return Running{std::move(started.proxy), started.channel, 0};
}

/// Where programs of the Linux side may run: where leviathan may.
std::size_t count_linux_cpus() {
  cpu_set_t ours;
  CPU_ZERO(&ours);
  return ::sched_getaffinity(0, sizeof ours, &ours) == 0 ? static_cast<std::size_t>(CPU_COUNT(&ours)) : 1;
}

Result<std::size_t> count_cpus(Node& node, const Target& target, const std::string& cpu_list) {
  if (!cpu_list.empty()) return TRY(parse_cpu_list(cpu_list, "CPU list")).size();
  if (!target.enclave) return count_linux_cpus();
  const auto txn = TRY(node.db().read());
  return TRY(txn.list_by_owner<db::Cpu>(target.id)).size();
}

/// Ranks that wait for each other on one CPU take many times as long: whoever wants that says so.
Status check_room(Node& node, const Target& target, const protocol::LaunchApp& request) {
  if (request.ranks == 1 || request.oversubscribe) return {};
  const std::size_t cpus = TRY(count_cpus(node, target, request.cpu_list));
  if (request.ranks <= cpus) return {};
  return Error(Code::invalid, "launch_app: " + std::to_string(request.ranks) + " ranks are more than the " +
                                  std::to_string(cpus) + (cpus == 1 ? " CPU" : " CPUs") + " of '" + request.enclave +
                                  "' they may run on (--oversubscribe lets them share)");
}

Result<Running> carry_out(Node& node, ProxyStock& proxies, const Target& target, const Launch& launch, Order& order) {
  if (order.request.detach) order.stdio = TRY(detached_stdio(node.run_dir(), launch.app, order.caller));
  if (order.stdio.size() != stdio_count && order.stdio.size() != stdio_count + 1) {
    return Error(Code::invalid, "launch_app: needs three descriptors as standard input, output and error");
  }
  set_variable(order.request.env, "HOBBES_ENCLAVE_ID", target.id.value);
  set_variable(order.request.env, "HOBBES_APP_ID", launch.app.value);
  TRY(check_room(node, target, order.request));
  Pmi pmi = TRY(provide_pmi(node, launch.app, order));
  describe_pmi(order.request.env, order.request, pmi);
  auto running = target.enclave ? start_in_enclave(proxies, *target.enclave, launch, order, pmi.ranks)
                                : start_on_linux(node, launch, order, pmi.ranks);
  if (!running) {
    end_server(pmi.server);
    return running;
  }
  running->pmi = std::move(pmi.server);
  return running;
}

Status commit(Node& node, const Launch& launch, const Running& running, const Order& order) {
  const Adoption adoption{.channel = running.channel,
                          .launcher = order.request.detach ? Launcher{} : launcher_of(order.caller.pid)};
  auto txn = TRY(node.db().write());
  TRY(commit_launch(txn, launch, running.pid, to_text(adoption)));
  return std::move(txn).commit();
}

void undo(Node& node, const Target& target, AppId app, const Running& running) {
  if (target.enclave) {
    undo_enclave_app(*target.enclave, app, running.helper.pidfd.get());
  } else {
    undo_linux_app(node.run_dir(), app, running.helper.pidfd.get());
  }
}

void take_back(Node& node, const Launch& launch, const Error& why) {
  const auto write = [&]() -> Status {
    for (const db::PhysAddr block : launch.memory.blocks) TRY(node.bridge().scrub(block.value));
    auto txn = TRY(node.db().write());
    TRY(abort_launch(txn, launch, why.text()));
    return std::move(txn).commit();
  };
  if (const Status taken = write(); !taken) log::error(taken.error());
  std::error_code ignored;  // there may be no log
  std::filesystem::remove(log_file(node.run_dir(), launch.app), ignored);
}

}  // namespace

Result<Launched> launch(Node& node, ProxyStock& proxies, Order order, const Announce& announce) {
  TRY(check(order.request));
  TRY(enclaves::check_use(node, order.caller, order.request.enclave));
  const Target target = TRY(find_target(node, order.request.enclave));
  Launch launch = TRY(journal(node, order, target.id));
  fault::point(fault::launch_reserved);
  announce(launch.app, target.enclave);
  auto running = carry_out(node, proxies, target, launch, order);
  if (!running) {
    take_back(node, launch, running.error());
    return running.error();
  }
  fault::point(fault::launch_started);
  if (const Status committed = commit(node, launch, *running, order); !committed) {
    undo(node, target, launch.app, *running);
    end_server(running->pmi);
    take_back(node, launch, committed.error());
    return committed.error();
  }
  return Launched{std::move(launch), std::move(running->helper), std::move(running->pmi), running->channel};
}

}  // namespace hobbes::leviathan::apps
