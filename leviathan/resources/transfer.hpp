// SPDX-License-Identifier: Apache-2.0
// Transfer: moves resources of one kind between the pool and an enclave, as transactions in two halves. What the kinds
// do differently (tell the kernel, plug the hardware) is a Plug.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "leviathan/enclaves/chooser.hpp"
#include "leviathan/resources/target.hpp"

namespace hobbes::leviathan::resources {

/// How hardware of one kind gets into a running enclave and out of it.
class Plug {
 public:
  virtual ~Plug() = default;

  virtual db::OperationKind assign_kind() const = 0;
  virtual db::OperationKind remove_kind() const = 0;
  /// The fault points of both directions, before and after the bridge's work.
  virtual std::string_view assign_reserved() const = 0;
  virtual std::string_view assign_plugged() const = 0;
  virtual std::string_view remove_reserved() const = 0;
  virtual std::string_view remove_unplugged() const = 0;

  // `enclave` is null for the Linux side, which has what it owns in its hands already.
  /// Into the machine, then into its kernel, one after the other; it stops at the first failure.
  [[nodiscard]] virtual Status plug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const = 0;
  /// Out of its kernel, then out of the machine. What is not in it (any more) is no error, so that it may be repeated;
  /// busy: the kernel needs it. It stops at the first failure.
  [[nodiscard]] virtual Status unplug(Node& node, LiveEnclave* enclave, const db::Resources& resources) const = 0;
};

using Choose = std::function<Status(Chooser&)>;

/// Gives the enclave what `choose` chooses, all or nothing. Returns what that was.
[[nodiscard]] Result<db::Resources> assign(Node& node, const Target& target, const Plug& plug, const Choose& choose);

/// Takes `count` of `candidates` from the enclave, trying them in order; what its kernel cannot spare is passed over.
/// All or nothing: if too few can be had, those that were are given back. Returns what was taken.
[[nodiscard]] Result<db::Resources> remove(Node& node, const Target& target, const Plug& plug,
                                           const std::vector<db::Resources>& candidates, std::size_t count);

/// Ends an operation of either direction that another leviathan left in the journal: an assignment is undone, a removal
/// is finished; where the enclave's kernel does not let go, the enclave keeps what it has. Workers only, under the
/// enclave's lock.
[[nodiscard]] Status settle(Node& node, const Plug& plug, const db::Operation& operation);

}  // namespace hobbes::leviathan::resources
