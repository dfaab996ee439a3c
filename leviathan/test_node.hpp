// SPDX-License-Identifier: Apache-2.0
// TestNode: a node with a fake bridge whose enclaves outlive the leviathan that booted them, so that tests can end one
// leviathan anywhere and start the next.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "db/check.hpp"
#include "db/operations.hpp"
#include "kernel-bridge/fake/fake_bridge.hpp"
#include "leviathan/enclaves/create.hpp"
#include "leviathan/node.hpp"
#include "leviathan/populate.hpp"
#include "leviathan/recovery.hpp"
#include "base/test_dir.hpp"

namespace hobbes::leviathan {

/// Four CPUs (Linux keeps 0), eight blocks of 128 MiB, PCI devices 7fff:00:03.0 (free) and 7fff:00:04.0 (Linux's). Whenever a leviathan ends, its database has to be consistent.
class TestNode {
 public:
  TestNode() {
    start();
    std::vector<db::Cpu> cpus(4);
    for (std::uint32_t i = 0; i < cpus.size(); ++i) {
      cpus[i].id = CpuId(i);
      cpus[i].core = i;
    }
    Hardware hardware;
    hardware.cpus = *share_out(cpus, {});
    hardware.blocks = *node_->bridge().provide_memory(block_size * 8, block_size);
    hardware.block_size = block_size;
    hardware.devices = {device(3, ""), device(4, "e1000e")};
    populated_ = populate(node_->db(), hardware);
  }
  ~TestNode() { stop(); }
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  static constexpr Bytes block_size = mib(128);

  Node& node() {
    REQUIRE(populated_);
    return *node_;
  }
  bridge::FakeNode& world() { return *world_; }
  /// Of the first enclave that was booted and is there still.
  bridge::FakeKernel& kernel() {
    REQUIRE(!world_->enclaves().empty());
    return *world_->kernel(world_->enclaves().front());
  }
  const std::filesystem::path& path() const { return dir_.path(); }

  /// The leviathan is gone; enclaves run on.
  void stop() {
    if (!node_) return;
    node_->join_workers();
    work_.reset();
    node_->loop().stop();
    loop_thread_.join();
    CHECK(db::check(*node_->db().read()) == std::vector<std::string>{});
    node_.reset();
  }

  /// The next leviathan over what is there.
  void restart() {
    stop();
    start();
    const Status recovered = recover(*node_);
    INFO((recovered ? "" : recovered.error().text()));
    REQUIRE(recovered);
  }

  /// Everything the loop was given so far is done.
  void settle_loop() { node_->run_on_loop_and_wait([] {}); }

  /// An enclave with so many CPUs and blocks.
  Result<std::string> create(const std::string& name, int cpus = 1, int blocks = 1) {
    std::string xml = "<pisces name=\"" + name + "\"><boot_env><memory size=\"128\"/></boot_env>";
    if (cpus > 1) xml += "<cpus><cores>" + std::to_string(cpus - 1) + "</cores></cpus>";
    if (blocks > 1) xml += "<memory size=\"" + std::to_string(128 * (blocks - 1)) + "\"/>";
    return create_xml(xml + "</pisces>");
  }
  Result<std::string> create_xml(const std::string& xml, const std::string& name = "") {
    return enclaves::create_enclave(*node_, {.xml = xml, .file = "test.xml", .name = name, .uid = 7, .gid = 8});
  }

  /// "03=free 04=a:nic0", as owners() does.
  std::string devices() {
    const auto txn = node_->db().read();
    std::string text;
    const auto devices = txn->list<db::PciDevice>();
    for (const db::PciDevice& device : *devices) {
      text += (text.empty() ? "0" : " 0") + std::to_string(device.address.device) + "=" +
              owner_of(*txn, device.state, device.owner) + (device.name.empty() ? "" : ":" + device.name);
    }
    return text;
  }

  /// "cpus 0L 1 2=a 3 | blocks 5 free, a 2, ...": who has what, by name; for comparing whole states.
  std::string owners() {
    const auto txn = node_->db().read();
    std::string text = "cpus";
    const auto cpus = txn->list<db::Cpu>();
    for (const db::Cpu& cpu : *cpus) {
      text += " " + std::to_string(cpu.id.value) + "=" + owner_of(*txn, cpu.state, cpu.owner);
    }
    const auto blocks = txn->list<db::MemoryBlock>();
    std::map<std::string, int> count_by_owner;
    for (const db::MemoryBlock& block : *blocks) ++count_by_owner[owner_of(*txn, block.state, block.owner)];
    text += " | blocks";
    for (const auto& [owner, count] : count_by_owner) text += " " + owner + ":" + std::to_string(count);
    return text;
  }

  db::Enclave record(const std::string& name) {
    const auto txn = node_->db().read();
    const auto found = txn->find_enclave(name);
    REQUIRE(found->has_value());
    return **found;
  }

  /// The database agrees with itself and nothing is under way.
  void check_sound() {
    const auto txn = node_->db().read();
    CHECK(db::check(*txn) == std::vector<std::string>{});
    CHECK(db::pending_operations(*txn)->empty());
    CHECK(txn->list_by_state<db::MemoryBlock>(db::ResourceState::reserved)->empty());
    CHECK(txn->list_by_state<db::Cpu>(db::ResourceState::reserved)->empty());
  }

  /// A free block holds nobody's data.
  void check_scrubbed() {
    const auto txn = node_->db().read();
    const auto free = txn->list_by_state<db::MemoryBlock>(db::ResourceState::free);
    for (const db::MemoryBlock& block : *free) {
      CHECK(world_->is_clean(block.base.value));
    }
  }

 private:
  void start() {
    node_.emplace(Node::Config{path(), block_size}, *db::Environment::create(path()),
                  std::make_unique<bridge::FakeBridge>(world_));
    work_.emplace(node_->loop().get_executor());
    loop_thread_ = std::thread([this] { node_->loop().run(); });
  }

  /// In a domain that no machine which runs this has.
  static db::PciDevice device(std::uint8_t number, const std::string& driver) {
    db::PciDevice device;
    device.address = {0x7fff, 0, number, 0};
    device.driver = driver;
    return device;
  }

  static std::string owner_of(const db::ReadTxn& txn, db::ResourceState state, std::optional<EnclaveId> owner) {
    if (state == db::ResourceState::free) return "free";
    const std::string name = owner ? txn.get<db::Enclave>(*owner)->value().name : "nobody";
    return state == db::ResourceState::allocated ? name : name + "?";
  }

  TestDir dir_;
  std::shared_ptr<bridge::FakeNode> world_ = std::make_shared<bridge::FakeNode>();
  std::optional<Node> node_;
  Status populated_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::thread loop_thread_;
};

}  // namespace hobbes::leviathan
