// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_kernel.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/console.h"
#include "kernel-bridge/abi/host_io.h"
#include "kernel-bridge/fake/payload.hpp"

namespace hobbes::bridge {
namespace {

constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t page_up(std::uint64_t value) { return (value + page_size - 1) / page_size * page_size; }

std::uint64_t control_size() { return page_up(cmdqueue::queue_size({}).value); }

Result<UniqueFd> make_event() {
  UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return last_errno("eventfd");
  return fd;
}

template <typename Set>
auto listed(const Set& set) {
  return std::vector<typename Set::value_type>(set.begin(), set.end());
}

}  // namespace

struct FakeKernel::Command {
  std::uint32_t code;
  Result<Payload> (*handle)(FakeKernel&, PayloadView);
};

const FakeKernel::Command FakeKernel::commands[] = {
    {HOBBES_CMD_PING, [](FakeKernel&, PayloadView in) { return Result(Payload(in.begin(), in.end())); }},
    {HOBBES_CMD_HIO_CREATE, [](FakeKernel& kernel, PayloadView in) { return kernel.create_channel(in); }},
    {HOBBES_CMD_COUNTERS, [](FakeKernel& kernel, PayloadView in) { return kernel.count(in); }},
    {HOBBES_CMD_ADD_MEM, [](FakeKernel& kernel, PayloadView in) { return kernel.add_memory(in); }},
    {HOBBES_CMD_REMOVE_MEM, [](FakeKernel& kernel, PayloadView in) { return kernel.remove_memory(in); }},
    {HOBBES_CMD_ADD_CPU, [](FakeKernel& kernel, PayloadView in) { return kernel.add_cpu(in); }},
    {HOBBES_CMD_REMOVE_CPU, [](FakeKernel& kernel, PayloadView in) { return kernel.remove_cpu(in); }},
    {HOBBES_CMD_ADD_PCI, [](FakeKernel& kernel, PayloadView in) { return kernel.add_device(in); }},
    {HOBBES_CMD_REMOVE_PCI, [](FakeKernel& kernel, PayloadView in) { return kernel.remove_device(in); }},
    {HOBBES_CMD_SHUTDOWN, [](FakeKernel& kernel, PayloadView in) { return kernel.shut_down(in); }},
    {HOBBES_CMD_APP_LAUNCH, [](FakeKernel& kernel, PayloadView in) { return kernel.apps_.launch(in); }},
    {HOBBES_CMD_APP_KILL, [](FakeKernel& kernel, PayloadView in) { return kernel.apps_.kill(in); }},
    {HOBBES_CMD_APP_REAP, [](FakeKernel& kernel, PayloadView in) { return kernel.apps_.reap(in); }},
    {HOBBES_CMD_APP_LIST, [](FakeKernel& kernel, PayloadView in) { return kernel.apps_.list(in); }},
    {HOBBES_CMD_FILE_OPEN, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.open(in); }},
    {HOBBES_CMD_FILE_CLOSE, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.close(in); }},
    {HOBBES_CMD_FILE_READ, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.read(in); }},
    {HOBBES_CMD_FILE_WRITE, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.write(in); }},
    {HOBBES_CMD_FILE_SEEK, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.seek(in); }},
    {HOBBES_CMD_FILE_STAT, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.stat(in); }},
    {HOBBES_CMD_FILE_FSTAT, [](FakeKernel& kernel, PayloadView in) { return kernel.files_.fstat(in); }},
};

Result<std::shared_ptr<FakeKernel>> FakeKernel::boot(const BootSpec& spec, FakeMemory& memory) {
  if (spec.blocks.empty()) return Error(Code::invalid, "boot: an enclave needs memory");
  if (spec.cpus.empty()) return Error(Code::invalid, "boot: an enclave needs a CPU");
  for (const std::uint64_t base : spec.blocks) TRY(memory.get(base));
  for (const std::uint64_t base : spec.blocks) memory.mark_used(base);
  std::shared_ptr<FakeKernel> kernel(new FakeKernel(spec, TRY(memory.get(spec.blocks[0]))));
  TRY(kernel->start());
  return kernel;
}

FakeKernel::FakeKernel(const BootSpec& spec, std::shared_ptr<FakeBlock> boot_block)
    : id_(spec.id),
      boot_block_(std::move(boot_block)),
      boot_base_(spec.blocks[0]),
      plugged_blocks_(spec.blocks.begin(), spec.blocks.end()),
      known_blocks_(plugged_blocks_),
      next_channel_(HOBBES_BOOT_PARAMS_SIZE + control_size() + page_up(sizeof(hobbes_console))) {
  for (const Cpu& cpu : spec.cpus) {
    plugged_cpus_.insert(cpu.id);
    known_cpus_.emplace(cpu.id, static_cast<std::int32_t>(known_cpus_.size()));
  }
}

FakeKernel::~FakeKernel() { destroy(); }

