// SPDX-License-Identifier: Apache-2.0
#include "tests/structure/tree.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace hobbes::structure {
namespace {

namespace fs = std::filesystem;

struct Tree {
  std::vector<SourceFile> sources;
  std::vector<std::string> folders;
};

bool is_source(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".cpp" || extension == ".hpp" || extension == ".c" || extension == ".h" || extension == ".S";
}

/// Build directories and what is hidden are nobody's source.
bool is_foreign(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') || name == "build" || name.starts_with("build-");
}

std::vector<std::string> read_lines(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Tree read_tree() {
  Tree tree;
  for (auto entry = fs::recursive_directory_iterator(root()); entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string path = fs::relative(entry->path(), root()).generic_string();
    if (is_foreign(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_directory()) {
      tree.folders.push_back(path);
    } else if (is_source(entry->path())) {
      tree.sources.push_back({path, read_lines(entry->path())});
    }
  }
  std::sort(tree.folders.begin(), tree.folders.end());
  std::sort(tree.sources.begin(), tree.sources.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

const Tree& tree() {
  static const Tree the_tree = read_tree();
  return the_tree;
}

}  // namespace

std::string SourceFile::folder() const { return fs::path(path).parent_path().generic_string(); }

std::string SourceFile::name() const { return fs::path(path).filename().string(); }

std::vector<Include> SourceFile::includes() const {
  std::vector<Include> found;
  for (const auto& line : lines) {
    std::istringstream words(line);
    std::string directive, target;
    words >> directive >> target;
    if (directive != "#include" || target.size() < 3) continue;
    found.push_back({target.substr(1, target.size() - 2), target[0] == '<'});
  }
  return found;
}

fs::path root() { return HOBBES_SOURCE_ROOT; }

const std::vector<SourceFile>& sources() { return tree().sources; }

const std::vector<std::string>& folders() { return tree().folders; }

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace hobbes::structure
