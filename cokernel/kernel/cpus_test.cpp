// SPDX-License-Identifier: Apache-2.0
// Which CPUs threads run on as CPUs come and go, and how ranks share them out.
#include "cokernel/kernel/cpus.hpp"

#include "cokernel/kernel/fs/testing/kernel.hpp"
#include "cokernel/kernel/fs/testing/port.hpp"
#include "cokernel/kernel/process_table.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace hobbes::lwk {
namespace {

std::map<const Thread*, std::string> placed;  ///< where the port was told to keep them

/// "0,2": the CPUs of the mask's first word.
std::string picture(const uint64_t mask[4]) {
  std::string text;
  for (int cpu = 0; cpu < 64; ++cpu)
    if ((mask[0] >> cpu & 1) != 0) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

std::string share(uint64_t wanted, uint32_t part, uint32_t parts) {
  const uint64_t mask[4] = {wanted};
  uint64_t result[4];
  share_of_cpus(mask, part, parts, result);
  return result[0] == ~0ull ? "all" : picture(result);
}

/// Four CPUs, Linux's 0, 1, 12 and 13, and a process whose thread may run on all.
struct Enclave {
  Enclave() {
    for (const uint32_t cpu : {12u, 13u}) REQUIRE(add_cpu({cpu, 0, 0, 0}) > 0);
    for (uint64_t& mask : thread().affinity) mask = ~0ull;
    process.process().threads.push_back(thread());
    testing::on_affinity = [](const Thread& thread, const uint64_t mask[4]) { placed[&thread] = picture(mask); };
  }
  ~Enclave() {
    testing::on_affinity = nullptr;
    thread().unlink();
    for (const uint32_t cpu : {0u, 1u})
      if (machine_cpu(cpu) == -1) REQUIRE(add_cpu({cpu, 0, 0, 0}) == static_cast<int>(cpu));
    for (const uint32_t cpu : {12u, 13u}) (void)remove_cpu(cpu);  // the test may have done so
  }
  Thread& thread() { return port::current(); }
  std::string where() { return placed[&thread()]; }

  testing::TestProcess process;
};

}  // namespace

TEST_CASE("threads leave a CPU that goes, and use one that comes", "[cpus]") {
  Enclave enclave;
  REQUIRE(remove_cpu(12) == 0);
  CHECK(enclave.where() == "0,1,3");
  REQUIRE(remove_cpu(1) == 0);
  CHECK(enclave.where() == "0,3");
  CHECK(add_cpu({1, 0, 0, 0}) == 1);
  CHECK(enclave.where() == "0,1,3");
  CHECK(add_cpu({12, 0, 0, 0}) == 2);
  CHECK(enclave.where() == "0,1,2,3");
}

TEST_CASE("a thread whose only CPU goes runs on the others, until it comes back", "[cpus]") {
  Enclave enclave;
  enclave.thread().affinity[0] = 1 << 2;
  for (int i = 1; i < 4; ++i) enclave.thread().affinity[i] = 0;
  REQUIRE(remove_cpu(12) == 0);
  CHECK(enclave.where() == "0,1,3");
  CHECK(add_cpu({12, 0, 0, 0}) == 2);
  CHECK(enclave.where() == "2");
}

TEST_CASE("the last CPU and one that is not there stay as they are", "[cpus]") {
  Enclave enclave;
  CHECK(remove_cpu(99) == -ENOENT);
  for (const uint32_t cpu : {1u, 12u, 13u}) REQUIRE(remove_cpu(cpu) == 0);
  CHECK(remove_cpu(0) == -EBUSY);
  CHECK(cpu_count() == 1);
  CHECK(enclave.where() == "0");
}

TEST_CASE("ranks share CPUs out where there are enough", "[cpus]") {
  Enclave enclave;
  CHECK(share(0, 0, 1) == "all");
  CHECK(share(0, 0, 2) == "0,1");
  CHECK(share(0, 1, 2) == "2,3");
  CHECK(share(0, 0, 3) == "0");
  CHECK(share(0, 1, 3) == "1");
  CHECK(share(0, 2, 3) == "2,3");
  CHECK(share(0, 3, 4) == "3");
  CHECK(share(0, 3, 5) == "all");
  CHECK(share(0b1010, 0, 1) == "1,3");
  CHECK(share(0b1010, 1, 2) == "3");
  CHECK(share(0b1010, 1, 3) == "1,3");
}

TEST_CASE("CPUs that the enclave does not have are noticed", "[cpus]") {
  Enclave enclave;
  const uint64_t ours[4] = {0b1001}, too_many[4] = {0b10001}, far[4] = {0, 0, 0, 1};
  CHECK(has_cpus(ours));
  CHECK_FALSE(has_cpus(too_many));
  CHECK_FALSE(has_cpus(far));
}

}  // namespace hobbes::lwk
