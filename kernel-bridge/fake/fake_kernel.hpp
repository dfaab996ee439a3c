// SPDX-License-Identifier: Apache-2.0
// FakeKernel: a pretend co-kernel: a thread that serves a control queue as abi/commands.h says, and dies or hangs when
// a test tells it to.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cmdqueue/server_end.hpp"
#include "kernel-bridge/bridge.hpp"
#include "kernel-bridge/fake/fake_apps.hpp"
#include "kernel-bridge/fake/fake_files.hpp"
#include "kernel-bridge/fake/fake_memory.hpp"

namespace hobbes::bridge {

class FakeKernel {
 public:
  /// Boots: lays out queue and console in the first block, and starts the thread.
  [[nodiscard]] static Result<std::shared_ptr<FakeKernel>> boot(const BootSpec& spec, FakeMemory& memory);
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;
  ~FakeKernel();

  // For tests; any thread.
  /// Ends at once; an empty reason is that of a killed process.
  void die(const std::string& reason = {});
  /// The same, and returns when its thread has let go of the enclave's memory.
  void destroy();
  /// Takes requests, but answers none from now on.
  void hang();
  /// The kernel refuses to let this block go (REMOVE_MEM), or lets it again.
  void use_memory(std::uint64_t base, bool in_use = true);
  /// The next command with this code is refused.
  void fail_command(std::uint32_t code, Error error);
  /// What is plugged in, and what the kernel was told of.
  [[nodiscard]] std::vector<std::uint64_t> plugged_blocks() const;
  [[nodiscard]] std::vector<CpuId> plugged_cpus() const;
  [[nodiscard]] std::vector<std::uint64_t> known_blocks() const;
  [[nodiscard]] std::vector<CpuId> known_cpus() const;
  /// Devices by Linux's names, and by those that the kernel was told.
  [[nodiscard]] std::vector<std::string> plugged_devices() const;
  [[nodiscard]] std::vector<std::string> known_devices() const;

  // For the machine; any thread.
  [[nodiscard]] EnclaveId id() const { return id_; }
  [[nodiscard]] Life life() const { return life_; }
  [[nodiscard]] std::string crash_reason() const;
  [[nodiscard]] int death_fd() const { return death_.get(); }
  [[nodiscard]] int control_bell() const { return control_bell_.get(); }
  [[nodiscard]] int console_bell() const { return console_bell_.get(); }
  [[nodiscard]] std::span<std::byte> control_queue() const { return control_; }
  [[nodiscard]] std::byte* console() const { return console_; }
  void ring_control() const { doorbell_.ring(); }
  [[nodiscard]] Status plug_memory(std::uint64_t base);
  [[nodiscard]] Status unplug_memory(std::uint64_t base);
  [[nodiscard]] Status plug_cpu(CpuId cpu);
  [[nodiscard]] Status unplug_cpu(CpuId cpu);
  [[nodiscard]] Result<hobbes_pci_command> plug_device(const std::string& name);
  [[nodiscard]] Status unplug_device(const std::string& name);

 private:
  using Payload = cmdqueue::Payload;
  using PayloadView = cmdqueue::PayloadView;
  struct Command;  // a row of the command table
  static const Command commands[];

  FakeKernel(const BootSpec& spec, std::shared_ptr<FakeBlock> boot_block);
  [[nodiscard]] Status start();
  void end(Life life, const std::string& reason);

  // The kernel's thread.
  void serve(cmdqueue::ServerEnd& server);
  [[nodiscard]] Status answer(cmdqueue::ServerEnd& server, const cmdqueue::Request& request);
  [[nodiscard]] Result<Payload> carry_out(const cmdqueue::Request& request);
  void wait_for_death() const;
  [[nodiscard]] Result<Payload> create_channel(PayloadView request);
  [[nodiscard]] Result<Payload> add_memory(PayloadView request);
  [[nodiscard]] Result<Payload> remove_memory(PayloadView request);
  [[nodiscard]] Result<Payload> add_cpu(PayloadView request);
  [[nodiscard]] Result<Payload> remove_cpu(PayloadView request);
  [[nodiscard]] Result<Payload> add_device(PayloadView request);
  [[nodiscard]] Result<Payload> remove_device(PayloadView request);
  [[nodiscard]] Result<Payload> count(PayloadView request);
  [[nodiscard]] Result<Payload> shut_down(PayloadView request);

  // Constant after start().
  const EnclaveId id_;
  const std::shared_ptr<FakeBlock> boot_block_;
  const std::uint64_t boot_base_;
  std::span<std::byte> control_;
  std::byte* console_ = nullptr;
  UniqueFd death_;  // eventfds
  UniqueFd control_bell_;
  UniqueFd console_bell_;
  cmdqueue::Doorbell doorbell_;

  std::atomic<Life> life_ = Life::running;
  std::atomic<bool> hung_ = false;

  mutable std::mutex mutex_;  // the members from here on
  std::string reason_;
  std::set<std::uint64_t> plugged_blocks_;
  std::set<CpuId> plugged_cpus_;
  std::set<std::uint64_t> known_blocks_;
  std::map<CpuId, std::int32_t> known_cpus_;  // to the kernel's own numbers
  std::set<std::string> plugged_devices_;
  std::set<std::string> known_devices_;
  std::set<std::uint64_t> used_blocks_;
  std::map<std::uint32_t, Error> failures_;  // by command code

  // The kernel's thread only.
  std::vector<hobbes_app_status> ended_apps_;  // to be reported
  FakeApps apps_{[this](const hobbes_app_status& app) { ended_apps_.push_back(app); }};
  FakeFiles files_;
  std::uint64_t next_channel_;  // offset in the boot block
  std::uint64_t served_ = 0;

  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace hobbes::bridge
