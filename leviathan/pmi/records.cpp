// SPDX-License-Identifier: Apache-2.0
#include "leviathan/pmi/records.hpp"

namespace hobbes::leviathan::pmi {

Status write(db::WriteTxn& txn, const protocol::PmiWrite& news) {
  const auto app = TRY(txn.get<db::App>(news.app));
  if (!app || app->ended.value != 0) {
    return Error(Code::not_found, "application " + std::to_string(news.app.value) + ": there is none that runs");
  }
  for (const auto& [key, value] : news.values) {
    TRY(txn.put(db::PmiValue{.app = news.app, .space = news.space, .name = key, .value = value}));
  }
  TRY(txn.put(db::PmiBarrier{.app = news.app, .ranks = news.ranks, .generation = news.generation, .arrived = {}}));
  return {};
}

Status erase_of(db::WriteTxn& txn, AppId app) {
  for (const db::PmiValue& value : TRY(txn.list_by_app<db::PmiValue>(app))) TRY(txn.erase<db::PmiValue>(value.key()));
  TRY(txn.erase<db::PmiBarrier>(app));
  return {};
}

}  // namespace hobbes::leviathan::pmi
