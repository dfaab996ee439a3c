// SPDX-License-Identifier: Apache-2.0
// Node: a leviathan of our own, in a directory of our own, and the enclaves that are measured on it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "leviathan/client/client.hpp"
#include "tests/bench/node/cpus.hpp"
#include "tests/bench/node/process.hpp"

namespace hobbes::bench {

/// A directory that goes when its owner goes. Not below /dev/shm: an enclave has a /dev of its own.
class WorkDirectory {
 public:
  [[nodiscard]] static Result<WorkDirectory> create(const std::filesystem::path& parent);
  WorkDirectory(WorkDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  explicit WorkDirectory(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

struct Launched {
  std::vector<std::string> args;  ///< args[0]: the program's path
  std::array<int, 3> stdio;       ///< borrowed
  bool rewrite = true;
};

class Node {
 public:
  /// What all enclaves here get at least; blocks of the pool have half of it.
  static constexpr Bytes enclave_memory = mib(256);
  static constexpr Bytes block_size = mib(128);

  /// Starts leviathan on `cpus.host` with `cpus.enclave` and 1 GiB for enclaves, and waits until all blocks are prepared.
  /// Shared CPUs are Linux's and an enclave's (--overcommit-cpus).
  /// $HOBBES_BUILD names the build whose programs are run. Sets HOBBES_RUN_DIR: programs started from now on use this node.
  [[nodiscard]] static Result<Node> start(const Cpus& cpus);
  Node(Node&&) noexcept = default;
  Node& operator=(Node&&) = delete;
  /// Ends leviathan and all enclaves.
  ~Node();

  [[nodiscard]] client::Client& client() { return client_; }
  [[nodiscard]] const Cpus& cpus() const { return cpus_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  /// The shell of the build under test.
  [[nodiscard]] const std::string& hobbes() const { return hobbes_; }

  /// An enclave with all CPUs for enclaves and `memory`, half or more of it added once it runs.
  [[nodiscard]] Status create_enclave(const std::string& name, Bytes memory = enclave_memory);
  [[nodiscard]] Status destroy_enclave(const std::string& name) { return client_.destroy_enclave(name); }
  [[nodiscard]] Result<AppId> launch(const std::string& enclave, const Launched& program);
  /// Waits until it ends; an Error unless with status 0.
  [[nodiscard]] Status wait_for_success(AppId app);

 private:
  Node(const Cpus& cpus, WorkDirectory directory, WorkDirectory run_dir, std::string hobbes, Child leviathan,
       client::Client client)
      : cpus_(cpus),
        directory_(std::move(directory)),
        run_dir_(std::move(run_dir)),
        hobbes_(std::move(hobbes)),
        leviathan_(std::move(leviathan)),
        client_(std::move(client)) {}

  Cpus cpus_;
  WorkDirectory directory_, run_dir_;
  std::string hobbes_;
  Child leviathan_;
  client::Client client_;
};

/// An enclave for the life of a section.
class MeasuredEnclave {
 public:
  [[nodiscard]] static Result<MeasuredEnclave> create(Node& node, Bytes memory = Node::enclave_memory);
  MeasuredEnclave(MeasuredEnclave&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  MeasuredEnclave(const MeasuredEnclave&) = delete;
  MeasuredEnclave& operator=(const MeasuredEnclave&) = delete;
  ~MeasuredEnclave();

  static constexpr const char* name = "measured";

 private:
  explicit MeasuredEnclave(Node& node) : node_(&node) {}
  Node* node_;
};

/// Where a static program of programs/ is: beside this executable.
[[nodiscard]] std::string program(std::string_view name);

}  // namespace hobbes::bench
