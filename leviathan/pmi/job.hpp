// SPDX-License-Identifier: Apache-2.0
// Job: the ranks of one parallel job as PMI sees them: who has joined, who waits at the barrier, what was put. It neither
// reads nor writes: its owner brings what ranks say and takes away what is to be said to them.
//
// A put is seen by everybody at once. It is on its way to the database until the next barrier opens: that opens when
// the database has it all, so that what is behind a barrier outlives whoever serves it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leviathan/pmi/wire.hpp"

namespace hobbes::leviathan::pmi {

struct Reply {
  std::uint32_t rank = 0;
  std::string text;
};

/// What the database is to know before the barrier opens.
struct Update {
  std::uint64_t generation = 0;  ///< of the barrier that opens
  std::vector<std::pair<std::string, std::string>> values;
};

/// A value that the database has.
using Lookup = std::function<Result<std::optional<std::string>>(const std::string& key)>;

class Job {
 public:
  /// `space`: the name of its key-value space. `parts`: how many ranks run on each of the job's systems, in the order of
  /// their numbers.
  Job(std::string space, const std::vector<std::uint32_t>& parts, Lookup lookup);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ranks_.size()); }
  /// `rank` has said `bytes`. invalid: it does not speak PMI; nothing it says is heard any more.
  [[nodiscard]] Status receive(std::uint32_t rank, std::string_view bytes);
  /// `rank` has closed its descriptor: as a rule it has ended.
  void closed(std::uint32_t rank);
  /// What is to be said since the last call.
  [[nodiscard]] std::vector<Reply> take_replies();

  /// Every rank waits at the barrier.
  [[nodiscard]] bool barrier_is_full() const { return waiting_ == size(); }
  [[nodiscard]] Update update() const;
  /// The database has the update.
  void open_barrier();
  /// It is lost for a reason of its owner's, unless it is already.
  void give_up(std::string why);

  /// Why the job cannot go on: a rank gave it up, or has ended while others count on it. Nothing: it can.
  [[nodiscard]] const std::optional<std::string>& broken() const { return broken_; }

 private:
  enum class Phase { silent, joined, finished, gone };
  struct Rank {
    Phase phase = Phase::silent;
    bool waits = false;
    bool heard = true;
    RequestReader reader{};
  };

  using Handler = void (Job::*)(std::uint32_t rank, const Request& request);
  [[nodiscard]] static Handler handler_of(std::string_view command);
  void handle(std::uint32_t rank, const Request& request);

  void init(std::uint32_t rank, const Request& request);
  void get_maxes(std::uint32_t rank, const Request& request);
  void get_appnum(std::uint32_t rank, const Request& request);
  void get_universe_size(std::uint32_t rank, const Request& request);
  void get_my_kvsname(std::uint32_t rank, const Request& request);
  void put(std::uint32_t rank, const Request& request);
  void get(std::uint32_t rank, const Request& request);
  void barrier_in(std::uint32_t rank, const Request& request);
  void finalize(std::uint32_t rank, const Request& request);
  void abort(std::uint32_t rank, const Request& request);
  void spawn(std::uint32_t rank, const Request& request);
  void publish_name(std::uint32_t rank, const Request& request);
  void unpublish_name(std::uint32_t rank, const Request& request);
  void lookup_name(std::uint32_t rank, const Request& request);

  [[nodiscard]] Result<std::optional<std::string>> find(const std::string& key) const;
  /// Why a put or get cannot be; empty: it can.
  [[nodiscard]] std::string refusal(const Request& request) const;
  void say(std::uint32_t rank, std::string text) { replies_.push_back({rank, std::move(text)}); }
  void refuse(std::uint32_t rank, std::string_view command, const std::string& why);
  void check_barrier();

  const std::string space_;
  const Lookup lookup_;
  std::vector<Rank> ranks_;
  std::uint32_t waiting_ = 0;
  std::uint64_t generation_ = 0;
  std::map<std::string, std::string> on_the_way_;  ///< to the database
  std::vector<Reply> replies_;
  std::optional<std::string> broken_;
};

}  // namespace hobbes::leviathan::pmi
