// SPDX-License-Identifier: Apache-2.0
// The table of all services, joined from the areas' tables.
#include <algorithm>
#include <array>

#include "leviathan/apps/services.hpp"
#include "leviathan/consoles/services.hpp"
#include "leviathan/enclaves/services.hpp"
#include "leviathan/files/services.hpp"
#include "leviathan/pmi/services.hpp"
#include "leviathan/resources/services.hpp"
#include "leviathan/segments/services.hpp"

namespace hobbes::leviathan {
namespace {

template <std::size_t... sizes>
constexpr auto join(const std::array<Service, sizes>&... tables) {
  std::array<Service, (sizes + ...)> all{};
  auto next = all.begin();
  ((next = std::copy(tables.begin(), tables.end(), next)), ...);
  std::ranges::sort(all, {}, &Service::code);
  return all;
}

constexpr auto all_services =
    join(enclaves::services, resources::services, apps::services, files::services, consoles::services,
         segments::services, pmi::services);

static_assert(std::ranges::adjacent_find(all_services, {}, &Service::code) == all_services.end(),
              "two services have the same code");

}  // namespace

std::span<const Service> services() { return all_services; }

const Service* find_service(std::uint32_t code) {
  const auto found = std::ranges::lower_bound(all_services, code, {}, &Service::code);
  return found != all_services.end() && found->code == code ? &*found : nullptr;
}

}  // namespace hobbes::leviathan
