// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/host_file.hpp"

#include "cokernel/kernel/clock.hpp"
#include "cokernel/kernel/fs/host_attributes.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/process.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

constexpr uint64_t control_size = 64;  // the largest struct of the requests the proxy knows (termios2: 44)
// ioctl: those whose argument is a number (TCSBRK, TCXONC, TCFLSH, TCSBRKP), and those about process groups, whose
// numbers mean nothing to the host: an application has no job control.
constexpr uint32_t first_number_request = 0x5409, last_number_request = 0x540b, break_request = 0x5425;
constexpr uint32_t get_group_request = 0x540f, set_group_request = 0x5410;
constexpr int get_flags_command = 3, set_flags_command = 4;  // F_GETFL, F_SETFL

}  // namespace

void write_host_times(const Change& change, void* to) {
  constexpr int64_t now = (1 << 30) - 1, omit = (1 << 30) - 2;  // UTIME_NOW, UTIME_OMIT
  const auto choose = [&](bool set, int64_t ns) {
    return !set ? TimeSpec{0, omit} : change.now ? TimeSpec{0, now} : to_time(ns);
  };
  const TimeSpec times[2] = {choose(change.set_atime, change.atime_ns), choose(change.set_mtime, change.mtime_ns)};
  memcpy(to, times, sizeof(times));
}

FileStatus to_status(const LinuxStat& stat) {
  FileStatus status;
  status.device = stat.dev;
  status.inode = stat.ino;
  status.links = stat.nlink;
  status.mode = stat.mode;
  status.uid = stat.uid;
  status.gid = stat.gid;
  status.special_device = stat.rdev;
  status.size = static_cast<uint64_t>(stat.size);
  status.block_size = static_cast<uint64_t>(stat.blksize);
  status.blocks = static_cast<uint64_t>(stat.blocks);
  status.atime_ns = stat.atime * ns_per_second + stat.atime_ns;
  status.mtime_ns = stat.mtime * ns_per_second + stat.mtime_ns;
  status.ctime_ns = stat.ctime * ns_per_second + stat.ctime_ns;
  return status;
}

int HostFile::wrap(hobbes_hio_channel& channel, int fd, uint32_t flags, FileRef& file) {
  auto* created = new (nothrow) HostFile(channel, fd, true, flags);
  if (created == nullptr) {
    HostCall call(channel, OnSignal::ignore);
    if (call.error() == 0) (void)call.call(host_close, fd);
    return -ENOMEM;
  }
  file = FileRef::adopt(created);
  return 0;
}

int HostFile::wrap_stdio(hobbes_hio_channel& channel, int fd, FileRef& file) {
  file = FileRef::adopt(new (nothrow) HostFile(channel, fd, false, O_RDWR));
  if (!file) return -ENOMEM;
  char name[32];
  format(name, sizeof(name), "host:[%d]", static_cast<int64_t>(fd));
  return file->set_path(name);
}

HostFile::~HostFile() {
  if (!owned_) return;
  HostCall call(channel_, OnSignal::ignore);
  if (call.error() == 0) (void)call.call(host_close, fd_);  // nobody is left to hear of an error
}

HostFile::Kind HostFile::kind() {
  // relaxed, as in status(): everyone learns the same.
  const Kind known = __atomic_load_n(&kind_, __ATOMIC_RELAXED);
  if (known != Kind::unknown) return known;
  FileStatus now;
  (void)status(now);  // sets kind_
  return __atomic_load_n(&kind_, __ATOMIC_RELAXED);
}

void HostFile::Pieces::add(HostCall& call, const hobbes_hio_iov& piece) {
  if (count == 0) first = piece;
  if (count == 1) call.iovs()[0] = first;
  if (count >= 1) call.iovs()[count] = piece;
  ++count;
}

Sysret HostFile::status(FileStatus& status) {
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  const Sysret result = call.call(host_fstat, fd_, call.data());
  if (result < 0) return result;
  LinuxStat stat;
  memcpy(&stat, call.data(), sizeof(stat));
  status = to_status(stat);
  __atomic_store_n(&identity_.device, status.device, __ATOMIC_RELAXED);
  __atomic_store_n(&identity_.inode, status.inode, __ATOMIC_RELAXED);
  const uint32_t type = stat.mode & S_IFMT;
  __atomic_store_n(&type_, type, __ATOMIC_RELAXED);
  // release: what is above is there, too; partner: the acquire in learn(). Everyone learns the same.
  __atomic_store_n(&kind_, type == S_IFREG || type == S_IFDIR || type == S_IFBLK ? Kind::regular
                           : type == S_IFSOCK                                    ? Kind::socket
                                                                                 : Kind::stream, __ATOMIC_RELEASE);
  return 0;
}

/// What stat tells of it that never changes.
Sysret HostFile::learn() {
  if (__atomic_load_n(&kind_, __ATOMIC_ACQUIRE) != Kind::unknown) return 0;
  FileStatus now;
  return status(now);
}

