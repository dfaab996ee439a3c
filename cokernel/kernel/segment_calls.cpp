// SPDX-License-Identifier: Apache-2.0
// System V shared memory: shmget, shmat, shmdt, shmctl. Segments are the enclave's: as on a machine of its own they outlive
// their processes until somebody removes them. One that has been removed goes with its last mapping, and can be attached
// by number until then, as on Linux.
#include "cokernel/kernel/calls.hpp"
#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/file_abi.hpp"
#include "cokernel/kernel/fs/file_system.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/segments.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr int32_t private_key = 0;
enum GetFlags : uint64_t { IPC_CREAT = 01000, IPC_EXCL = 02000, SHM_HUGETLB = 04000 };
enum AttachFlags : uint64_t { SHM_RDONLY = 010000, SHM_RND = 020000, SHM_REMAP = 040000, SHM_EXEC = 0100000 };
enum Commands : uint64_t { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, SHM_LOCK = 11, SHM_UNLOCK = 12 };
constexpr uint32_t mode_removed = 01000, permission_bits = 0777;
constexpr uint64_t most_segments = 4096;

/// Linux's struct shmid64_ds.
struct SegmentStatus {
  int32_t key;
  uint32_t uid, gid, creator_uid, creator_gid, mode;
  uint16_t sequence, pad;
  uint32_t pad2;
  uint64_t unused[2];
  uint64_t size;
  int64_t attached_at, detached_at, changed_at;
  int32_t creator, last;
  uint64_t attachments;
  uint64_t unused2[2];
};
static_assert(sizeof(SegmentStatus) == 112);

struct Segment : ListNode, Immovable {
  ~Segment() { release_shared(memory); }
  /// One of the references is ours.
  uint64_t attachments() const { return __atomic_load_n(&memory->references, __ATOMIC_ACQUIRE) - 1; }

  int32_t id = 0;
  SegmentStatus status{};
  SharedMemory* memory = nullptr;
};

Mutex lock;
List<Segment> segments;
uint64_t count;
int32_t next_id;

int64_t now() { return realtime_ns() / ns_per_second; }

bool may(const fs::Caller& caller, uint32_t want, const SegmentStatus& status) {
  return caller.may(want, status.mode & permission_bits, status.uid, status.gid) ||
         (caller.uid == status.creator_uid && caller.may(want, status.mode & permission_bits, caller.uid, caller.gid));
}

bool owns(const fs::Caller& caller, const SegmentStatus& status) {
  return caller.privileged() || caller.uid == status.uid || caller.uid == status.creator_uid;
}

Segment* find_id(int32_t id) {
  for (Segment& segment : segments)
    if (segment.id == id) return &segment;
  return nullptr;
}

Segment* find_key(int32_t key) {
  for (Segment& segment : segments)
    if (segment.status.key == key && (segment.status.mode & mode_removed) == 0) return &segment;
  return nullptr;
}

/// Memory of a file without a name, so that what nobody touches takes no room of others' longer than it must.
int create_memory(const fs::Caller& caller, uint64_t size, SharedMemory*& memory) {
  fs::FileRef file;
  if (const int error = fs::open_anonymous(caller, "SYSV", permission_bits, 0, file); error != 0) return error;
  fs::Change change;
  change.set_size = true;
  change.size = size;
  if (const Sysret sized = file->change(change); sized < 0) return static_cast<int>(sized);
  bool may_write = true;
  return file->share(0, align_up(size, page_size), true, may_write, memory);
}

Sysret create(Process& process, int32_t key, uint64_t size, uint64_t flags) {
  constexpr uint64_t largest = 1ull << 40;
  if (size == 0 || size > largest) return -EINVAL;
  if (count >= most_segments) return -ENOSPC;
  const fs::Caller caller = fs::Caller::of(process);
  Owned<Segment> segment(new (nothrow) Segment);
  if (!segment) return -ENOMEM;
  if (const int error = create_memory(caller, size, segment->memory); error != 0) return error;
  SegmentStatus& status = segment->status;
  status.key = key;
  status.uid = status.creator_uid = caller.uid;
  status.gid = status.creator_gid = caller.gid;
  status.mode = static_cast<uint32_t>(flags) & permission_bits;
  status.size = size;
  status.changed_at = now();
  status.creator = process.pid;
  segment->id = next_id;
  next_id = (next_id + 1) & 0x7fffffff;
  ++count;
  const int32_t id = segment->id;
  segments.push_back(*segment.release());
  return id;
}

/// Takes away what was removed and nobody maps any more.
void sweep_locked() {
  for (bool again = true; again;) {
    again = false;
    for (Segment& segment : segments) {
      if ((segment.status.mode & mode_removed) == 0 || segment.attachments() > 0) continue;
      segment.unlink();
      delete &segment;
      --count;
      again = true;
      break;
    }
  }
}

Sysret report(const fs::Caller& caller, const Segment& segment, UserAddr to) {
  if (!may(caller, fs::access_read, segment.status)) return -EACCES;
  SegmentStatus status = segment.status;
  status.attachments = segment.attachments();
  return write_user(to, status) ? 0 : -EFAULT;
}

