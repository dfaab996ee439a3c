// SPDX-License-Identifier: Apache-2.0
// Server: serves PMI to the ranks of one job over their sockets, until the last of them has closed its own.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/unique_fd.hpp"
#include "leviathan/pmi/job.hpp"
#include "leviathan/pmi/store.hpp"

namespace hobbes::leviathan::pmi {

class Server {
 public:
  /// `sockets`: one a rank, in the order of their numbers.
  Server(Job job, Store& store, std::vector<UniqueFd> sockets);

  void run();

 private:
  using Clock = std::chrono::steady_clock;

  /// Waits until a rank says something or it is time to try again; what was said is taken in.
  void listen();
  void hear(std::uint32_t rank);
  void leave(std::uint32_t rank);
  /// If the job has been broken just now: whoever broke it may end by himself first.
  void give_time(bool was_whole);
  void talk();
  /// What leviathan has to know: the values behind a full barrier, and the end of a broken job.
  void tell_leviathan();
  /// False: there is no leviathan to tell; later.
  [[nodiscard]] bool reached(const Status& told);

  Job job_;
  Store& store_;
  std::vector<UniqueFd> sockets_;
  std::size_t open_;
  Clock::time_point next_try_{};
  bool end_told_ = false;
};

}  // namespace hobbes::leviathan::pmi
