// SPDX-License-Identifier: Apache-2.0
#include "leviathan/apps/enclave_app.hpp"

#include <signal.h>

#include <cstring>
#include <span>
#include <thread>

#include "base/log.hpp"
#include "base/parse.hpp"
#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/queue.h"
#include "kernel-bridge/host-io/job.hpp"
#include "leviathan/apps/proxy.hpp"
#include "leviathan/refusal.hpp"

namespace hobbes::leviathan::apps {
namespace {

/// To read a program from a slow file system of the host and to map all its memory.
constexpr std::chrono::seconds launch_patience{120};
constexpr std::size_t bits_per_word = 64;

void append(std::vector<std::byte>& bytes, const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.c_str());
  bytes.insert(bytes.end(), data, data + text.size() + 1);  // with its NUL
}

Status fill_cpu_mask(hobbes_app_launch& command, const std::string& cpu_list) {
  if (cpu_list.empty()) return {};
  for (const CpuId cpu : TRY(parse_cpu_list(cpu_list, "CPU list"))) {
    if (cpu.value >= std::size(command.cpu_mask) * bits_per_word) {
      return Error(Code::invalid, "CPU list: an enclave has no CPU " + std::to_string(cpu.value));
    }
    command.cpu_mask[cpu.value / bits_per_word] |= std::uint64_t{1} << (cpu.value % bits_per_word);
  }
  return {};
}

std::uint32_t flags_of(const EnclaveAppSpec& spec) {
  const protocol::LaunchApp& request = spec.request;
  return (spec.rank_fds.empty() ? 0U : HOBBES_APP_PMI) | (request.large_pages ? HOBBES_APP_LARGE_PAGES : 0U) | (request.smartmap ? HOBBES_APP_SMARTMAP : 0U) |
         (request.rewrite ? 0U : HOBBES_APP_NO_REWRITE);
}

Result<std::vector<std::byte>> launch_command(const EnclaveAppSpec& spec) {
  const protocol::LaunchApp& request = spec.request;
  std::vector<std::byte> strings;
  for (const std::string& text : {request.path, spec.name, request.cwd}) append(strings, text);
  for (const std::string& text : request.args) append(strings, text);
  for (const std::string& text : request.env) append(strings, text);

  hobbes_app_launch command = {};
  command.app_id = spec.app.value;
  command.flags = flags_of(spec);
  command.ranks = command.job_ranks = request.ranks;
  command.heap_size = request.heap_size.value;
  command.stack_size = request.stack_size.value;
  TRY(fill_cpu_mask(command, request.cpu_list));
  command.uid = spec.caller.uid;
  command.gid = spec.caller.gid;
  command.umask = request.umask;
  command.argc = static_cast<std::uint32_t>(request.args.size());
  command.envc = static_cast<std::uint32_t>(request.env.size());
  command.strings_size = static_cast<std::uint32_t>(strings.size());
  const auto head = cmdqueue::payload_of_struct(command);
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), strings.begin(), strings.end());
  return bytes;
}

using Answer = Result<ControlQueue::Payload>;

Result<std::uint64_t> channel_in(const LiveEnclave& enclave, const Answer& answer) {
  if (!answer) return refusal_of("enclave '" + enclave.name + "': host-I/O channel", answer.error());
  hobbes_hio_created created;
  if (answer->size() != sizeof created) return Error(Code::corrupt, "enclave '" + enclave.name + "': made no channel");
  std::memcpy(&created, answer->data(), sizeof created);
  return created.channel;
}

/// Nobody will serve this launch: it fails by that.
void give_up(LiveEnclave& enclave, const EnclaveAppSpec& spec, std::uint64_t channel, std::future<Answer>& launched,
             int proxy_pidfd) {
  if (const Status declared = declare_proxy_dead(*enclave.machine, channel); !declared) log::error(declared.error());
  launched.wait();
  undo_enclave_app(enclave, spec.app, proxy_pidfd);
}

