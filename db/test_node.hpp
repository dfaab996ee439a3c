// SPDX-License-Identifier: Apache-2.0
// For tests: a temporary run directory, and a small node in its database.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "db/check.hpp"
#include "db/environment.hpp"

namespace hobbes::db::test {

/// The value of a Result, or a failed test that shows the error.
template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class TestDir {
 public:
  TestDir() {
    const char* base = std::getenv("TMPDIR");
    std::string name = std::string(base != nullptr ? base : "/tmp") + "/hobbes-db.XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TestDir(const TestDir&) = delete;
  TestDir& operator=(const TestDir&) = delete;
  ~TestDir() {
    std::error_code ignored;  // a left-over directory fails no test
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline constexpr std::uint64_t block = mib(128).value;

[[nodiscard]] inline Cpu make_cpu(std::uint32_t id, std::int32_t numa = 0, std::uint32_t core = 0,
                                  std::uint32_t slot = 0) {
  Cpu cpu;
  cpu.id = CpuId(id);
  cpu.slot = slot;
  cpu.apic_id = id * 2;
  cpu.numa = NumaId(numa);
  cpu.package = static_cast<std::uint32_t>(numa);
  cpu.core = core;
  return cpu;
}

/// Block number `n` of the node, at n times its size.
[[nodiscard]] inline MemoryBlock make_block(std::uint64_t n, std::int32_t numa = 0) {
  MemoryBlock memory;
  memory.base = PhysAddr(n * block);
  memory.size = Bytes(block);
  memory.numa = NumaId(numa);
  return memory;
}

[[nodiscard]] inline Enclave make_enclave(EnclaveId id, std::string name) {
  Enclave enclave;
  enclave.id = id;
  enclave.name = std::move(name);
  enclave.type = id == master_enclave ? EnclaveType::master : EnclaveType::pisces;
  return enclave;
}

/// Puts a new enclave of that name.
inline EnclaveId add_enclave(WriteTxn& txn, const std::string& name) {
  const EnclaveId id = must(txn.next_id<Enclave>());
  must(txn.put(make_enclave(id, name)));
  return id;
}

/// The master, CPUs 0-3 and blocks 1-4.
inline void fill_node(WriteTxn& txn) {
  must(txn.put(make_enclave(master_enclave, "master")));
  for (std::uint32_t i = 0; i < 4; ++i) must(txn.put(make_cpu(i, 0, i)));
  for (std::uint64_t i = 1; i <= 4; ++i) must(txn.put(make_block(i)));
}

using Problems = std::vector<std::string>;

/// A new run directory whose database has that node. Whatever a test committed has to be consistent when it ends.
struct TestNode {
  TestDir dir;
  Environment env = must(Environment::create(dir.path(), {.map_size = mib(64), .group = {}, .boot_id = "boot-1"}));

  TestNode() {
    WriteTxn txn = must(env.write());
    fill_node(txn);
    must(std::move(txn).commit());
  }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;
  ~TestNode() {
    const auto txn = env.read();
    CHECK(txn);
    if (txn) CHECK(check(*txn) == Problems{});
  }
};

}  // namespace hobbes::db::test
