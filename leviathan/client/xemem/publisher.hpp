// SPDX-License-Identifier: Apache-2.0
// Publisher: tells leviathan of versions while their producer goes on.
//
// A producer is held up by the freezing of its range alone (versions.hpp). All that leviathan has to do with a version is
// done by a thread here, over a connection of its own, in the order of the snapshots. Ids are reserved ahead, so that the
// producer has one at once. The first version of a name is waited for: whoever may not have the name learns it then. What
// fails later is the error of the next one, and no version becomes of it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "leviathan/client/link.hpp"
#include "leviathan/client/xemem/versions.hpp"

namespace hobbes::xemem {

class Publisher {
 public:
  struct Version {
    VersionedRange* range = nullptr;
    VersionedRange::Homes homes;
    std::string name;
    std::uint32_t mode = 0;
  };

  explicit Publisher(const std::filesystem::path& run_dir) : link_(run_dir) {}
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// The id that the version has from now on. Lets go of it when it fails. One thread at a time.
  [[nodiscard]] Result<SegmentId> publish(Version version);
  /// Returns when leviathan knows all versions that were published.
  void settle();
  /// In a child of fork(): its parent's connection must end with the parent.
  void leave_to_parent();

 private:
  struct Job {
    SegmentId segment;
    Version version;
  };
  /// So many may be under way: each keeps memory.
  static constexpr std::size_t most_jobs = 4;
  static constexpr std::uint32_t ids_at_once = 16, few_ids = 4;

  void run();
  // One thread at a time: while a job is under way, run(); else, under mutex_, anybody.
  [[nodiscard]] Status record(Job& job);
  [[nodiscard]] Result<std::vector<SegmentId>> reserve_ids();
  void version_freed(SegmentId segment);

  [[nodiscard]] bool idle() const { return jobs_.empty() && !busy_; }
  [[nodiscard]] std::optional<Error> take_failure();

  client::Link link_;
  std::map<SegmentId, Version> versions_;

  std::mutex mutex_;  // guards the rest
  std::condition_variable wanted_, done_;
  std::deque<Job> jobs_;
  bool busy_ = false;
  bool stopping_ = false;
  std::deque<SegmentId> ids_;
  std::set<std::string> recorded_;  ///< names of which a version has been recorded
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace hobbes::xemem
