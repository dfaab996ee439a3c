// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/maps.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace hobbes::xemem {
namespace {

/// "55d0a000-55d0b000 rw-p 00001000 fe:01 1234   /path"
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}

  MappedArea parse() {
    MappedArea area;
    area.start = number(16);
    area.end = number(16);
    area.protection = (flag('r') ? PROT_READ : 0) | (flag('w') ? PROT_WRITE : 0) | (flag('x') ? PROT_EXEC : 0);
    area.shared = flag('s');
    skip(1);
    area.offset = number(16);
    number(16);  // device, major
    number(16);  // and minor
    area.inode = number(10);
    return area;
  }

 private:
  void skip(std::size_t count) { text_.remove_prefix(std::min(count, text_.size())); }
  bool flag(char wanted) {
    const bool set = !text_.empty() && text_.front() == wanted;
    skip(1);
    return set;
  }
  std::uint64_t number(unsigned base) {
    std::uint64_t value = 0;
    while (!text_.empty()) {
      const char c = text_.front();
      skip(1);
      if (c >= '0' && c <= '9') value = value * base + static_cast<unsigned>(c - '0');
      else if (base == 16 && c >= 'a' && c <= 'f') value = value * base + 10 + static_cast<unsigned>(c - 'a');
      else break;
    }
    return value;
  }

  std::string_view text_;
};

/// Lines of a file, as much of each as fits.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}

  /// Empty: the end. What is behind `most` bytes of a line (a long path) is left out.
  std::string_view next() {
    std::size_t size = 0;
    for (char c = 0; get(c) && c != '\n';)
      if (size < most) line_[size++] = c;
    return {line_.data(), size};
  }

 private:
  static constexpr std::size_t most = 128;

  bool get(char& c) {
    if (at_ == filled_) {
      const ssize_t got = ::read(fd_, buffer_.data(), buffer_.size());
      if (got <= 0) return false;
      at_ = 0;
      filled_ = static_cast<std::size_t>(got);
    }
    c = buffer_[at_++];
    return true;
  }

  int fd_;
  std::array<char, 4096> buffer_{};
  std::array<char, most> line_{};
  std::size_t at_ = 0, filled_ = 0;
};

}  // namespace

bool read_areas(std::uint64_t start, std::uint64_t end, MappedAreas& areas) {
  const int fd = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  areas.count = 0;
  std::uint64_t covered = start;
  bool fits = true;
  Lines lines(fd);
  for (std::string_view text = lines.next(); !text.empty(); text = lines.next()) {
    MappedArea area = Line(text).parse();
    if (area.end <= start || area.start >= end) continue;
    if (area.start > covered) break;
    if (area.start < start) area.offset += start - area.start;
    area.start = std::max(area.start, start);
    area.end = std::min(area.end, end);
    fits = fits && areas.count < MappedAreas::most;
    if (fits) areas.area[areas.count++] = area;
    covered = area.end;
  }
  ::close(fd);
  errno = fits ? EFAULT : ENOMEM;
  return fits && covered >= end;
}

}  // namespace hobbes::xemem
