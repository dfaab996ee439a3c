// SPDX-License-Identifier: Apache-2.0
// Store: a job's records in the database: read where they are, written by leviathan, whichever runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "leviathan/client/link.hpp"
#include "leviathan/pmi/job.hpp"

namespace hobbes::leviathan::pmi {

class Store {
 public:
  Store(const std::filesystem::path& run_dir, AppId app, std::string space)
      : link_(run_dir), app_(app), space_(std::move(space)) {}

  [[nodiscard]] Result<std::optional<std::string>> find(const std::string& key);
  /// unavailable: no leviathan runs now; try again. What was written before is written again, harmlessly.
  [[nodiscard]] Status write(std::uint32_t ranks, const Update& update);
  /// Ends the job's application, with this reason. unavailable: as above.
  [[nodiscard]] Status end_job(const std::string& why);

 private:
  client::Link link_;
  AppId app_;
  std::string space_;
};

}  // namespace hobbes::leviathan::pmi