Sysret HostFile::type() {
  const Sysret error = learn();
  return error < 0 ? error : static_cast<Sysret>(__atomic_load_n(&type_, __ATOMIC_RELAXED));
}

Sysret HostFile::identity(FileIdentity& identity) {
  if (const Sysret error = learn(); error < 0) return error;
  identity = {__atomic_load_n(&identity_.device, __ATOMIC_RELAXED), __atomic_load_n(&identity_.inode, __ATOMIC_RELAXED)};
  return 0;
}

/// The call itself. A vector takes a cache line of the slot to the proxy and back: one piece needs none.
Sysret HostFile::ask(HostCall& call, const Transfer& how, const Pieces& pieces) const {
  if (how.flags != 0) {
    call.iovs()[0] = pieces.first;
    return call.call(how.writes ? host_pwritev2 : host_preadv2, fd_, call.iovs(), pieces.count, how.offset, 0, how.flags);
  }
  const auto [base, length] = pieces.first;
  if (how.offset != no_offset) {
    if (pieces.count == 1) return call.call(how.writes ? host_pwrite64 : host_pread64, fd_, base, length, how.offset);
    return call.call(how.writes ? host_pwritev : host_preadv, fd_, call.iovs(), pieces.count, how.offset, 0);
  }
  if (pieces.count == 1) return call.call(how.writes ? host_write : host_read, fd_, base, length);
  return call.call(how.writes ? host_writev : host_readv, fd_, call.iovs(), pieces.count);
}

Sysret HostFile::bounce(HostCall& call, IoVector& data, const Transfer& how, uint64_t size) {
  if (how.writes && !data.take(call.data(), size)) return -EFAULT;
  const Sysret done = ask(call, how, {{port::host_address(call.data()), size}, 1});
  if (done <= 0 || how.writes) return done;
  return data.put(call.data(), min(static_cast<uint64_t>(done), size)) ? done : -EFAULT;
}

/// One call: as much as its slot can name, which is `asked`.
Sysret HostFile::transfer_some(HostCall& call, IoVector& data, const Transfer& how, bool through_slot,
                               uint64_t& asked) {
  asked = min(data.left(), HostCall::data_size);
  if (through_slot) return bounce(call, data, how, asked);
  const uint32_t need = how.writes ? port::prot_read : port::prot_write;
  const uint64_t before = data.left();
  Pieces pieces;
  while (pieces.count < HOBBES_HIO_IOVS && data.left() > 0) {
    uint64_t size = 0;
    void* memory = data.direct(need, size);
    if (memory == nullptr) {
      if (pieces.count > 0) break;
      asked = min(data.only_to_copy(need), HostCall::data_size);
      return asked == 0 ? -EFAULT : bounce(call, data, how, asked);
    }
    if (!call.reaches(memory, size)) {
      if (pieces.count > 0) break;
      asked = min(size, HostCall::data_size);
      return bounce(call, data, how, asked);
    }
    pieces.add(call, {port::host_address(memory), size});
    data.skip(size);
  }
  asked = before - data.left();
  if (__atomic_load_n(&kind_, __ATOMIC_RELAXED) == Kind::regular) call.copies(asked);  // others may wait for somebody
  return ask(call, how, pieces);
}

Sysret HostFile::transfer(IoVector& data, Transfer how) {
  // Ahead of the claim: the kind may need a slot of its own. Little may be read as from any file, without a question.
  const Kind known = __atomic_load_n(&kind_, __ATOMIC_RELAXED);
  const bool any = known == Kind::unknown && data.left() <= HostCall::data_size;
  const Kind what = how.writes ? Kind::regular : any ? Kind::stream : kind();
  if (what == Kind::stream) data.clip(HostCall::data_size);
  const bool through_slot = what == Kind::stream || (what == Kind::socket && data.left() <= HostCall::data_size);
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  Sysret total = 0;
  do {
    uint64_t asked = 0;
    const Sysret done = transfer_some(call, data, how, through_slot, asked);
    if (how.writes && done == -EPIPE) send_signal(*port::current().process, SIGPIPE);  // the proxy's write did not
    if (done < 0) return total > 0 ? total : done;
    total += done;
    if (how.offset != no_offset) how.offset += static_cast<uint64_t>(done);
    // A short transfer ends the call: end of file, or as much as there is now.
    if (done == 0 || static_cast<uint64_t>(done) < asked) break;
  } while (data.left() > 0);
  return total;
}

Sysret HostFile::transfer_with_flags(IoVector& data, bool writes, int64_t offset, uint32_t flags) {
  if (offset < -1) return -EINVAL;
  return transfer(data, {writes, static_cast<uint64_t>(offset), flags});
}

Sysret HostFile::read(IoVector& to) { return transfer(to, {false}); }
Sysret HostFile::write(IoVector& from) { return transfer(from, {true}); }
Sysret HostFile::read_at(IoVector& to, uint64_t offset) { return transfer(to, {false, offset}); }
Sysret HostFile::write_at(IoVector& from, uint64_t offset) { return transfer(from, {true, offset}); }
Sysret HostFile::seek(int64_t offset, uint32_t whence) { return simple(host_lseek, offset, whence); }
Sysret HostFile::sync(bool data_only) { return simple(data_only ? host_fdatasync : host_fsync); }

