// SPDX-License-Identifier: Apache-2.0
// Node: see the header. An enclave's death is noticed by its machine's death_fd becoming readable; whoever takes the
// enclave out of live_ first, the death or a destroy, has the say about its end.
#include "leviathan/node.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <future>

#include "base/log.hpp"
#include "kernel-bridge/abi/xemem.h"
#include "leviathan/duplicate.hpp"
#include "leviathan/enclaves/crash.hpp"
#include "leviathan/run_dir.hpp"

namespace hobbes::leviathan {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Boots, file work and slow commands that may block at the same time; more of them wait.
constexpr std::size_t worker_count = 16;

}  // namespace

Node::Node(Config config, db::Environment environment, std::unique_ptr<bridge::Bridge> its_bridge)
    : config_(std::move(config)),
      environment_(std::move(environment)),
      bridge_(std::move(its_bridge)),
      workers_(worker_count) {}

Node::~Node() {
  join_workers();
  // Nothing runs any more, so this thread may stand in for the loop's.
  for (const auto& enclave : all_live()) enclave->control.close(Error(Code::unavailable, "leviathan: is going"));
}

std::filesystem::path Node::enclave_dir(EnclaveId enclave) const {
  return config_.run_dir / enclaves_dir_name / std::to_string(enclave.value);
}

void Node::run_on_worker(std::function<void()> work) { asio::post(workers_, std::move(work)); }
void Node::run_on_loop(std::function<void()> work) { asio::post(loop_, std::move(work)); }
void Node::run_on_loop_and_wait(std::function<void()> work) {
  std::promise<void> done;
  run_on_loop([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}
void Node::join_workers() { workers_.join(); }

std::shared_ptr<LiveEnclave> Node::live(EnclaveId enclave) const {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(enclave);
  return found == live_.end() ? nullptr : found->second;
}

Result<std::shared_ptr<LiveEnclave>> Node::live(std::string_view name) {
  const auto txn = TRY(environment_.read());
  const auto record = TRY(txn.find_enclave(name));
  if (!record) return Error(Code::not_found, "enclave '" + std::string(name) + "': there is none of that name");
  auto enclave = live(record->id);
  if (enclave) return enclave;
  const std::string why = record->type == db::EnclaveType::master
                              ? "is the Linux side: it has no co-kernel"
                              : "does not run (" + std::string(to_string(record->state)) + ")";
  return Error(Code::unavailable, "enclave '" + std::string(name) + "': " + why);
}

std::vector<std::shared_ptr<LiveEnclave>> Node::all_live() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<LiveEnclave>> all;
  all.reserve(live_.size());
  for (const auto& [id, enclave] : live_) all.push_back(enclave);
  return all;
}

void Node::observe(EnclaveObserver& observer) { observers_.push_back(&observer); }

void Node::enliven(std::shared_ptr<LiveEnclave> enclave, bool adopted) {
  {
    const std::lock_guard lock(mutex_);
    live_[enclave->id] = enclave;
  }
  asio::dispatch(loop_, [this, enclave = std::move(enclave), adopted] {
    for (EnclaveObserver* observer : observers_) observer->enclave_started(enclave, adopted);
    enclave->control.start([this, id = enclave->id](std::uint32_t code, std::span<const std::byte> payload) {
      event(id, code, payload);
    });
    watch(enclave);
  });
}

void Node::retire(EnclaveId enclave) {
  {
    const std::lock_guard lock(mutex_);
    if (live_.erase(enclave) == 0) return;
  }
  asio::dispatch(loop_, [this, enclave] {
    for (EnclaveObserver* observer : observers_) observer->enclave_ended(enclave);
  });
}

void Node::watch(const std::shared_ptr<LiveEnclave>& enclave) {
  auto fd = duplicate(enclave->machine->death_fd(), "enclave '" + enclave->name + "': watch of its death");
  if (!fd) return log::error(fd.error());
  const auto death = std::make_shared<asio::posix::stream_descriptor>(loop_, fd->release());
  // The handler keeps the descriptor, and lets the enclave go: the machine of a destroyed one must not linger for it.
  death->async_wait(asio::posix::stream_descriptor::wait_read,
                    [this, death, weak = std::weak_ptr(enclave)](error_code cancelled) {
                      if (const auto dead = weak.lock(); dead && !cancelled) died(dead);
                    });
}

void Node::died(const std::shared_ptr<LiveEnclave>& enclave) {
  if (enclave->ending) return;
  {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(enclave->id);
    if (found == live_.end() || found->second != enclave) return;  // it is being destroyed: expected
    live_.erase(found);
  }
  const bool stopped = enclave->machine->life() == bridge::Life::stopped;
  const std::string reason = stopped ? "" : enclave->machine->crash_reason();
  log::warning("enclave '" + enclave->name + "': " + (stopped ? "has stopped" : "crashed: " + reason));
  if (const Status recorded = record_end(environment_, enclave->id, stopped, reason); !recorded) {
    log::error(recorded.error());
  }
  enclave->control.close(Error(Code::unavailable, "enclave '" + enclave->name + "': has ended"));
  for (EnclaveObserver* observer : observers_) observer->enclave_ended(enclave->id);
}

void Node::event(EnclaveId enclave, std::uint32_t code, std::span<const std::byte> payload) {
  if (code == HOBBES_EVENT_XEMEM) {
    for (EnclaveObserver* observer : observers_) observer->xemem_requested(enclave, payload);
    return;
  }
  hobbes_app_status status;
  if (code != HOBBES_EVENT_APP_ENDED || payload.size() != sizeof status) {
    log::warning("enclave " + std::to_string(enclave.value) + ": sent an event nobody knows: " + std::to_string(code));
    return;
  }
  std::memcpy(&status, payload.data(), sizeof status);
  for (EnclaveObserver* observer : observers_) observer->app_ended(enclave, status);
}

}  // namespace hobbes::leviathan
