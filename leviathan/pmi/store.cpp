// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/store.hpp"

#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::leviathan::pmi {

namespace request = protocol::request;

Result<std::optional<std::string>> Store::find(const std::string& key) {
  const auto txn = TRY(TRY(link_.database())->read());
  const auto record = TRY(txn.get<db::PmiValue>({app_, space_, key}));
  return record ? std::optional(record->value) : std::nullopt;
}

Status Store::write(std::uint32_t ranks, const Update& update) {
  protocol::PmiWrite message{.app = app_, .ranks = ranks, .generation = update.generation, .space = space_, .values = {}};
  for (const auto& [key, value] : update.values) message.values.push_back({key, value});
  TRY(link_.call(request::pmi_write, message, client::short_patience));
  return {};
}

Status Store::end_job(const std::string& why) {
  TRY(link_.call(request::pmi_end_job, protocol::PmiEndJob{.app = app_, .why = why}, client::short_patience));
  return {};
}

}  // namespace hobbes::leviathan::pmi
