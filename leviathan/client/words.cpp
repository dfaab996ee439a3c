// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/words.hpp"

#include "leviathan/descriptor/words.hpp"

namespace hobbes::client {

Result<std::vector<std::string>> split_words(std::string_view text, std::string_view what) {
  return descriptor::split_words(text, what);
}

}  // namespace hobbes::client
