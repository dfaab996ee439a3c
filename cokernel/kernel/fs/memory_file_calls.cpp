// SPDX-License-Identifier: Apache-2.0
// memfd_create: a file in memory without a name.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {

Sysret sys_memfd_create(Thread& self, const Args& args) {
  constexpr uint32_t close_on_exec = 1, allow_sealing = 2, never_executable = 8, executable = 0x10;
  constexpr uint32_t known = close_on_exec | allow_sealing | never_executable | executable;
  constexpr size_t longest_name = 249;
  constexpr uint32_t all_rights = 0777, no_execution = 0666;
  const uint32_t flags = to_flags(args[1]);
  if ((flags & ~known) != 0 || (flags & (never_executable | executable)) == (never_executable | executable))
    return -EINVAL;
  UserPath name;
  if (const int error = name.load(args[0]); error != 0) return error == -ENAMETOOLONG ? -EINVAL : error;
  if (strlen(name.text()) > longest_name) return -EINVAL;
  const bool no_exec = (flags & never_executable) != 0;
  const bool sealable = (flags & (allow_sealing | never_executable)) != 0;
  const uint32_t seals = flag_if(no_exec, F_SEAL_EXEC) | flag_if(!sealable, F_SEAL_SEAL);
  FileRef file;
  if (const int error = open_anonymous(Caller::of(*self.process), name.text(), no_exec ? no_execution : all_rights,
                                       seals, file);
      error != 0)
    return error;
  return add_file(self, file, (flags & close_on_exec) != 0);
}

}  // namespace hobbes::lwk::fs
