// SPDX-License-Identifier: Apache-2.0
#include "db/codec.hpp"

namespace hobbes::db {

Error decode_error(std::string_view kind, std::string_view bad_field) {
  std::string text = std::string(kind) + " record: ";
  if (bad_field.empty()) {
    text += "bytes after its last field";
  } else {
    text.append("field '").append(bad_field) += "' is cut short or has an impossible value";
  }
  return {Code::corrupt, std::move(text)};
}

}  // namespace hobbes::db
