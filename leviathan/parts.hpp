// SPDX-License-Identifier: Apache-2.0
// Parts: what service handlers work on: the node and the state of each area of services. Members are constructed in
// this order and destroyed in reverse.
#pragma once

#include "leviathan/apps/apps.hpp"
#include "leviathan/consoles/consoles.hpp"
#include "leviathan/files/files.hpp"
#include "leviathan/node.hpp"
#include "leviathan/segments/segments.hpp"

namespace hobbes::leviathan {

struct Parts {
  explicit Parts(Node& its_node) : node(its_node), apps(node), files(node), consoles(node), segments(node) {}

  Node& node;
  apps::Apps apps;
  files::Files files;
  consoles::Consoles consoles;
  segments::Segments segments;
};

}  // namespace hobbes::leviathan
