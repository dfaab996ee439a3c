// SPDX-License-Identifier: Apache-2.0
// TextTable: a table sized to its content, between rules, as the list commands print it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace hobbes::shell {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> titles);

  /// As many cells as there are titles. Control characters are shown as '?': a name must not drive the terminal.
  void add_row(std::vector<std::string> cells);
  /// Columns are left-justified; UTF-8 counts by character.
  void print(std::ostream& out) const;

 private:
  std::vector<std::vector<std::string>> rows_;  ///< the titles first
};

}  // namespace hobbes::shell