Status FakeKernel::start() {
  death_ = TRY(make_event());
  control_bell_ = TRY(make_event());
  console_bell_ = TRY(make_event());
  control_ = boot_block_->mapping.bytes().subspan(HOBBES_BOOT_PARAMS_SIZE, control_size());
  console_ = control_.data() + control_.size();
  reinterpret_cast<hobbes_console*>(console_)->magic = HOBBES_CONSOLE_MAGIC;
  cmdqueue::QueueMemory queue = TRY(cmdqueue::QueueMemory::format(control_));
  doorbell_ = cmdqueue::Doorbell::futex(&queue.view().requests.control().consumer_sleep);

  auto peers_bell = TRY(cmdqueue::Doorbell::event_fd(TRY(control_bell_.duplicate())));
  cmdqueue::Bells bells{cmdqueue::Doorbell::futex(&queue.view().requests.control().consumer_sleep), std::move(peers_bell)};
  thread_ = std::thread(
      [this, server = cmdqueue::ServerEnd(std::move(queue), std::move(bells))]() mutable { serve(server); });
  return {};
}

void FakeKernel::end(Life life, const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (life_ != Life::running) return;
    reason_ = reason;
    life_ = life;
  }
  const std::uint64_t one = 1;
  // Cannot fail: it is written once. It is never read, so whoever polls it, at whatever time, sees the death.
  [[maybe_unused]] const ssize_t written = ::write(death_.get(), &one, sizeof one);
  doorbell_.ring();
}

void FakeKernel::die(const std::string& reason) {
  end(Life::crashed, reason.empty() ? "its processes have ended" : reason);
}

void FakeKernel::destroy() {
  die();
  const std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void FakeKernel::hang() { hung_ = true; }

void FakeKernel::use_memory(std::uint64_t base, bool in_use) {
  const std::lock_guard lock(mutex_);
  in_use ? static_cast<void>(used_blocks_.insert(base)) : static_cast<void>(used_blocks_.erase(base));
}

void FakeKernel::fail_command(std::uint32_t code, Error error) {
  const std::lock_guard lock(mutex_);
  failures_.insert_or_assign(code, std::move(error));
}

std::vector<std::uint64_t> FakeKernel::plugged_blocks() const {
  const std::lock_guard lock(mutex_);
  return listed(plugged_blocks_);
}

std::vector<CpuId> FakeKernel::plugged_cpus() const {
  const std::lock_guard lock(mutex_);
  return listed(plugged_cpus_);
}

std::vector<std::uint64_t> FakeKernel::known_blocks() const {
  const std::lock_guard lock(mutex_);
  return listed(known_blocks_);
}

std::vector<CpuId> FakeKernel::known_cpus() const {
  const std::lock_guard lock(mutex_);
  std::vector<CpuId> cpus;
  for (const auto& [cpu, number] : known_cpus_) cpus.push_back(cpu);
  return cpus;
}

std::vector<std::string> FakeKernel::plugged_devices() const {
  const std::lock_guard lock(mutex_);
  return listed(plugged_devices_);
}

std::vector<std::string> FakeKernel::known_devices() const {
  const std::lock_guard lock(mutex_);
  return listed(known_devices_);
}

std::string FakeKernel::crash_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

Status FakeKernel::plug_memory(std::uint64_t base) {
  const std::lock_guard lock(mutex_);
  if (!plugged_blocks_.insert(base).second) return Error(Code::exists, "memory block: the enclave has it already");
  return {};
}

Status FakeKernel::unplug_memory(std::uint64_t base) {
  const std::lock_guard lock(mutex_);
  if (base == boot_base_) return Error(Code::invalid, "memory block: an enclave cannot lose the one it booted from");
  if (known_blocks_.contains(base)) return Error(Code::busy, "memory block: the kernel has not let go of it");
  if (plugged_blocks_.erase(base) == 0) return Error(Code::not_found, "memory block: the enclave does not have it");
  return {};
}

Status FakeKernel::plug_cpu(CpuId cpu) {
  const std::lock_guard lock(mutex_);
  if (!plugged_cpus_.insert(cpu).second) return Error(Code::exists, "CPU: the enclave has it already");
  return {};
}

Status FakeKernel::unplug_cpu(CpuId cpu) {
  const std::lock_guard lock(mutex_);
  if (known_cpus_.contains(cpu)) return Error(Code::busy, "CPU: the kernel has not let go of it");
  if (plugged_cpus_.erase(cpu) == 0) return Error(Code::not_found, "CPU: the enclave does not have it");
  return {};
}

Result<hobbes_pci_command> FakeKernel::plug_device(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!plugged_devices_.insert(name).second) return Error(Code::exists, "PCI device: the enclave has it already");
  return hobbes_pci_command{};
}

Status FakeKernel::unplug_device(const std::string& name) {
  const std::lock_guard lock(mutex_);
  plugged_devices_.erase(name);
  return {};
}

void FakeKernel::serve(cmdqueue::ServerEnd& server) {
  const auto death = cmdqueue::PeerWatch::process(death_.get());
  while (life_ == Life::running) {
    const auto request = server.take();
    // unavailable: leviathan has left; the next one goes on with the queue.
    if (!request && request.error().code() != Code::unavailable) return;
    if (request && *request) {
      if (hung_) return wait_for_death();
      if (!answer(server, **request)) return;
      continue;
    }
    if (server.arm() && !doorbell_.wait(cmdqueue::no_deadline, death)) return;
    server.disarm();
  }
}

