// SPDX-License-Identifier: Apache-2.0
// mmap and its relatives.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk {
namespace {

enum MapFlags : uint64_t {
  MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3, MAP_TYPE = 0xf, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20,
  MAP_LOCKED = 0x2000, MAP_FIXED_NOREPLACE = 0x100000,
};
constexpr uint64_t known_protection = 7;
constexpr uint64_t remap_may_move = 1, remap_fixed = 2;

/// A file's pages are read in when it is mapped.
Sysret fill_from_file(Process& process, UserAddr address, uint64_t size, fs::File& file, uint64_t offset) {
  while (size > 0) {
    uint64_t piece = 0;
    void* memory = process.space.direct(address, size, 0, piece);
    if (memory == nullptr) return -EFAULT;
    uint64_t done = 0;
    while (done < piece) {
      const Sysret got = fs::read_at(file, static_cast<char*>(memory) + done, piece - done, offset + done);
      if (got < 0) return got;
      if (got == 0) return 0;  // behind its end a file reads as zeros
      done += static_cast<uint64_t>(got);
    }
    address += piece;
    offset += piece;
    size -= piece;
  }
  return 0;
}

/// A mapping of the file's own memory. -ENODEV: it has none.
Sysret map_shared(Process& process, AddressSpace::Request& request, fs::File& file) {
  const bool writes = (request.protection & port::prot_write) != 0;
  if (writes && !file.writable()) return -EACCES;
  request.may_write = file.writable();
  const uint64_t size = align_up(request.size, page_size);
  if (size == 0 || size < request.size) return request.size == 0 ? -EINVAL : -ENOMEM;
  if (const int error = file.share(request.file_offset, size, writes, request.may_write, request.memory); error != 0)
    return error;
  const Sysret address = process.space.map(request);
  release_shared(request.memory);
  return address;
}

/// What mremap needs to make a mapping of a file larger; nothing, for others. 0 or -errno.
int share_more(AddressSpace& space, UserAddr address, uint64_t old_size, uint64_t new_size, SharedMemory*& grown) {
  if (new_size <= old_size || new_size > port::user_end) return 0;
  uint64_t offset = 0;
  SharedMemory* now = space.hold_shared(address, offset);
  if (now == nullptr) return 0;
  const int error = now->owner == nullptr ? 0
                                          : now->owner->share(now->owner_offset + offset, align_up(new_size, page_size),
                                                              now->may_write, grown);
  release_shared(now);
  return error;
}

/// Linux's checks of a range of whole pages: 0, -EINVAL, or -ENOMEM where something of it is not mapped.
int check_range(AddressSpace& space, UserAddr address, uint64_t size) {
  const uint64_t whole = align_up(size, page_size);
  if (address % page_size != 0 || whole < size || address + whole < address) return -EINVAL;
  return whole == 0 || space.covers(address, whole) ? 0 : -ENOMEM;
}

/// Has the host store what was written to its files in [at, end). Not under the address space's lock: it may take long.
int store_files(AddressSpace& space, UserAddr at, UserAddr end) {
  while (at < end) {
    uint64_t size = end - at;
    if (!space.find_lent(at, size)) return 0;
    if (const int error = port::store_lent(at, size); error != 0) return error;
    at += size;
  }
  return 0;
}

/// How much memory the process may lock.
uint64_t lock_limit(const Thread& self) {
  const Process& process = *self.process;
  return process.credentials.may(cap_ipc_lock) ? unlimited : process.limits.at[limit_locked].soft;
}

Sysret lock_range(Thread& self, UserAddr address, uint64_t size, bool locked) {
  const uint64_t limit = lock_limit(self);
  if (locked && limit == 0) return -EPERM;
  const UserAddr start = align_down(address, page_size);
  const uint64_t whole = align_up(size + (address - start), page_size);
  if (whole < size || start + whole < start) return -EINVAL;
  return whole == 0 ? 0 : self.process->space.set_locked(start, start + whole, locked, limit);
}

bool is_known_advice(uint64_t advice) {
  // NORMAL to DONTNEED, FREE, DOFORK, MERGEABLE to DODUMP, KEEPONFORK to COLLAPSE. DONTFORK and WIPEONFORK are promises
  // that fork does not keep here; REMOVE would be about a file.
  constexpr uint64_t dont_need = 4, free = 8, do_fork = 11, mergeable = 12, do_dump = 17, keep_on_fork = 19;
  constexpr uint64_t collapse = 25;
  return advice <= dont_need || advice == free || advice == do_fork || (advice >= mergeable && advice <= do_dump) ||
         (advice >= keep_on_fork && advice <= collapse);
}

}  // namespace