Sysret HostFile::change(const Change& change) {
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  Sysret result = 0;
  if (change.set_size) result = call.call(host_ftruncate, fd_, change.size);
  if (result == 0 && change.set_mode) result = call.call(host_fchmod, fd_, change.mode & mode_bits);
  if (result == 0 && (change.set_uid || change.set_gid))
    result = call.call(host_fchown, fd_, change.set_uid ? static_cast<int64_t>(change.uid) : -1,
                       change.set_gid ? static_cast<int64_t>(change.gid) : -1);
  if (result == 0 && (change.set_atime || change.set_mtime)) {
    write_host_times(change, call.data());
    result = call.call(host_utimensat, fd_, 0, call.data(), 0);
  }
  return result;
}

Sysret HostFile::read_entries(IoVector& to) {
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  const Sysret got = call.call(host_getdents64, fd_, call.data(), min(to.left(), HostCall::data_size));
  if (got <= 0) return got;
  return to.put(call.data(), min(static_cast<uint64_t>(got), HostCall::data_size)) ? got : -EFAULT;
}

Sysret HostFile::control(uint32_t request, uint64_t argument) {
  if (request == get_group_request || request == set_group_request) return -ENOTTY;
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  if ((request >= first_number_request && request <= last_number_request) || request == break_request)
    return call.call(host_ioctl, fd_, request, argument);
  // All others point to a struct. Whether it goes in or comes out depends on the request: it does both. Near the end of
  // mapped memory it may be shorter than the largest.
  uint64_t size = control_size;
  while (size > 0 && !copy_in(call.data(), argument, size)) size /= 2;
  if (size == 0) return -EFAULT;
  memset(call.data() + size, 0, control_size - size);
  uint8_t before[control_size];
  memcpy(before, call.data(), size);
  const Sysret result = call.call(host_ioctl, fd_, request, call.data());
  if (result < 0 || memcmp(before, call.data(), size) == 0) return result;
  // Only what changed: behind a small struct lies other memory of the application.
  while (size > 0 && before[size - 1] == call.data()[size - 1]) --size;
  return copy_out(argument, call.data(), size) ? result : -EFAULT;
}

Sysret HostFile::usage(LinuxStatfs& usage) {
  HostCall call(channel_);
  if (call.error() != 0) return call.error();
  const Sysret result = call.call(host_fstatfs, fd_, call.data());
  if (result == 0) memcpy(&usage, call.data(), sizeof(usage));
  return result;
}

Sysret HostFile::attribute(const AttributeRequest& request) {
  HostCall call(channel_);
  return call.error() != 0 ? call.error() : forward_attribute(call, AttributeTarget::descriptor, fd_, call.data(), request);
}

/// Has the host lend the file.
Sysret HostFile::borrow() {
  static uint64_t last_number = 0;  // atomic
  const uint64_t number = __atomic_add_fetch(&last_number, 1, __ATOMIC_RELAXED);  // differs from all others: no more
  const Sysret lent = simple(HOBBES_HIO_LEND, number);
  return lent < 0 ? lent : port::take_lent(number);
}

int HostFile::share(uint64_t offset, uint64_t size, bool writes, bool& may_write, SharedMemory*& memory) {
  if (!port::borrows_files()) return -ENODEV;
  if (!owned_) {  // what the launcher's descriptor allows only the host knows
    const Sysret flags = current_flags();
    if (flags < 0) return static_cast<int>(flags);
    may_write = (flags & O_ACCMODE) == O_RDWR;
    if (writes && !may_write) return -EACCES;
  }
  FileIdentity mine;
  if (const Sysret error = identity(mine); error < 0) return static_cast<int>(error);
  if (const int error = share_lent(mine, offset, size, may_write, memory); error != -ENOENT) return error;
  const Sysret file = borrow();
  if (file < 0) return static_cast<int>(file);
  return share_new_lent(mine, static_cast<int>(file), offset, size, may_write, memory);
}

Sysret HostFile::flags_changed(uint32_t flags) { return simple(host_fcntl, set_flags_command, flags); }

Sysret HostFile::current_flags() {
  // Only the host knows how the launcher's descriptors were opened.
  return owned_ ? File::current_flags() : simple(host_fcntl, get_flags_command);
}

uint32_t HostFile::poll() {
  struct {
    int32_t fd;
    uint16_t events, ready;
  } entry{fd_, POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
  const TimeSpec at_once{0, 0};
  HostCall call(channel_);
  if (call.error() != 0) return POLLERR;
  memcpy(call.data(), &entry, sizeof(entry));
  memcpy(call.data() + sizeof(entry), &at_once, sizeof(at_once));
  if (call.call(host_ppoll, call.data(), 1, call.data() + sizeof(entry), 0, 0) < 0) return POLLERR;
  memcpy(&entry, call.data(), sizeof(entry));
  return entry.ready;
}

}  // namespace hobbes::lwk::fs
