// SPDX-License-Identifier: Apache-2.0
// What the text files of /proc say.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/text.hpp"

namespace hobbes::lwk {
struct Process;
}

namespace hobbes::lwk::fs {

struct ProcText {
  const char* path;  ///< below /proc, or below /proc/<pid>
  void (*write)(Text& text);
};
struct ProcessText {
  const char* path;
  bool own_only;  ///< only its user may read it
  /// Under process_lock; `id` is the thread's where one of a process' tasks is asked for, else the process'.
  void (*write)(Text& text, Process& process, int64_t id);
};

/// "0-2,5" and a line's end.
void write_cpu_list(Text& text, const uint64_t mask[4]);
/// A descriptor's fdinfo.
void write_descriptor(Text& text, File& file);

extern const ProcText proc_texts[];
extern const size_t proc_text_count;
extern const ProcessText process_texts[];
extern const size_t process_text_count;

}  // namespace hobbes::lwk::fs
