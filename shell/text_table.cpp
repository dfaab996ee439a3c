// SPDX-License-Identifier: Apache-2.0
#include "shell/text_table.hpp"

#include <algorithm>
#include <cassert>

namespace hobbes::shell {
namespace {

/// Characters of UTF-8 text: every byte but the continuation bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

TextTable::TextTable(std::vector<std::string> titles) { rows_.push_back(std::move(titles)); }

void TextTable::add_row(std::vector<std::string> cells) {
  assert(cells.size() == rows_[0].size());
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  for (auto& cell : cells) std::replace_if(cell.begin(), cell.end(), is_control, '?');
  rows_.push_back(std::move(cells));
}

void TextTable::print(std::ostream& out) const {
  std::vector<std::size_t> widths(rows_[0].size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::size_t total = 1;
  for (const auto column : widths) total += column + 3;
  const std::string rule(total, '-');

  out << rule << '\n';
  for (const auto& row : rows_) {
    out << '|';
    for (std::size_t i = 0; i < row.size(); ++i)
      out << ' ' << row[i] << std::string(widths[i] - width(row[i]) + 1, ' ') << '|';
    out << '\n';
    if (&row == &rows_.front()) out << rule << '\n';
  }
  if (rows_.size() > 1) out << rule << '\n';
}

}  // namespace hobbes::shell
