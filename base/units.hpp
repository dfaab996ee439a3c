// SPDX-License-Identifier: Apache-2.0
// Units and identifiers as types of their own, so that they cannot be mixed.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace hobbes {

/// An integer that means one thing. `Tag` only tells the types apart.
template <typename Tag, typename Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

using EnclaveId = Strong<struct EnclaveIdTag, std::uint64_t>;  ///< 0 is the master; never reused while the node is up
using AppId = Strong<struct AppIdTag, std::uint64_t>;          ///< 0 is an enclave's init task
using SegmentId = Strong<struct SegmentIdTag, std::uint64_t>;  ///< 1-31 are well known
using CpuId = Strong<struct CpuIdTag, std::uint32_t>;          ///< Linux's number of a logical CPU
using NumaId = Strong<struct NumaIdTag, std::int32_t>;         ///< -1: any, or unknown

inline constexpr EnclaveId master_enclave{0};
inline constexpr NumaId any_numa{-1};

/// A number of bytes.
struct Bytes {
  std::uint64_t value{};

  constexpr Bytes() = default;
  constexpr explicit Bytes(std::uint64_t v) : value(v) {}
  friend constexpr auto operator<=>(const Bytes&, const Bytes&) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return Bytes(a.value + b.value); }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return Bytes(a.value - b.value); }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t n) { return Bytes(a.value * n); }
};

constexpr Bytes kib(std::uint64_t n) { return Bytes(n << 10); }
constexpr Bytes mib(std::uint64_t n) { return Bytes(n << 20); }
constexpr Bytes gib(std::uint64_t n) { return Bytes(n << 30); }

}  // namespace hobbes

template <typename Tag, typename Rep>
struct std::hash<hobbes::Strong<Tag, Rep>> {
  std::size_t operator()(const hobbes::Strong<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value); }
};
