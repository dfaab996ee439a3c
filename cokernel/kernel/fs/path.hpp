// SPDX-License-Identifier: Apache-2.0
// Paths as text: joining, normalising.
#pragma once

#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk::fs {

/// Room for a path, on the heap.
class PathText : Immovable {
 public:
  PathText();  ///< empty
  ~PathText();
  [[nodiscard]] char* text() const { return text_; }
  explicit operator bool() const { return text_ != nullptr; }

 private:
  char* text_;
};

/// Writes the absolute, normalised form of `path`, taken from the absolute directory `base`, to `to` (path_limit bytes;
/// not overlapping): no ".", "..", "//" or final '/'; ".." of "/" is "/". 0, -ENOENT (empty), -ENAMETOOLONG.
[[nodiscard]] int normalise_path(const char* base, const char* path, char* to);
/// Whether a path insists on a directory: it ends in "/", "/." or "/..".
[[nodiscard]] bool names_directory(const char* path);
/// What follows `prefix` ("/tmp") in a normalised `path`: "" or "/..."; null: it lies elsewhere.
[[nodiscard]] const char* path_below(const char* path, const char* prefix);

/// Steps through the components of a normalised path.
class PathWalk {
 public:
  explicit PathWalk(const char* path) : at_(path) {}
  /// The next component, of `length` bytes without NUL; false: that was all.
  [[nodiscard]] bool next(const char*& name, size_t& length);
  /// What has not been walked: "" or "/...".
  [[nodiscard]] const char* rest() const { return at_; }

 private:
  const char* at_;
};

}  // namespace hobbes::lwk::fs
