// SPDX-License-Identifier: Apache-2.0
// Numbers, sizes and CPU lists from text people type. Nothing is silently defaulted: trailing text, an empty string,
// a sign where none belongs, or a number out of range is an Error that quotes the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"

namespace hobbes {

/// Digits and nothing else, so that a name which may also be a number is one.
[[nodiscard]] bool is_decimal(std::string_view text);

/// Decimal, or hexadecimal after 0x. `what` names the value in the error ("number of CPUs").
[[nodiscard]] Result<std::uint64_t> parse_u64(std::string_view text, std::string_view what,
                                              std::uint64_t min = 0, std::uint64_t max = UINT64_MAX);
[[nodiscard]] Result<std::int64_t> parse_i64(std::string_view text, std::string_view what,
                                             std::int64_t min = INT64_MIN, std::int64_t max = INT64_MAX);

/// Permissions as chmod takes them: octal, at most 777.
[[nodiscard]] Result<std::uint32_t> parse_mode(std::string_view text, std::string_view what);

/// A size: a bare number counts in `unit` (the reference's MiB, mostly); the suffixes K, M, G, T (powers of 1024, an
/// optional "iB" or "B" behind them) say it themselves.
[[nodiscard]] Result<Bytes> parse_size(std::string_view text, std::string_view what, Bytes unit = mib(1));

/// "0-3,8,10-11": ascending, without repeats.
[[nodiscard]] Result<std::vector<CpuId>> parse_cpu_list(std::string_view text, std::string_view what);
[[nodiscard]] std::string format_cpu_list(const std::vector<CpuId>& cpus);

}  // namespace hobbes
