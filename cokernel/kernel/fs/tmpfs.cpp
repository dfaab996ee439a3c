// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/tmpfs.hpp"

#include "cokernel/kernel/fs/path.hpp"
#include "cokernel/kernel/fs/tmp_file.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint32_t root_mode = S_IFDIR | S_ISVTX | 0777;
constexpr uint32_t most_links = 65000;

uint32_t wanted_access(uint32_t flags) {
  if ((flags & O_PATH) != 0) return 0;
  const uint32_t how = flags & O_ACCMODE;
  return flag_if(how != O_WRONLY, access_read) | flag_if(how != O_RDONLY || (flags & O_TRUNC) != 0, access_write);
}

bool is_below(const TmpNode* node, const TmpNode& ancestor) {
  for (; node != nullptr; node = node->parent)
    if (node == &ancestor) return true;
  return false;
}

int open_node(Tmpfs& system, TmpNode& node, uint32_t flags, FileRef& file) {
  file = FileRef::adopt(node.is_directory() ? new (nothrow) TmpDirectory(system, node, flags)
                                            : new (nothrow) TmpFile(node, flags));
  return file ? 0 : -ENOMEM;
}

}  // namespace

Tmpfs* Tmpfs::create() {
  const Caller kernel;
  Owned<TmpNode> root(new (nothrow) TmpNode(root_mode, kernel));
  if (!root) return nullptr;
  auto* system = new (nothrow) Tmpfs(*root);
  if (system != nullptr) (void)root.release();
  return system;
}

int Tmpfs::find(const Caller& caller, const char* path, Spot& spot) {
  spot = Spot();
  PathWalk walk(path);
  TmpNode* node = &root_;
  const char* name = nullptr;
  size_t length = 0;
  while (walk.next(name, length)) {
    if (node == nullptr) return -ENOENT;
    if (!node->is_directory()) return node->type == S_IFLNK ? -ELOOP : -ENOTDIR;
    if (!node->allows(caller, access_execute)) return -EACCES;
    if (length > name_limit) return -ENAMETOOLONG;
    spot = {node, node->find(name, length), name, length};
    node = spot.entry != nullptr ? spot.entry->node : nullptr;
  }
  return 0;
}

int Tmpfs::find_node(const Caller& caller, const char* path, TmpNode*& node) {
  Spot spot;
  if (const int error = find(caller, path, spot); error != 0) return error;
  if (spot.directory != nullptr && spot.entry == nullptr) return -ENOENT;
  node = spot.directory == nullptr ? &root_ : spot.entry->node;
  return 0;
}

int Tmpfs::find_free(const Caller& caller, const char* path, Spot& spot) {
  if (const int error = find(caller, path, spot); error != 0) return error;
  if (spot.directory == nullptr || spot.entry != nullptr) return -EEXIST;
  if (spot.directory->removed) return -ENOENT;
  return spot.directory->allows(caller, access_write) ? 0 : -EACCES;
}

int Tmpfs::add(TmpNode& directory, const char* name, size_t length, TmpNode& node) {
  auto* entry = new (nothrow) TmpEntry;
  if (entry == nullptr) return -ENOSPC;
  node.hold();
  entry->node = &node;
  entry->cookie = directory.next_cookie++;
  entry->length = length;
  memcpy(entry->name, name, length);
  directory.entries.push_back(*entry);
  if (node.is_directory()) {
    node.parent = &directory;
    directory.add_link(1);
  }
  directory.touch();
  return 0;
}

int Tmpfs::make(const Caller& caller, const Spot& spot, uint32_t mode, TmpNode*& node) {
  Owned<TmpNode> created(new (nothrow) TmpNode(mode, caller));
  if (!created) return -ENOSPC;
  if ((spot.directory->permissions & S_ISGID) != 0) {
    created->gid = spot.directory->gid;
    if (created->is_directory()) created->permissions |= S_ISGID;
  }
  if (const int error = add(*spot.directory, spot.name, spot.length, *created); error != 0) return error;
  node = created.release();
  node->drop();  // its entry holds it now
  return 0;
}

int Tmpfs::may_remove(const Caller& caller, const Spot& spot) {
  TmpNode& directory = *spot.directory;
  if (!directory.allows(caller, access_write | access_execute)) return -EACCES;
  const bool sticky = (directory.permissions & S_ISVTX) != 0;
  const bool owner = caller.uid == directory.uid || caller.uid == spot.entry->node->uid;
  return sticky && !owner && !caller.privileged() ? -EPERM : 0;
}

/// Takes the name away; the node ends with its last user.
void Tmpfs::detach(TmpNode& directory, TmpEntry& entry) {
  TmpNode& node = *entry.node;
  entry.unlink();
  if (node.is_directory()) {
    directory.add_link(-1);
    node.removed = true;
    node.parent = nullptr;
    node.add_link(-2);
  } else {
    node.add_link(-1);
  }
  directory.touch();
  node.drop();
  delete &entry;
}

