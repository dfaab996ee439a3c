// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/tmp_node.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/heap.hpp"
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
    resize(change.size);
  }
  if (change.set_mode && !owns) return -EPERM;
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

void TmpNode::resize(uint64_t to) {
  if (to < size) {
    data.cut(pages_of(to));
    if (const uint64_t tail = to % page_size; tail != 0)
      if (char* page = data.find(to >> page_shift)) memset(page + tail, 0, page_size - tail);
  }
  size = to;
  mtime_ns = realtime_ns();
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
  if (append) offset = size;
  if (from.left() > 0 && offset >= static_cast<uint64_t>(largest_file)) return -EFBIG;
  from.clip(static_cast<uint64_t>(largest_file) - offset);
  Sysret done = 0;
  while (from.left() > 0) {
    const uint64_t in_page = offset % page_size;
    const uint64_t step = min(from.left(), page_size - in_page);
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
