// SPDX-License-Identifier: Apache-2.0
// Chooser: several choices of free resources for one enclave that do not collide.
#pragma once

#include <string_view>
#include <vector>

#include "db/choose.hpp"
#include "db/operations.hpp"

namespace hobbes::leviathan {

/// Chooses as db/choose.hpp does, with its refusals, but what was chosen is not chosen again, and no CPU is given to an
/// enclave twice, however many may share it. Uses a write transaction of the caller's to set things aside; take()
/// leaves that as it was. After a refusal the transaction must be dropped.
class Chooser {
 public:
  [[nodiscard]] static Result<Chooser> create(db::WriteTxn& txn, EnclaveId enclave);

  [[nodiscard]] Status cpus(std::size_t count, NumaId numa = any_numa);
  [[nodiscard]] Status cpus(const std::vector<CpuId>& ids);
  [[nodiscard]] Status blocks(std::size_t count, NumaId numa = any_numa, bool contiguous = false);
  [[nodiscard]] Status blocks_at(db::PhysAddr base, std::size_t count);

  /// This one, which is free or Linux's; it is called so from now on.
  [[nodiscard]] Status device(const db::PciAddress& address, std::string_view name);

  struct Chosen {
    std::vector<db::Cpu> cpus;  ///< in the order of the choices
    std::vector<db::MemoryBlock> blocks;
    std::vector<db::PciAddress> devices;
    [[nodiscard]] db::Resources keys() const;
  };
  /// Everything that was chosen, FREE in the transaction as before.
  [[nodiscard]] Result<Chosen> take() &&;

 private:
  explicit Chooser(db::WriteTxn& txn) : txn_(txn) {}
  [[nodiscard]] Status set_aside_slots_of(CpuId cpu);
  [[nodiscard]] Status keep(std::vector<db::Cpu> cpus);
  [[nodiscard]] Status keep(std::vector<db::MemoryBlock> blocks);

  db::WriteTxn& txn_;
  Chosen chosen_;
  std::vector<db::Cpu> aside_;  ///< slots nobody chose, of CPUs the enclave has
};

}  // namespace hobbes::leviathan
