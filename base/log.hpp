// SPDX-License-Identifier: Apache-2.0
// The log of a host program: one line a message on stderr, "<level> <text>" (sd-daemon(3) prefixes under systemd).
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace hobbes::log {

enum class Level { debug, info, warning, error };

/// Messages below `level` are dropped. Call before threads start. Default: info.
void set_threshold(Level level);
/// Thread-safe: a message is one write(2).
void write(Level level, std::string_view text);

inline void debug(std::string_view text) { write(Level::debug, text); }
inline void info(std::string_view text) { write(Level::info, text); }
inline void warning(std::string_view text) { write(Level::warning, text); }
inline void error(std::string_view text) { write(Level::error, text); }
/// Whoever handles an Error logs it, once, with where it was born.
void error(const Error& error);

}  // namespace hobbes::log
