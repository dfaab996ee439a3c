// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>

namespace hobbes::log {
namespace {

std::atomic<Level> threshold{Level::info};  // relaxed: a filter, orders nothing

std::string_view prefix(Level level) {
  // Under systemd stderr is the journal, which reads syslog levels in angle brackets.
  static const bool journal = ::getenv("JOURNAL_STREAM") != nullptr;
  switch (level) {
    case Level::debug: return journal ? "<7>" : "debug: ";
    case Level::info: return journal ? "<6>" : "";
    case Level::warning: return journal ? "<4>" : "warning: ";
    case Level::error: return journal ? "<3>" : "error: ";
  }
  return "";
}

}  // namespace

void set_threshold(Level level) { threshold.store(level, std::memory_order_relaxed); }

void write(Level level, std::string_view text) {
  if (level < threshold.load(std::memory_order_relaxed)) return;
  std::string line(prefix(level));
  line.append(text).push_back('\n');
  // A log that cannot be written has nowhere to complain.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void error(const Error& error) {
  std::string_view file = error.where().file_name();
  file.remove_prefix(file.find_last_of('/') == file.npos ? 0 : file.find_last_of('/') + 1);
  write(Level::error, error.text() + " [" + std::string(file) + ":" + std::to_string(error.where().line()) + "]");
}

}  // namespace hobbes::log
