// SPDX-License-Identifier: Apache-2.0
// PMI_process_mapping: which ranks are on which system, "(vector,(first system, systems, ranks on each),...)".
#pragma once

#include <string>
#include <vector>

namespace hobbes::client::pmi {

/// The ranks below `size` that share `rank`'s system, in order. Empty: the text is no mapping, or leaves `rank` out.
[[nodiscard]] std::vector<int> clique_of(int rank, int size, const std::string& mapping);

}  // namespace hobbes::client::pmi