int Tmpfs::follow(const Caller& caller, const char* path, bool last, char* target, size_t& directory) {
  Guard guard(tree_);
  PathWalk walk(path);
  TmpNode* node = &root_;
  const char* name = nullptr;
  size_t length = 0;
  while (walk.next(name, length)) {
    if (!node->is_directory() || !node->allows(caller, access_execute)) return 0;  // the call itself will say why
    TmpEntry* entry = node->find(name, length);
    if (entry == nullptr) return 0;
    node = entry->node;
    if (node->type != S_IFLNK || (*walk.rest() == '\0' && !last)) continue;
    directory = static_cast<size_t>(name - path) - 1;
    const size_t target_length = copy_string(target, node->target, path_limit);
    if (target_length + strlen(walk.rest()) >= path_limit) return -ENAMETOOLONG;
    copy_string(target + target_length, walk.rest(), path_limit - target_length);
    return 1;
  }
  return 0;
}

int Tmpfs::open(const Caller& caller, const char* path, uint32_t flags, uint32_t mode, FileRef& file) {
  Guard guard(tree_);
  Spot spot;
  if (const int error = find(caller, path, spot); error != 0) return error;
  TmpNode* node = spot.directory == nullptr ? &root_ : spot.entry != nullptr ? spot.entry->node : nullptr;
  if (node == nullptr) {
    if ((flags & O_CREAT) == 0) return -ENOENT;
    if ((flags & O_DIRECTORY) != 0) return -EINVAL;
    if (spot.directory->removed) return -ENOENT;
    if (!spot.directory->allows(caller, access_write)) return -EACCES;
    if (const int error = make(caller, spot, S_IFREG | (mode & mode_bits), node); error != 0) return error;
    return open_node(*this, *node, flags, file);
  }
  if ((flags & O_TMPFILE) == O_TMPFILE && (flags & O_ACCMODE) != O_RDONLY && node->is_directory())
    return node->allows(caller, access_write) ? open_unnamed(caller, flags, mode, F_SEAL_SEAL, file) : -EACCES;
  if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) return -EEXIST;
  if (node->type == S_IFLNK && (flags & O_PATH) == 0) return -ELOOP;
  if (!node->is_directory() && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
  const uint32_t want = wanted_access(flags);
  if (node->is_directory() && ((want & access_write) != 0 || (flags & O_CREAT) != 0)) return -EISDIR;
  if (!node->allows(caller, want)) return -EACCES;
  if ((flags & O_TRUNC) != 0 && (flags & O_PATH) == 0) {
    Change empty;
    empty.set_size = true;
    if (const int error = node->change(caller, empty); error != 0) return error;
  }
  return open_node(*this, *node, flags, file);
}

int Tmpfs::open_unnamed(const Caller& caller, uint32_t flags, uint32_t mode, uint32_t seals, FileRef& file) {
  Owned<TmpNode> created(new (nothrow) TmpNode(S_IFREG | (mode & mode_bits), caller));
  if (!created) return -ENOMEM;
  TmpNode& node = *created.release();
  node.links = 0;
  node.seals = seals;
  const int error = open_node(*this, node, flags, file);
  node.drop();  // the file holds it now
  return error;
}

int Tmpfs::status(const Caller& caller, const char* path, bool, FileStatus& status) {
  Guard guard(tree_);
  TmpNode* node = nullptr;
  if (const int error = find_node(caller, path, node); error != 0) return error;
  node->fill(status);
  return 0;
}

Sysret Tmpfs::read_link(const Caller& caller, const char* path, char* to, uint64_t size) {
  Guard guard(tree_);
  TmpNode* node = nullptr;
  if (const int error = find_node(caller, path, node); error != 0) return error;
  if (node->type != S_IFLNK) return -EINVAL;
  const uint64_t length = min<uint64_t>(size, strlen(node->target));
  memcpy(to, node->target, length);
  return static_cast<Sysret>(length);
}

int Tmpfs::change(const Caller& caller, const char* path, bool, const Change& change) {
  Guard guard(tree_);
  TmpNode* node = nullptr;
  if (const int error = find_node(caller, path, node); error != 0) return error;
  if (change.set_size && !node->allows(caller, access_write)) return -EACCES;
  return node->change(caller, change);
}

int Tmpfs::make_directory(const Caller& caller, const char* path, uint32_t mode) {
  Guard guard(tree_);
  Spot spot;
  if (const int error = find_free(caller, path, spot); error != 0) return error;
  TmpNode* node = nullptr;
  return make(caller, spot, S_IFDIR | (mode & (0777 | S_ISVTX)), node);
}

