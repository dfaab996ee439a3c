// SPDX-License-Identifier: Apache-2.0
// What the text files of /proc say.
#pragma once

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
  void (*write)(Text& text, Process& process);  ///< under process_lock
};

extern const ProcText proc_texts[];
extern const size_t proc_text_count;
extern const ProcessText process_texts[];
extern const size_t process_text_count;

}  // namespace hobbes::lwk::fs