Sysret change(const fs::Caller& caller, Segment& segment, UserAddr from) {
  SegmentStatus wanted{};
  if (!read_user(from, wanted)) return -EFAULT;
  if (!owns(caller, segment.status)) return -EPERM;
  SegmentStatus& status = segment.status;
  status.uid = wanted.uid;
  status.gid = wanted.gid;
  status.mode = (status.mode & ~permission_bits) | (wanted.mode & permission_bits);
  status.changed_at = now();
  return 0;
}

Sysret remove(const fs::Caller& caller, Segment& segment) {
  if (!owns(caller, segment.status)) return -EPERM;
  segment.status.mode |= mode_removed;
  segment.status.key = private_key;
  return 0;
}

}  // namespace

void sweep_segments() {
  Guard guard(lock);
  sweep_locked();
}

/// `args`: key, size, flags.
Sysret sys_shmget(Thread& self, const Args& args) {
  const auto key = static_cast<int32_t>(args[0]);
  const uint64_t flags = args[2];
  if ((flags & SHM_HUGETLB) != 0) return -ENOMEM;  // there is no pool of them; all memory is of large pages as it is
  Process& process = *self.process;
  Guard guard(lock);
  sweep_locked();
  Segment* there = key == private_key ? nullptr : find_key(key);
  if (there == nullptr) return key == private_key || (flags & IPC_CREAT) != 0 ? create(process, key, args[1], flags) : -ENOENT;
  if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) return -EEXIST;
  if (args[1] > there->status.size) return -EINVAL;
  const auto want = static_cast<uint32_t>((flags | flags >> 3 | flags >> 6) & 7);
  return may(fs::Caller::of(process), want, there->status) ? there->id : -EACCES;
}

/// `args`: id, address, flags.
Sysret sys_shmat(Thread& self, const Args& args) {
  Process& process = *self.process;
  const uint64_t flags = args[2];
  const bool reads_only = (flags & SHM_RDONLY) != 0;
  AddressSpace::Request request;
  request.address = (flags & SHM_RND) != 0 ? align_down(args[1], page_size) : args[1];
  if (request.address % page_size != 0 || ((flags & SHM_REMAP) != 0 && request.address == 0)) return -EINVAL;
  request.protection = port::prot_read;
  if (!reads_only) request.protection |= port::prot_write;
  if ((flags & SHM_EXEC) != 0) request.protection |= port::prot_exec;
  request.fixed = request.address != 0;
  request.no_replace = (flags & SHM_REMAP) == 0;
  request.shared = request.apart = true;
  request.may_write = !reads_only;
  request.kind = RegionKind::file;
  Guard guard(lock);
  sweep_locked();
  Segment* segment = find_id(static_cast<int32_t>(args[0]));
  if (segment == nullptr) return -EINVAL;
  if (!may(fs::Caller::of(process), reads_only ? fs::access_read : fs::access_read | fs::access_write, segment->status)) return -EACCES;
  char name[32];
  format(name, sizeof(name), "/SYSV%x (deleted)", static_cast<uint64_t>(static_cast<uint32_t>(segment->status.key)));
  request.name = name;
  request.memory = segment->memory;
  request.size = align_up(segment->status.size, page_size);
  const Sysret address = process.space.map(request);
  if (address < 0) return address == -EEXIST ? -EINVAL : address;
  segment->status.attached_at = now();
  segment->status.last = process.pid;
  return address;
}

/// `args`: address.
Sysret sys_shmdt(Thread& self, const Args& args) {
  AddressSpace& space = self.process->space;
  Guard guard(lock);
  uint64_t offset = 0;
  SharedMemory* memory = space.hold_shared(args[0], offset);
  if (memory == nullptr) return -EINVAL;
  Sysret result = -EINVAL;
  for (Segment& segment : segments) {
    if (segment.memory != memory || offset != 0) continue;
    result = space.unmap(args[0], align_up(segment.status.size, page_size));
    segment.status.detached_at = now();
    segment.status.last = self.process->pid;
    break;
  }
  release_shared(memory);
  sweep_locked();
  return result;
}

/// `args`: id, command, struct shmid_ds.
Sysret sys_shmctl(Thread& self, const Args& args) {
  const fs::Caller caller = fs::Caller::of(*self.process);
  Guard guard(lock);
  Segment* segment = find_id(static_cast<int32_t>(args[0]));
  if (segment == nullptr) return -EINVAL;
  switch (args[1]) {
    case IPC_STAT: return report(caller, *segment, args[2]);
    case IPC_SET: return change(caller, *segment, args[2]);
    case SHM_LOCK:
    case SHM_UNLOCK: return owns(caller, segment->status) ? 0 : -EPERM;  // all memory is locked
    case IPC_RMID: {
      const Sysret removed = remove(caller, *segment);
      sweep_locked();
      return removed;
    }
    default: return -EINVAL;
  }
}

}  // namespace hobbes::lwk
