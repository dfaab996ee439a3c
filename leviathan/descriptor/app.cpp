// SPDX-License-Identifier: Apache-2.0
#include "leviathan/descriptor/app.hpp"

#include <algorithm>
#include <array>

#include "base/parse.hpp"
#include "leviathan/descriptor/element.hpp"
#include "leviathan/descriptor/words.hpp"

namespace hobbes::descriptor {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t max_ranks = 65535;
/// A smaller heap or stack is a number of MiB in the wrong place.
constexpr Bytes min_region = kib(4);

/// Fields of the reference's wire form that a file cannot decide: ids and physical placement are leviathan's.
constexpr std::array wire_only = {"app_id"sv,         "data_size"sv,      "use_prealloc_mem"sv,
                                  "data_base_addr"sv, "heap_base_addr"sv, "stack_base_addr"sv};

/// The presence of the element is a yes, as in the reference; a value, where there is one, has to agree or say no.
Result<bool> read_flag(const Element& root, std::string_view name) {
  if (!root.has(name)) return false;
  const std::string text = root.value(name).value_or("1");
  if (text == "1" || text == "true" || text == "yes") return true;
  if (text == "0" || text == "false" || text == "no") return false;
  return root.refusal_at(name, std::string(name) + " '" + text + "' is neither yes nor no");
}

Result<std::optional<Bytes>> read_region(const Element& root, std::string_view name) {
  const auto text = root.value(name);
  if (!text) return std::optional<Bytes>();
  const Bytes size = TRY(root.located(name, parse_size(*text, name, Bytes(1))));
  if (size < min_region)
    return root.refusal_at(name, std::string(name) + " '" + *text +
                                     "' is less than a page: a bare number is bytes, write 16M for MiB");
  return std::optional<Bytes>(size);
}

Status read_placement(const Element& root, AppDescriptor& app) {
  if (const auto ranks = root.value("ranks"))
    app.ranks = static_cast<std::uint32_t>(TRY(root.located("ranks", parse_u64(*ranks, "ranks", 1, max_ranks))));
  app.oversubscribe = TRY(read_flag(root, "oversubscribe"));
  if (const auto cpus = root.value("cpu_list")) {
    TRY(root.located("cpu_list", parse_cpu_list(*cpus, "cpu_list")));
    app.cpu_list = *cpus;
  }
  app.heap_size = TRY(read_region(root, "heap_size"));
  app.stack_size = TRY(read_region(root, "stack_size"));
  app.use_large_pages = TRY(read_flag(root, "use_large_pages"));
  app.use_smartmap = TRY(read_flag(root, "use_smartmap"));
  return {};
}

}  // namespace

Result<AppDescriptor> parse_app(std::string_view xml, std::string_view file) {
  static constexpr std::array values = {
      "path"sv, "name"sv, "argv"sv, "envp"sv, "ranks"sv, "oversubscribe"sv, "cpu_list"sv, "heap_size"sv, "stack_size"sv,
      "use_large_pages"sv, "use_smartmap"sv,
      wire_only[0], wire_only[1], wire_only[2], wire_only[3], wire_only[4], wire_only[5]};
  const auto document = TRY(Document::parse(xml, file, "app"));
  const Element root = document.root();
  TRY(root.check({.values = values, .children = {}}));
  for (const auto name : wire_only)
    if (root.value(name))
      return root.refusal_at(name, std::string(name) + " is decided when the application is launched: leave it out");

  AppDescriptor app;
  const auto path = root.value("path");
  if (!path) return root.refusal("path is missing");
  app.path = *path;
  app.name = root.value("name").value_or("");
  if (const auto argv = root.value("argv")) app.argv = TRY(root.located("argv", split_words(*argv, "argv")));
  if (const auto envp = root.value("envp")) app.envp = TRY(root.located("envp", split_environment(*envp, "envp")));
  TRY(read_placement(root, app));
  return app;
}

}  // namespace hobbes::descriptor