Sysret sys_mmap(Thread& self, const Args& args) {
  Process& process = *self.process;
  const uint64_t flags = args[3];
  const uint64_t type = flags & MAP_TYPE;
  if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE) return -EINVAL;
  if (args[5] % page_size != 0) return -EINVAL;
  AddressSpace::Request request;
  request.address = args[0];
  request.size = args[1];
  request.protection = static_cast<uint32_t>(args[2] & known_protection);
  request.fixed = (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  request.no_replace = (flags & MAP_FIXED_NOREPLACE) != 0;
  request.shared = type != MAP_PRIVATE;
  request.locked = (flags & MAP_LOCKED) != 0;
  request.lock_limit = lock_limit(self);
  if (request.locked && request.lock_limit == 0) return -EPERM;
  if ((flags & MAP_ANONYMOUS) != 0) {
    request.reserve_only = request.protection == port::prot_none;
    return process.space.map(request);
  }

  fs::FileRef file = fs::file_of(process, static_cast<int>(args[4]));
  if (!file) return -EBADF;
  const bool writes_back = request.shared && (request.protection & port::prot_write) != 0;
  request.kind = RegionKind::file;
  request.name = fs::path_of(*file);
  request.file_offset = args[5];
  if (const int error = fs::may_map(*file); error != 0) return error;
  if (request.shared) {
    const Sysret shared = map_shared(process, request, *file);
    if (shared != -ENODEV || writes_back) return shared;
    request.may_write = false;  // nobody would write it back
  }
  const Sysret address = process.space.map(request);
  if (address < 0) return address;
  const Sysret filled = fill_from_file(process, static_cast<UserAddr>(address), request.size, *file, args[5]);
  if (filled < 0) {
    (void)process.space.unmap(static_cast<UserAddr>(address), request.size);
    return filled;
  }
  return address;
}

Sysret sys_munmap(Thread& self, const Args& args) { return self.process->space.unmap(args[0], args[1]); }

Sysret sys_mprotect(Thread& self, const Args& args) {
  return (args[2] & ~known_protection) != 0
             ? -EINVAL
             : self.process->space.protect(args[0], args[1], static_cast<uint32_t>(args[2]));
}

Sysret sys_mremap(Thread& self, const Args& args) {
  const uint64_t flags = args[3];
  if ((flags & ~(remap_may_move | remap_fixed)) != 0 || flags == remap_fixed) return -EINVAL;
  AddressSpace& space = self.process->space;
  if (args[2] > args[1] && !space.may_lock_more(args[0], args[2] - args[1], lock_limit(self))) return -EAGAIN;
  SharedMemory* grown = nullptr;
  if (const int error = share_more(space, args[0], args[1], args[2], grown); error != 0) return error;
  const Sysret result = space.remap(args[0], args[1], args[2], (flags & remap_may_move) != 0,
                                    (flags & remap_fixed) != 0, args[4], grown);
  if (grown != nullptr) release_shared(grown);
  return result;
}

Sysret sys_brk(Thread& self, const Args& args) { return self.process->space.set_break(args[0], lock_limit(self)); }

Sysret sys_madvise(Thread& self, const Args& args) {
  constexpr uint64_t dont_need = 4, dont_need_locked = 24;
  if (!is_known_advice(args[2])) return -EINVAL;
  AddressSpace& space = self.process->space;
  const int error = check_range(space, args[0], args[1]);
  if (error == -EINVAL) return error;
  // MADV_DONTNEED promises zeros in private anonymous memory; all other advice is about a pager that is not here. What
  // is mapped of the range is advised of, whatever is missing.
  if ((args[2] == dont_need || args[2] == dont_need_locked) && args[1] > 0)
    if (const Sysret zeroed = space.zero(args[0], args[1], self.registers->rsp); zeroed < 0) return zeroed;
  return error;
}

Sysret sys_msync(Thread& self, const Args& args) {
  constexpr uint64_t async = 1, invalidate = 2, sync = 4;
  if ((args[2] & ~(async | invalidate | sync)) != 0 || (args[2] & (async | sync)) == (async | sync)) return -EINVAL;
  AddressSpace& space = self.process->space;
  const int error = check_range(space, args[0], args[1]);
  if (error == -EINVAL || (args[2] & sync) == 0) return error;
  const int failed = store_files(space, args[0], args[0] + align_up(args[1], page_size));
  return failed != 0 ? failed : error;
}

Sysret sys_mlock(Thread& self, const Args& args) { return lock_range(self, args[0], args[1], true); }

Sysret sys_mlock2(Thread& self, const Args& args) {
  constexpr uint64_t on_fault = 1;
  return (args[2] & ~on_fault) != 0 ? -EINVAL : sys_mlock(self, args);
}

Sysret sys_munlock(Thread& self, const Args& args) { return lock_range(self, args[0], args[1], false); }

Sysret sys_mlockall(Thread& self, const Args& args) {
  constexpr uint64_t current = 1, future = 2, on_fault = 4;
  if (args[0] == 0 || args[0] == on_fault || (args[0] & ~(current | future | on_fault)) != 0) return -EINVAL;
  const uint64_t limit = lock_limit(self);
  if (limit == 0) return -EPERM;
  return self.process->space.set_all_locked((args[0] & current) != 0, (args[0] & future) != 0, limit);
}

Sysret sys_munlockall(Thread& self, const Args&) {
  self.process->space.unlock_all();
  return 0;
}

/// A byte for each page: all of them are there.
Sysret sys_mincore(Thread& self, const Args& args) {
  if (args[0] % page_size != 0) return -EINVAL;
  if (args[0] > port::user_end || args[1] > port::user_end) return -ENOMEM;
  uint64_t pages = pages_of(align_up(args[1], page_size));
  if (!is_user_range(args[2], pages)) return -EFAULT;
  if (const int error = check_range(self.process->space, args[0], args[1]); error != 0) return error;
  uint8_t there[256];
  memset(there, 1, sizeof(there));
  for (UserAddr to = args[2]; pages > 0;) {
    const uint64_t some = min<uint64_t>(pages, sizeof(there));
    if (!copy_out(to, there, some)) return -EFAULT;
    to += some;
    pages -= some;
  }
  return 0;
}

}  // namespace hobbes::lwk