Result<Proxy> start_proxy_of(ProxyStock& proxies, LiveEnclave& enclave, const EnclaveAppSpec& spec) {
  const std::lock_guard lock(enclave.proxies.memory);
  auto proxy = TRY(start_proxy(proxies, *enclave.machine, {.app = spec.app,
                                                           .user = user_of(spec.caller),
                                                           .cwd = spec.request.cwd,
                                                           .reach = spec.reach,
                                                           .stdio = spec.stdio,
                                                           .rank_fds = spec.rank_fds}));
  TRY(enclave.proxies.add(spec.app, proxy.process));
  return proxy;
}

}  // namespace

Result<EnclaveApp> start_enclave_app(ProxyStock& proxies, LiveEnclave& enclave, const EnclaveAppSpec& spec) {
  const auto command = TRY(launch_command(spec));
  // All at once: the kernel makes channel and processes while the proxy takes up its job.
  auto created = enclave.control.begin(HOBBES_CMD_HIO_CREATE, cmdqueue::payload_of_struct(hobbes_hio_create{spec.app.value}),
                                       launch_patience);  // the kernel may be loading another program
  auto launched = enclave.control.begin(HOBBES_CMD_APP_LAUNCH, command, launch_patience);
  std::this_thread::yield();  // to the queue's thread, where they share a CPU
  auto proxy = start_proxy_of(proxies, enclave, spec);
  const int pidfd = proxy ? proxy->process.pidfd.get() : -1;
  const auto channel = channel_in(enclave, created.get());
  if (!channel) {
    launched.wait();
    undo_enclave_app(enclave, spec.app, pidfd);
    return channel.error();
  }
  const Status told = proxy ? host_io::send_channel(proxy->socket.get(), *channel) : Status(proxy.error());
  if (!told) {
    const Status refused = proxy ? refusal(*proxy) : Status();
    give_up(enclave, spec, *channel, launched, pidfd);
    return refused ? told.error() : refused.error();
  }
  if (const Answer answer = launched.get(); !answer) {
    const Status refused = refusal(*proxy);  // then the kernel's error is only what followed from it
    undo_enclave_app(enclave, spec.app, pidfd);
    return refused ? refusal_of("'" + spec.request.path + "'", answer.error()) : refused.error();
  }
  return EnclaveApp{std::move(proxy->process), *channel};
}

void undo_enclave_app(LiveEnclave& enclave, AppId app, int proxy_pidfd) {
  const hobbes_app_kill kill{app.value, SIGKILL, 0};
  // Refused when it has no processes (any more), which is what we want.
  (void)enclave.control.call(HOBBES_CMD_APP_KILL, cmdqueue::payload_of_struct(kill), command_patience);
  if (proxy_pidfd >= 0) {
    end_helper(proxy_pidfd);
    await_helper_end(proxy_pidfd);
  }
  forget_enclave_app(enclave, app);
}

Result<std::vector<hobbes_app_status>> list_enclave_apps(LiveEnclave& enclave) {
  const auto answer = TRY(enclave.control.call(HOBBES_CMD_APP_LIST, {}, command_patience));
  std::vector<hobbes_app_status> statuses(answer.size() / sizeof(hobbes_app_status));
  if (!statuses.empty()) std::memcpy(statuses.data(), answer.data(), statuses.size() * sizeof(hobbes_app_status));
  return statuses;
}

void kill_enclave_app(LiveEnclave& enclave, AppId app, int signal, std::function<void(Status)> done) {
  const hobbes_app_kill kill{app.value, signal, 0};
  enclave.control.request(HOBBES_CMD_APP_KILL, cmdqueue::payload_of_struct(kill), command_patience,
                          [done = std::move(done)](const Result<ControlQueue::Payload>& answer) {
                            done(answer ? Status() : Status(refusal_of("application", answer.error())));
                          });
}

void forget_enclave_app(LiveEnclave& enclave, AppId app) {
  const hobbes_app_ref reference{app.value};
  enclave.control.request(HOBBES_CMD_APP_REAP, cmdqueue::payload_of_struct(reference), command_patience,
                          [app](const Result<ControlQueue::Payload>& answer) {
                            // Its last processes may still be ending: app_ended() will ask again.
                            if (!answer) log::debug("application " + std::to_string(app.value) + ": is not forgotten yet: " +
                                                    answer.error().text());
                          });
}

}  // namespace hobbes::leviathan::apps
