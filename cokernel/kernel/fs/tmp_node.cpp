// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/tmp_node.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t tmp_device = 0x20;
constexpr uint64_t entry_size = 32;  // what a name counts for in a directory's size
uint64_t last_inode = 0;             // atomic

}  // namespace

TmpNode::TmpNode(uint32_t mode, const Caller& owner)
    : inode(__atomic_add_fetch(&last_inode, 1, __ATOMIC_RELAXED)),
      type(mode & S_IFMT),
      permissions(mode & mode_bits),
      uid(owner.uid),
      gid(owner.gid),
      links(type == S_IFDIR ? 2 : 1),
      atime_ns(realtime_ns()),
      mtime_ns(atime_ns),
      ctime_ns(atime_ns) {}

TmpNode::~TmpNode() {
  while (TmpEntry* entry = entries.pop_front()) {
    entry->node->drop();
    delete entry;
  }
  release(target);
}

void TmpNode::drop() {
  // acq_rel: the last one sees what the others did.
  if (__atomic_sub_fetch(&holds_, 1, __ATOMIC_ACQ_REL) == 0) delete this;
}

bool TmpNode::allows(const Caller& caller, uint32_t want) {
  Guard guard(lock);
  return caller.may(want, permissions, uid, gid);
}

void TmpNode::fill(FileStatus& status) {
  Guard guard(lock);
  status.device = tmp_device;
  status.inode = inode;
  status.links = links;
  status.mode = type | permissions;
  status.uid = uid;
  status.gid = gid;
  status.size = type == S_IFDIR ? entry_size * next_cookie : type == S_IFLNK ? strlen(target) : size;
  status.blocks = data.pages() * (page_size / 512);
  status.atime_ns = atime_ns;
  status.mtime_ns = mtime_ns;
  status.ctime_ns = ctime_ns;
}

int TmpNode::change(const Caller& caller, const Change& change) {
  Guard guard(lock);
  const bool owns = caller.privileged() || caller.uid == uid;
  if (change.set_size) {
    if (type == S_IFDIR) return -EISDIR;
    if (type != S_IFREG) return -EINVAL;
    if (change.size > static_cast<uint64_t>(largest_file)) return -EINVAL;
    if (const int error = resize(change.size); error != 0) return error;
  }
  if (change.set_mode && !owns) return -EPERM;
  constexpr uint32_t execute_bits = 0111;
  if (change.set_mode && (seals & F_SEAL_EXEC) != 0 && ((change.mode ^ permissions) & execute_bits) != 0) return -EPERM;
  if (change.set_uid && !caller.privileged() && !(owns && change.uid == uid)) return -EPERM;
  const bool own_group = change.gid == gid || change.gid == caller.gid;
  if (change.set_gid && !caller.privileged() && !(owns && own_group)) return -EPERM;
  if (change.set_atime || change.set_mtime) {
    if (!owns && !change.now) return -EPERM;
    if (!owns && !caller.may(access_write, permissions, uid, gid)) return -EACCES;
  }
  const int64_t now = realtime_ns();
  if (change.set_mode) permissions = change.mode & mode_bits;
  if (change.set_uid || change.set_gid) {
    if (type == S_IFREG && !caller.privileged()) permissions &= ~(S_ISUID | S_ISGID);
    if (change.set_uid) uid = change.uid;
    if (change.set_gid) gid = change.gid;
  }
  if (change.set_atime) atime_ns = change.now ? now : change.atime_ns;
  if (change.set_mtime) mtime_ns = change.now ? now : change.mtime_ns;
  ctime_ns = now;
  return 0;
}

/// Under lock: [from, to) reads as zeros. Whole pages go, unless somebody may have them mapped.
void TmpNode::zero(uint64_t from, uint64_t to) {
  const bool keeps_pages = is_mapped();
  while (from < to) {
    const uint64_t in_page = from % page_size;
    const uint64_t step = min(page_size - in_page, to - from);
    if (char* page = data.find(from >> page_shift)) {
      if (step == page_size && !keeps_pages) data.remove(from >> page_shift);
      else memset(page + in_page, 0, step);
    }
    from += step;
  }
}

/// Under lock. 0 or -EPERM.
int TmpNode::resize(uint64_t to) {
  if ((to < size && (seals & F_SEAL_SHRINK) != 0) || (to > size && (seals & F_SEAL_GROW) != 0)) return -EPERM;
  if (to < size) {
    zero(to, is_mapped() ? max(size, mapped_end) : min(size, align_up(to, page_size)));
    if (!is_mapped()) data.cut(pages_of(to));
  }
  size = to;
  mtime_ns = realtime_ns();
  return 0;
}

