// SPDX-License-Identifier: Apache-2.0
#include "leviathan/protocol/codec.hpp"

namespace hobbes::protocol {

Error malformed(std::string_view message, std::string_view field) {
  std::string text(message);
  if (field.empty()) {
    text += ": the message is longer than its fields";
  } else {
    text.append(": field '").append(field).append("' is cut off or wrong");
  }
  return {Code::invalid, std::move(text)};
}

}  // namespace hobbes::protocol
