// SPDX-License-Identifier: Apache-2.0
// The architecture as a test: who may include whom (docs/architecture.md), and what every folder and file has. A
// failure prints each offence as "file: what".
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <span>

#include "tests/structure/tree.hpp"

namespace hobbes::structure {
namespace {

constexpr std::size_t max_lines = 500;

/// The folders whose files a folder may include besides its own. The longest match of a path is its row.
struct Row {
  std::string_view folder;
  std::span<const std::string_view> may_include;
};

constexpr std::string_view abi = "kernel-bridge/abi";
constexpr std::array<std::string_view, 1> base_alone = {"base"};
constexpr std::array<std::string_view, 1> abi_alone = {abi};
constexpr std::array<std::string_view, 2> base_and_abi = {"base", abi};
constexpr std::array<std::string_view, 3> bridge_edges = {"base", "cmdqueue", "vmm"};
constexpr std::array<std::string_view, 5> leviathan_edges = {"base", "db", "cmdqueue", "kernel-bridge", "vmm"};
constexpr std::array<std::string_view, 2> shell_edges = {"base", "leviathan/client"};
constexpr std::array<std::string_view, 2> hpmmap_edges = {"base", "cokernel/kernel"};
constexpr std::array<std::string_view, 10> everything = {"base",   "cmdqueue", "cokernel", "db",    "kernel-bridge",
                                                         "leviathan", "shell", "tests",    "examples", "vmm"};

constexpr std::array rows = {
    Row{"base", {}},
    Row{abi, {}},
    Row{"db", base_alone},
    Row{"cmdqueue", base_and_abi},
    Row{"kernel-bridge", bridge_edges},
    Row{"kernel-bridge/pisces/module", abi_alone},
    Row{"cokernel", abi_alone},
    Row{"cokernel/kernel", abi_alone},
    Row{"hpmmap", hpmmap_edges},
    Row{"vmm", base_alone},
    Row{"leviathan", leviathan_edges},
    Row{"leviathan/descriptor", base_alone},
    Row{"shell", shell_edges},
    Row{"examples", {}},
    Row{"tests", everything},
};

const Row* row_of(std::string_view path) {
  const Row* best = nullptr;
  for (const Row& row : rows)
    if (is_below(path, row.folder) && (best == nullptr || row.folder.size() > best->folder.size())) best = &row;
  return best;
}

/// Programs of the scenarios are built alone, as anybody would build them, and so is the driver: they include what lies
/// beside them.
bool is_beside(const SourceFile& file, std::string_view target) {
  const bool is_alone = is_below(file.path, "tests/scenarios") || is_below(file.path, "kernel-bridge/pisces/module");
  return is_alone && exists(root() / file.folder() / target);
}

/// Contract suites and fixtures in tests/ are for every unit test.
bool may_include(const SourceFile& file, const Row& row, std::string_view target) {
  if (is_below(target, row.folder) || is_beside(file, target)) return true;
  if (file.is_test() && is_below(target, "tests")) return true;
  return std::any_of(row.may_include.begin(), row.may_include.end(),
                     [&](std::string_view folder) { return is_below(target, folder); });
}

TEST_CASE("folders include only what the architecture lets them") {
  std::string offences;
  for (const SourceFile& file : sources()) {
    const Row* row = row_of(file.path);
    if (row == nullptr) {
      offences += file.path + ": its folder is not in the table of this test\n";
      continue;
    }
    for (const Include& include : file.includes())
      if (!include.system && !may_include(file, *row, include.path))
        offences += file.path + ": must not include " + include.path + "\n";
  }
  CHECK(offences == "");
}

TEST_CASE("includes are spelled from the root, so that each shows its edge") {
  std::string offences;
  for (const SourceFile& file : sources())
    for (const Include& include : file.includes())
      if (!include.system && !exists(root() / include.path) && !is_beside(file, include.path))
        offences += file.path + ": there is no " + include.path + " from the root\n";
  CHECK(offences == "");
}

TEST_CASE("the portable co-kernel knows nothing of Linux") {
  constexpr std::array<std::string_view, 5> linux_headers = {"linux/", "sys/", "asm/", "unistd.h", "pthread.h"};
  std::string offences;
  for (const SourceFile& file : sources()) {
    if (file.is_test() || file.supports_tests() || !is_below(file.path, "cokernel/kernel")) continue;
    for (const Include& include : file.includes())
      for (const auto header : linux_headers)
        if (include.system && include.path.starts_with(header))
          offences += file.path + ": must not include <" + include.path + ">\n";
  }
  CHECK(offences == "");
}

TEST_CASE("every folder of the first two levels that is built has a README") {
  const auto is_deep = [](const std::string& folder) { return std::count(folder.begin(), folder.end(), '/') > 1; };
  std::string offences;
  const auto has = [](const std::string& folder, const char* file) { return exists(root() / folder / file); };
  for (const auto& folder : folders())
    if (!is_deep(folder) && has(folder, "meson.build") && !has(folder, "README.md"))
      offences += folder + ": has no README.md\n";
  CHECK(offences == "");
}

/// A module of Linux's kernel is under Linux's licence.
std::string license_of(const SourceFile& file) {
  const bool in_linux = is_below(file.path, "kernel-bridge/pisces/module");
  return std::string("SPDX-License-Identifier: ") + (in_linux ? "GPL-2.0" : "Apache-2.0");
}

TEST_CASE("files are licensed and small") {
  std::string offences;
  for (const SourceFile& file : sources()) {
    if (file.lines.empty() || file.lines[0].find(license_of(file)) == std::string::npos)
      offences += file.path + ": the first line is not its SPDX line\n";
    if (file.lines.size() > max_lines)
      offences += file.path + ": " + std::to_string(file.lines.size()) + " lines are more than " +
                  std::to_string(max_lines) + "\n";
  }
  CHECK(offences == "");
}

TEST_CASE("headers guard themselves with #pragma once") {
  std::string offences;
  for (const SourceFile& file : sources())
    if (file.path.ends_with(".hpp") &&
        std::find(file.lines.begin(), file.lines.end(), "#pragma once") == file.lines.end())
      offences += file.path + ": has no #pragma once\n";
  CHECK(offences == "");
}

/// The meson.build that builds a folder: the nearest one upwards.
std::string build_text(std::filesystem::path folder) {
  while (!folder.empty() && !std::filesystem::exists(root() / folder / "meson.build")) folder = folder.parent_path();
  return read_text(root() / folder / "meson.build");
}

TEST_CASE("every unit test is wired to the build") {
  std::string offences;
  for (const SourceFile& file : sources())
    if (file.is_test() && build_text(file.folder()).find(file.name()) == std::string::npos)
      offences += file.path + ": no meson.build names it\n";
  CHECK(offences == "");
}

}  // namespace
}  // namespace hobbes::structure