Status FakeKernel::answer(cmdqueue::ServerEnd& server, const cmdqueue::Request& request) {
  const auto reply = carry_out(request);
  TRY(reply ? server.reply(request.id, *reply) : server.refuse(request.id, reply.error()));
  for (const hobbes_app_status& app : ended_apps_)
    TRY(server.notify(HOBBES_EVENT_APP_ENDED, cmdqueue::payload_of_struct(app)));
  ended_apps_.clear();
  if (reply && request.code == HOBBES_CMD_SHUTDOWN) end(Life::stopped, {});
  return {};
}

Result<cmdqueue::Payload> FakeKernel::carry_out(const cmdqueue::Request& request) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto failure = failures_.extract(request.code)) return failure.mapped();
  }
  ++served_;
  for (const Command& command : commands)
    if (command.code == request.code) return command.handle(*this, request.payload);
  return Error(Code::unsupported, "command " + std::to_string(request.code) + ": not known here");
}

void FakeKernel::wait_for_death() const {
  pollfd death{death_.get(), POLLIN, 0};
  while (::poll(&death, 1, -1) < 0) continue;  // interrupted by a signal
}

Result<cmdqueue::Payload> FakeKernel::create_channel(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_hio_create>(request));
  const std::span<std::byte> memory = boot_block_->mapping.bytes();
  if (memory.size() - next_channel_ < sizeof(hobbes_hio_channel))
    return Error(Code::exhausted, "host-I/O channel: no memory for one more");
  TRY(apps_.create(wanted.app_id));
  auto* channel = reinterpret_cast<hobbes_hio_channel*>(memory.data() + next_channel_);
  std::memset(static_cast<void*>(channel), 0, sizeof *channel);
  channel->version = HOBBES_HIO_VERSION;
  channel->slot_count = HOBBES_HIO_SLOTS;
  channel->app_id = wanted.app_id;
  // Release: partner is the proxy, which looks at the magic first.
  __atomic_store_n(&channel->magic, HOBBES_HIO_MAGIC, __ATOMIC_RELEASE);
  const hobbes_hio_created created{boot_base_ + next_channel_, sizeof *channel};
  next_channel_ += sizeof *channel;
  return to_payload(created);
}

Result<cmdqueue::Payload> FakeKernel::add_memory(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_memory_command>(request));
  const std::lock_guard lock(mutex_);
  if (!plugged_blocks_.contains(wanted.base)) return Error(Code::invalid, "memory block: it is not plugged in");
  if (!known_blocks_.insert(wanted.base).second) return Error(Code::exists, "memory block: it is in use already");
  return Payload();
}

Result<cmdqueue::Payload> FakeKernel::remove_memory(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_memory_command>(request));
  const std::lock_guard lock(mutex_);
  if (wanted.base == boot_base_ || used_blocks_.contains(wanted.base))
    return Error(Code::busy, "memory block: it is in use");
  if (known_blocks_.erase(wanted.base) == 0) return Error(Code::not_found, "memory block: there is none");
  return Payload();
}

Result<cmdqueue::Payload> FakeKernel::add_cpu(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_cpu_command>(request));
  const CpuId cpu(wanted.cpu_id);
  const std::lock_guard lock(mutex_);
  if (!plugged_cpus_.contains(cpu)) return Error(Code::invalid, "CPU: it is not plugged in");
  std::int32_t number = 0;
  while (std::ranges::any_of(known_cpus_, [number](const auto& known) { return known.second == number; })) ++number;
  if (!known_cpus_.emplace(cpu, number).second) return Error(Code::exists, "CPU: it is in use already");
  return to_payload(number);
}

Result<cmdqueue::Payload> FakeKernel::remove_cpu(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_cpu_command>(request));
  const std::lock_guard lock(mutex_);
  if (!known_cpus_.contains(CpuId(wanted.cpu_id))) return Error(Code::not_found, "CPU: there is none");
  if (known_cpus_.size() == 1) return Error(Code::busy, "CPU: it is the enclave's last");
  known_cpus_.erase(CpuId(wanted.cpu_id));
  return Payload();
}

Result<cmdqueue::Payload> FakeKernel::add_device(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_pci_command>(request));
  const std::lock_guard lock(mutex_);
  if (!known_devices_.insert(wanted.name).second) return Error(Code::exists, "PCI device: it is in use already");
  return Payload();
}

Result<cmdqueue::Payload> FakeKernel::remove_device(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_pci_ref>(request));
  const std::lock_guard lock(mutex_);
  if (known_devices_.erase(wanted.name) == 0) return Error(Code::not_found, "PCI device: there is none");
  return Payload();
}

Result<cmdqueue::Payload> FakeKernel::count(PayloadView) {
  hobbes_counters counters{};
  counters.system_calls = served_;
  return to_payload(counters);
}

Result<cmdqueue::Payload> FakeKernel::shut_down(PayloadView) { return Payload(); }

}  // namespace hobbes::bridge