int Tmpfs::make_link(const Caller& caller, const char* text, const char* path) {
  if (*text == '\0') return -ENOENT;
  const size_t size = strlen(text) + 1;
  Guard guard(tree_);
  Spot spot;
  if (const int error = find_free(caller, path, spot); error != 0) return error;
  auto* target = static_cast<char*>(allocate(size));
  if (target == nullptr) return -ENOSPC;
  TmpNode* node = nullptr;
  if (const int error = make(caller, spot, S_IFLNK | 0777, node); error != 0) {
    release(target);
    return error;
  }
  memcpy(target, text, size);
  node->target = target;
  return 0;
}

int Tmpfs::remove(const Caller& caller, const char* path, bool directory) {
  Guard guard(tree_);
  Spot spot;
  if (const int error = find(caller, path, spot); error != 0) return error;
  if (spot.directory == nullptr) return directory ? -EBUSY : -EISDIR;
  if (spot.entry == nullptr) return -ENOENT;
  TmpNode& node = *spot.entry->node;
  if (const int error = may_remove(caller, spot); error != 0) return error;
  if (directory && !node.is_directory()) return -ENOTDIR;
  if (!directory && node.is_directory()) return -EISDIR;
  if (!node.entries.empty()) return -ENOTEMPTY;
  detach(*spot.directory, *spot.entry);
  return 0;
}

int Tmpfs::link(const Caller& caller, const char* from, const char* to, bool) {
  Guard guard(tree_);
  TmpNode* node = nullptr;
  if (const int error = find_node(caller, from, node); error != 0) return error;
  if (node->is_directory()) return -EPERM;
  if (node->links >= most_links) return -EMLINK;
  Spot spot;
  if (const int error = find_free(caller, to, spot); error != 0) return error;
  if (const int error = add(*spot.directory, spot.name, spot.length, *node); error != 0) return error;
  node->add_link(1);
  return 0;
}

/// Whether what is at `to` may go for what is at `from`.
int Tmpfs::may_replace(const Caller& caller, const Spot& from, const Spot& to) {
  if (to.entry == nullptr) return to.directory->allows(caller, access_write) ? 0 : -EACCES;
  const TmpNode& mover = *from.entry->node;
  TmpNode& target = *to.entry->node;
  if (const int error = may_remove(caller, to); error != 0) return error;
  if (mover.is_directory() && !target.is_directory()) return -ENOTDIR;
  if (!mover.is_directory() && target.is_directory()) return -EISDIR;
  return target.entries.empty() ? 0 : -ENOTEMPTY;
}

int Tmpfs::exchange(const Spot& from, const Spot& to) {
  TmpNode* mover = from.entry->node;
  TmpNode* target = to.entry->node;
  from.entry->node = target;
  to.entry->node = mover;
  const int moves = (mover->is_directory() ? 1 : 0) - (target->is_directory() ? 1 : 0);
  to.directory->add_link(moves);
  from.directory->add_link(-moves);
  if (mover->is_directory()) mover->parent = to.directory;
  if (target->is_directory()) target->parent = from.directory;
  from.directory->touch();
  to.directory->touch();
  return 0;
}

int Tmpfs::rename(const Caller& caller, const char* from_path, const char* to_path, uint32_t flags) {
  Guard guard(tree_);
  Spot from, to;
  if (const int error = find(caller, from_path, from); error != 0) return error;
  if (const int error = find(caller, to_path, to); error != 0) return error;
  if (from.directory == nullptr || to.directory == nullptr) return -EBUSY;
  if (from.entry == nullptr) return -ENOENT;
  TmpNode& mover = *from.entry->node;
  if (const int error = may_remove(caller, from); error != 0) return error;
  if (mover.is_directory() && is_below(to.directory, mover)) return -EINVAL;
  if ((flags & RENAME_NOREPLACE) != 0 && to.entry != nullptr) return -EEXIST;
  if ((flags & RENAME_EXCHANGE) != 0) {
    if (to.entry == nullptr) return -ENOENT;
    if (const int error = may_remove(caller, to); error != 0) return error;
    if (to.entry->node->is_directory() && is_below(from.directory, *to.entry->node)) return -EINVAL;
    return exchange(from, to);
  }
  if (to.entry != nullptr && to.entry->node == &mover) return 0;
  if (to.entry != nullptr && to.entry->node->is_directory() && is_below(from.directory, *to.entry->node))
    return -ENOTEMPTY;
  if (to.directory->removed) return -ENOENT;
  if (const int error = may_replace(caller, from, to); error != 0) return error;
  // The new name first: it is what can fail.
  TmpEntry* replaced = to.entry;
  if (const int error = add(*to.directory, to.name, to.length, mover); error != 0) return error;
  if (replaced != nullptr) detach(*to.directory, *replaced);
  from.entry->unlink();
  if (mover.is_directory()) from.directory->add_link(-1);
  from.directory->touch();
  mover.drop();
  delete from.entry;
  return 0;
}

int Tmpfs::usage(const Caller&, const char*, LinuxStatfs& usage) {
  fill_tmpfs_usage(usage);
  return 0;
}

}  // namespace hobbes::lwk::fs
