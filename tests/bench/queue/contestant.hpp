// SPDX-License-Identifier: Apache-2.0
// What the queue benchmark measures: round trips of 8 bytes between two threads, each on a CPU of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace hobbes::bench {

class Contestant {
 public:
  explicit Contestant(std::string name) : name_(std::move(name)) {}
  virtual ~Contestant() = default;

  const std::string& name() const { return name_; }

  /// The client's part of one round trip; called in the measuring thread.
  virtual void round_trip() = 0;
  /// The server's part of one round trip; called in the other thread, as often.
  virtual void echo() = 0;

 private:
  std::string name_;
};

// Both sides poll.
std::unique_ptr<Contestant> make_cache_line();  ///< the floor: one word each way
std::unique_ptr<Contestant> make_ring();        ///< RingProducer and RingConsumer: a frame each way
std::unique_ptr<Contestant> make_polled_queue();  ///< ClientEnd::call() and ServerEnd

// Both sides sleep at once.
std::unique_ptr<Contestant> make_futex_pair();    ///< the floor with futexes
std::unique_ptr<Contestant> make_eventfd_pair();  ///< the floor with eventfds
std::unique_ptr<Contestant> make_futex_queue();
std::unique_ptr<Contestant> make_eventfd_queue();
std::unique_ptr<Contestant> make_handed_out_queue();  ///< what clients get: an eventfd there, a socket back

}  // namespace hobbes::bench