int TmpNode::share(uint64_t offset, uint64_t length, bool may_write, SharedMemory*& memory) {
  uint64_t end = 0;
  if (__builtin_add_overflow(offset, length, &end) || end > static_cast<uint64_t>(largest_file)) return -EOVERFLOW;
  Owned<SharedMemory> created(new (nothrow) SharedMemory);
  if (!created) return -ENOMEM;
  Guard guard(lock);
  // What lies behind the file's end is there, too: it belongs to the file when that grows.
  if (!data.fill(offset >> page_shift, end >> page_shift)) return -ENOMEM;
  created->extents = static_cast<Extent*>(allocate((length >> page_shift) * sizeof(Extent)));
  if (created->extents == nullptr) return -ENOMEM;
  for (uint64_t at = offset; at < end; at += page_size) {
    const PhysAddr page = port::physical(data.find(at >> page_shift));
    Extent* last = created->extent_count > 0 ? &created->extents[created->extent_count - 1] : nullptr;
    if (last != nullptr && last->base + last->size == page) last->size += page_size;
    else created->extents[created->extent_count++] = {page, page_size};
  }
  created->size = length;
  created->owner = this;
  created->owner_offset = offset;
  created->may_write = may_write;
  mapped_end = max(mapped_end, end);
  hold();
  __atomic_add_fetch(&mappings_, 1, __ATOMIC_RELAXED);
  if (may_write) __atomic_add_fetch(&writable_mappings_, 1, __ATOMIC_RELAXED);
  memory = created.release();
  return 0;
}

void TmpNode::unshare(bool may_write) {
  // release: what was written through the mapping is there; partner: is_mapped() and add_seals().
  if (may_write) __atomic_sub_fetch(&writable_mappings_, 1, __ATOMIC_RELEASE);
  __atomic_sub_fetch(&mappings_, 1, __ATOMIC_RELEASE);
  drop();
}

Sysret TmpNode::reserve(uint32_t mode, uint64_t offset, uint64_t length) {
  Guard guard(lock);
  const uint64_t end = offset + length;
  if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) {
    if ((seals & seals_of_writing) != 0) return -EPERM;
    zero(offset, min(end, max(align_up(size, page_size), mapped_end)));
  } else {
    if ((seals & F_SEAL_GROW) != 0 && end > size) return -EPERM;
    if (!data.fill(offset >> page_shift, pages_of(end))) return -ENOSPC;
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0) size = max(size, end);
  }
  mtime_ns = ctime_ns = realtime_ns();
  return 0;
}

Sysret TmpNode::add_seals(uint32_t more) {
  Guard guard(lock);
  if ((seals & F_SEAL_SEAL) != 0) return -EPERM;
  if ((more & ~seals & F_SEAL_WRITE) != 0 && __atomic_load_n(&writable_mappings_, __ATOMIC_ACQUIRE) != 0) return -EBUSY;
  // A file that can be made executable no more cannot be changed either, if it is.
  if ((more & F_SEAL_EXEC) != 0 && (permissions & 0111) != 0) more |= F_SEAL_SHRINK | F_SEAL_GROW | seals_of_writing;
  seals |= more;
  return 0;
}

Sysret TmpNode::read(IoVector& to, uint64_t offset) {
  Guard guard(lock);
  Sysret done = 0;
  while (to.left() > 0 && offset < size) {
    const uint64_t in_page = offset % page_size;
    const uint64_t step = min(min(to.left(), page_size - in_page), size - offset);
    const char* page = data.find(offset >> page_shift);
    if (!(page != nullptr ? to.put(page + in_page, step) : to.put_zeros(step))) return done > 0 ? done : -EFAULT;
    offset += step;
    done += static_cast<Sysret>(step);
  }
  atime_ns = realtime_ns();
  return done;
}

Sysret TmpNode::write(IoVector& from, bool append, uint64_t& offset) {
  Guard guard(lock);
  if ((seals & seals_of_writing) != 0) return -EPERM;
  if (append) offset = size;
  if (from.left() > 0 && offset >= static_cast<uint64_t>(largest_file)) return -EFBIG;
  from.clip(static_cast<uint64_t>(largest_file) - offset);
  Sysret done = 0;
  while (from.left() > 0) {
    const uint64_t in_page = offset % page_size;
    const uint64_t step = min(from.left(), page_size - in_page);
    if ((seals & F_SEAL_GROW) != 0 && offset + step > size) return done > 0 ? done : -EPERM;
    char* page = data.make(offset >> page_shift);
    if (page == nullptr) return done > 0 ? done : -ENOSPC;
    if (!from.take(page + in_page, step)) return done > 0 ? done : -EFAULT;
    offset += step;
    done += static_cast<Sysret>(step);
    size = max(size, offset);
  }
  if (done > 0) mtime_ns = ctime_ns = realtime_ns();
  return done;
}

void TmpNode::add_link(int count) {
  Guard guard(lock);
  links = static_cast<uint32_t>(static_cast<int>(links) + count);
  ctime_ns = realtime_ns();
}

void TmpNode::touch() {
  Guard guard(lock);
  mtime_ns = ctime_ns = realtime_ns();
}

TmpEntry* TmpNode::find(const char* name, size_t length) {
  for (TmpEntry& entry : entries)
    if (entry.length == length && memcmp(entry.name, name, length) == 0) return &entry;
  return nullptr;
}

}  // namespace hobbes::lwk::fs
