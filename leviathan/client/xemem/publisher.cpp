// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/publisher.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

#include "leviathan/client/xemem/piece_list.hpp"
#include "leviathan/protocol/codes.hpp"

namespace hobbes::xemem {
namespace {

namespace request = protocol::request;

/// Ordinary signals are for the program's own threads. Real-time ones are as the caller has them: a program that takes them by
/// sigwait() has them blocked everywhere, and StopOthers needs one that is not.
Result<std::thread> start_without_signals(auto body) {
  sigset_t ordinary, before;
  ::sigemptyset(&ordinary);
  for (int signal = 1; signal < SIGRTMIN; ++signal) ::sigaddset(&ordinary, signal);
  ::pthread_sigmask(SIG_BLOCK, &ordinary, &before);
  std::thread thread;
  int error = 0;
  try {
    thread = std::thread(std::move(body));
  } catch (const std::system_error& failed) {
    error = failed.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return errno_error(error, "snapshot: a thread to publish it");
  return thread;
}

}  // namespace

Publisher::~Publisher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<SegmentId> Publisher::publish(Version version) {
  VersionedRange& range = *version.range;
  const auto refuse = [&](Error error) {
    range.let_go(version.homes);
    return error;
  };
  std::unique_lock lock(mutex_);
  if (auto failure = take_failure()) return refuse(*std::move(failure));
  done_.wait(lock, [&] { return jobs_.size() < most_jobs; });
  if (ids_.empty()) {
    done_.wait(lock, [&] { return idle(); });
    auto reserved = reserve_ids();
    if (!reserved) return refuse(std::move(reserved).error());
    ids_.assign(reserved->begin(), reserved->end());
  }
  if (!thread_.joinable()) {
    auto started = start_without_signals([this] { run(); });
    if (!started) return refuse(std::move(started).error());
    thread_ = *std::move(started);
  }
  const SegmentId segment = ids_.front();
  ids_.pop_front();
  const std::string name = version.name;
  jobs_.push_back({segment, std::move(version)});
  wanted_.notify_one();
  if (recorded_.contains(name)) return segment;
  done_.wait(lock, [&] { return idle(); });
  if (auto failure = take_failure()) return *std::move(failure);
  recorded_.insert(name);
  return segment;
}

std::optional<Error> Publisher::take_failure() { return std::exchange(failure_, std::nullopt); }

void Publisher::settle() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return idle(); });
}

void Publisher::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wanted_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    const bool wants_ids = ids_.size() < few_ids;
    lock.unlock();
    Status recorded = record(job);
    // Ahead of their use, and not under the lock, for which a producer would wait. Without any publish() asks itself.
    const auto more = recorded && wants_ids ? reserve_ids() : std::vector<SegmentId>();
    lock.lock();
    if (more) ids_.insert(ids_.end(), more->begin(), more->end());
    if (!recorded) {
      failure_ = std::move(recorded).error();
      ids_.clear();  // another leviathan does not know them
    }
    busy_ = false;
    done_.notify_all();
  }
}

Status Publisher::record(Job& job) {
  Version& version = job.version;
  const auto told = [&]() -> Status {
    client::Connection* const connection = TRY(link_.connect());  // and takes in which versions have gone
    connection->queue().on_event([this](const cmdqueue::Event& event) {
      const auto freed = protocol::decode<protocol::SegmentRef>(event.payload);
      if (freed && event.code == protocol::event::segment_free) version_freed(freed->segment);
    });
    protocol::SegmentMake message;
    message.segment_name = version.name;
    message.wanted = job.segment;
    message.address = reinterpret_cast<std::uint64_t>(version.range->start());
    message.mode = version.mode;
    message.replace = message.tell_free = true;
    const auto files = add_pieces(message, TRY(version.range->pieces_of(version.homes)));
    message.fds_token = TRY(connection->send(files));
    TRY(connection->call(request::segment_make, message, client::short_patience));
    return {};
  }();
  if (told) versions_[job.segment] = std::move(version);
  else version.range->let_go(version.homes);
  return told;
}

Result<std::vector<SegmentId>> Publisher::reserve_ids() {
  const protocol::SegmentReserve wanted{ids_at_once};
  const auto answer = TRY(link_.call(request::segment_reserve, wanted, client::short_patience));
  return TRY(protocol::decode<protocol::SegmentIds>(answer)).ids;
}

void Publisher::version_freed(SegmentId segment) {
  const auto found = versions_.find(segment);
  if (found == versions_.end()) return;
  found->second.range->let_go(found->second.homes);
  versions_.erase(found);
}

void Publisher::leave_to_parent() {
  if (link_.connection) link_.connection->close_socket_of_parent();
}

}  // namespace hobbes::xemem
