// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/linux/node_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/parse.hpp"
#include "base/unique_fd.hpp"

namespace hobbes::bridge {

namespace fs = std::filesystem;

Result<std::string> NodeFiles::read(const fs::path& file) const {
  const fs::path path = root_ / file;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> content{};
  const ssize_t size = fd ? ::read(fd.get(), content.data(), content.size()) : -1;
  if (size < 0) return last_errno(path.string());
  const std::string_view text(content.data(), static_cast<std::size_t>(size));
  return std::string(text.substr(0, text.find('\n')));
}

Status NodeFiles::write(const fs::path& file, std::string_view text) const {
  const fs::path path = root_ / file;
  if (const int refused = refuse_ ? refuse_(file) : 0; refused != 0) return errno_error(refused, path.string());
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC));
  if (!fd) return last_errno(path.string());
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return last_errno("write '" + std::string(text) + "' to " + path.string());
  return {};
}

bool NodeFiles::exists(const fs::path& file) const {
  std::error_code ignored;  // what cannot be looked at is not there for us
  return fs::exists(root_ / file, ignored);
}

std::vector<std::uint64_t> NodeFiles::numbered(const fs::path& directory, std::string_view prefix) const {
  std::vector<std::uint64_t> numbers;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(root_ / directory, failure)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !is_decimal(std::string_view(name).substr(prefix.size()))) continue;
    if (const auto number = parse_u64(std::string_view(name).substr(prefix.size()), "number"))
      numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<std::string> NodeFiles::names(const fs::path& directory) const {
  std::vector<std::string> names;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(root_ / directory, failure))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::optional<std::string> NodeFiles::link_name(const fs::path& link) const {
  std::error_code failure;
  const fs::path target = fs::read_symlink(root_ / link, failure);
  if (failure) return std::nullopt;
  return target.filename().string();
}

}  // namespace hobbes::bridge
