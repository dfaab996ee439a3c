// SPDX-License-Identifier: Apache-2.0
#include "base/parse.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace hobbes {
namespace {

constexpr std::uint32_t max_cpu_number = 65535;
constexpr std::uint32_t max_mode = 0777;

Error bad(std::string_view what, std::string_view text, std::string_view why) {
  return Error(Code::invalid, std::string(what) + " '" + std::string(text) + "' " + std::string(why));
}

template <typename Int>
Result<Int> parse_integer(std::string_view text, std::string_view what, Int min, Int max) {
  std::string_view digits = text;
  int radix = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    digits.remove_prefix(2);
    radix = 16;
  }
  Int value{};
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value, radix);
  if (failure == std::errc::result_out_of_range) return bad(what, text, "is out of range");
  if (failure != std::errc() || end != digits.data() + digits.size() || (radix == 16 && digits.starts_with('-')))
    return bad(what, text, "is not a number");
  if (value < min || value > max)
    return bad(what, text, "must be from " + std::to_string(min) + " to " + std::to_string(max));
  return value;
}

/// The factor a size suffix stands for; 0 if it is none.
std::uint64_t suffix_factor(std::string_view suffix) {
  constexpr std::string_view letters = "KMGT";
  const auto letter = letters.find(suffix[0] & ~0x20);
  if (letter == letters.npos) return 0;
  const std::string_view rest = suffix.substr(1);
  if (!rest.empty() && rest != "B" && rest != "iB") return 0;
  return std::uint64_t{1} << (10 * (letter + 1));
}

}  // namespace

bool is_decimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<std::uint64_t> parse_u64(std::string_view text, std::string_view what, std::uint64_t min, std::uint64_t max) {
  return parse_integer(text, what, min, max);
}

Result<std::int64_t> parse_i64(std::string_view text, std::string_view what, std::int64_t min, std::int64_t max) {
  return parse_integer(text, what, min, max);
}

Result<std::uint32_t> parse_mode(std::string_view text, std::string_view what) {
  std::uint32_t mode = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (failure == std::errc() && end == text.data() + text.size() && mode <= max_mode) return mode;
  return bad(what, text, "is not an octal mode up to 777");
}

Result<Bytes> parse_size(std::string_view text, std::string_view what, Bytes unit) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hexadecimal ? text.size() : std::min(text.find_first_not_of("0123456789"), text.size());
  std::uint64_t factor = unit.value;
  if (digits < text.size()) {
    factor = suffix_factor(text.substr(digits));
    if (digits == 0 || factor == 0) return bad(what, text, "is not a size (a number, with K, M, G or T behind it)");
  }
  const std::uint64_t number = TRY(parse_u64(text.substr(0, digits), what));
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(number, factor, &bytes)) return bad(what, text, "is out of range");
  return Bytes(bytes);
}

Result<std::vector<CpuId>> parse_cpu_list(std::string_view text, std::string_view what) {
  std::set<CpuId> cpus;
  std::string_view rest = text;
  while (true) {
    const auto comma = std::min(rest.find(','), rest.size());
    const std::string_view item = rest.substr(0, comma);
    const auto dash = std::min(item.find('-'), item.size());
    const auto first = parse_u64(item.substr(0, dash), what, 0, max_cpu_number);
    const auto last = dash < item.size() ? parse_u64(item.substr(dash + 1), what, 0, max_cpu_number) : first;
    if (!first || !last || *first > *last) return bad(what, text, "is not a list of CPUs like 0-3,8");
    for (auto cpu = *first; cpu <= *last; ++cpu) cpus.insert(CpuId(static_cast<std::uint32_t>(cpu)));
    if (comma == rest.size()) break;
    rest.remove_prefix(comma + 1);
  }
  return std::vector<CpuId>(cpus.begin(), cpus.end());
}

std::string format_cpu_list(const std::vector<CpuId>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t end = i;
    while (end + 1 < cpus.size() && cpus[end + 1].value == cpus[end].value + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[i].value);
    if (end > i) text += '-' + std::to_string(cpus[end].value);
    i = end + 1;
  }
  return text;
}

}  // namespace hobbes
