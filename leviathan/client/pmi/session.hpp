// SPDX-License-Identifier: Apache-2.0
// Session: a rank's conversation with whoever serves it PMI-1 over its PMI_FD.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace hobbes::client::pmi {

/// What an answer says under this name: "cmd=maxes keylen_max=64".
[[nodiscard]] std::optional<std::string> value_of(const std::string& answer, const std::string& name);

class Session {
 public:
  /// From PMI_FD, PMI_RANK and PMI_SIZE; without them a job of one. False: nobody answers there.
  [[nodiscard]] bool open();
  void close();
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] bool alone() const { return fd_ < 0; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }

  /// Sends one line; its answer, if it is of this name and says that all is well.
  [[nodiscard]] std::optional<std::string> ask(const std::string& request, const std::string& answer);
  /// Sends one line that nobody answers.
  void tell(const std::string& request);

  /// A job of one keeps its values itself.
  std::map<std::string, std::string> own_values;

 private:
  [[nodiscard]] bool send(const std::string& line);
  [[nodiscard]] std::optional<std::string> receive();

  bool open_ = false;
  int fd_ = -1;
  int rank_ = 0, size_ = 1;
};

}  // namespace hobbes::client::pmi
