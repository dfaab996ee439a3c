// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/path.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

bool is_name(const char* name, size_t length, const char* text) {
  return strlen(text) == length && memcmp(name, text, length) == 0;
}

/// Appends the components of `path` to `to`, which has `length` bytes without a final '/'.
int append(const char* path, char* to, size_t& length) {
  PathWalk walk(path);
  const char* name = nullptr;
  size_t size = 0;
  while (walk.next(name, size)) {
    if (is_name(name, size, ".")) continue;
    if (is_name(name, size, "..")) {
      while (length > 0 && to[--length] != '/') {
      }
      continue;
    }
    if (length + 1 + size >= path_limit) return -ENAMETOOLONG;
    to[length++] = '/';
    memcpy(to + length, name, size);
    length += size;
  }
  return 0;
}

}  // namespace

PathText::PathText() : text_(static_cast<char*>(allocate(path_limit))) {
  if (text_ != nullptr) *text_ = '\0';
}

PathText::~PathText() { release(text_); }

bool PathWalk::next(const char*& name, size_t& length) {
  while (*at_ == '/') ++at_;
  name = at_;
  while (*at_ != '\0' && *at_ != '/') ++at_;
  length = static_cast<size_t>(at_ - name);
  return length > 0;
}

int normalise_path(const char* base, const char* path, char* to) {
  if (*path == '\0') return -ENOENT;
  size_t length = 0;
  if (*path != '/')
    if (const int error = append(base, to, length); error != 0) return error;
  if (const int error = append(path, to, length); error != 0) return error;
  if (length == 0) to[length++] = '/';
  to[length] = '\0';
  return 0;
}

bool names_directory(const char* path) {
  const size_t length = strlen(path);
  const char* slash = strrchr(path, '/');
  const char* last = slash != nullptr ? slash + 1 : path;
  return length > 0 && (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0);
}

const char* path_below(const char* path, const char* prefix) {
  const size_t length = strlen(prefix);
  if (strncmp(path, prefix, length) != 0) return nullptr;
  return path[length] == '\0' || path[length] == '/' ? path + length : nullptr;
}

}  // namespace hobbes::lwk::fs
