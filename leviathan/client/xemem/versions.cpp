// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/versions.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "base/memfd.hpp"

namespace hobbes::xemem {
namespace {

constexpr std::size_t most_ranges = 64;

std::array<VersionedRange*, most_ranges> ranges;
std::size_t range_count = 0;  // atomic: ranges before it are there
struct sigaction handler_before;

void on_fault(int signal, siginfo_t* info, void* context) {
  auto* address = static_cast<char*>(info->si_addr);
  const std::size_t count = __atomic_load_n(&range_count, __ATOMIC_ACQUIRE);
  for (std::size_t i = 0; i < count; ++i) {
    if (!ranges[i]->holds(address)) continue;
    const int kept = errno;
    const bool done = ranges[i]->unprotect(address);
    errno = kept;
    if (done) return;
  }
  if ((handler_before.sa_flags & SA_SIGINFO) != 0) return handler_before.sa_sigaction(signal, info, context);
  if (handler_before.sa_handler != SIG_DFL && handler_before.sa_handler != SIG_IGN)
    return handler_before.sa_handler(signal);
  ::sigaction(signal, &handler_before, nullptr);  // it faults again, and ends
}

Status install_handler() {
  struct sigaction ours {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigfillset(&ours.sa_mask);
  if (::sigaction(SIGSEGV, &ours, &handler_before) != 0) return last_errno("snapshot: handler of faults");
  return {};
}

}  // namespace

Result<VersionedRange*> VersionedRange::create(char* start, std::uint64_t size, MemoryFilePtr file) {
  static std::mutex mutex;
  const std::lock_guard guard(mutex);
  if (range_count == most_ranges) return Error(Code::exhausted, "snapshot: too many ranges", ENOMEM);
  const std::size_t parts = (size + large_page - 1) / large_page;
  std::unique_ptr<VersionedRange> range(new VersionedRange(start, size, parts));
  range->fds_[0] = ::fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 0);
  if (range->fds_[0] < 0) return last_errno("snapshot");
  range->file_count_ = 1;
  // The file that parts move to first gets its pages now, large ones.
  const int second = range->add_file();
  if (second < 0) return last_errno("snapshot: a second file");
  char* const view = TRY(reserve(size, 0));
  if (::mmap(view, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, range->fds_[second], 0) == MAP_FAILED)
    return last_errno("snapshot: a second file");
  populate_large(view, size);
  ::munmap(view, size);
  range->copy_ = TRY(reserve(large_page, 0));
  if (range_count == 0) TRY(install_handler());
  ranges[range_count] = range.release();
  __atomic_store_n(&range_count, range_count + 1, __ATOMIC_RELEASE);  // partner: on_fault
  return ranges[range_count - 1];
}

void VersionedRange::lock() {
  while (__atomic_exchange_n(&busy_, 1, __ATOMIC_ACQUIRE) != 0) __builtin_ia32_pause();
}
void VersionedRange::unlock() { __atomic_store_n(&busy_, 0, __ATOMIC_RELEASE); }

std::uint64_t VersionedRange::offset_of(std::size_t part) const { return part * large_page; }

/// As make_memfd(), by calls of Linux only: a handler may need it. Its number; -1 with errno.
int VersionedRange::add_file() {
  if (file_count_ == most_files) return errno = ENOMEM, -1;
  const int fd = ::memfd_create("xasm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return -1;
  if (::fchmod(fd, S_IRUSR | S_IWUSR) != 0 || ::ftruncate(fd, static_cast<off_t>(size_)) != 0 ||
      ::fcntl(fd, F_ADD_SEALS, fixed_size_seals) != 0) {
    ::close(fd);
    return -1;
  }
  fds_[file_count_] = fd;
  return static_cast<int>(file_count_++);
}

Result<VersionedRange::Homes> VersionedRange::freeze() {
  Homes homes(homes_.size());
  // The lock is the handler's, too: a thread that faults waits until the version is whole. No signal comes between.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  lock();
  const bool done = ::mprotect(start_, size_, PROT_READ) == 0;
  const int error = errno;
  if (done) {
    std::memcpy(homes.data(), homes_.data(), homes.size());
    std::memset(protected_.data(), 1, protected_.size());
    for (std::size_t part = 0; part < homes.size(); ++part) ++users_[part * most_files + homes[part]];
  }
  unlock();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!done) return errno_error(error, "snapshot: protect the range");
  return homes;
}

void VersionedRange::let_go(const Homes& homes) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  lock();
  for (std::size_t part = 0; part < homes.size(); ++part) --users_[part * most_files + homes[part]];
  unlock();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Result<Pieces> VersionedRange::pieces_of(const Homes& homes) {
  Pieces pieces;
  for (std::size_t part = 0; part < homes.size(); ++part) {
    MemoryFilePtr& file = readable_[homes[part]];
    if (!file) {
      auto fd = reopen_for_reading(fds_[homes[part]]);
      if (!fd) return std::move(fd).error().in("snapshot");
      file = TRY(take_file(*std::move(fd)));
    }
    const std::uint64_t length = std::min(large_page, size_ - offset_of(part));
    if (!pieces.empty() && pieces.back().file == file) pieces.back().size += length;
    else pieces.push_back({file, offset_of(part), length});
  }
  return pieces;
}

bool VersionedRange::unprotect(char* address) {
  const std::size_t part = static_cast<std::uint64_t>(address - start_) / large_page;
  lock();
  bool done = protected_[part] == 0;  // another thread has done it meanwhile
  if (!done && move(part)) {
    protected_[part] = 0;
    done = true;
  }
  unlock();
  return done;
}

bool VersionedRange::move(std::size_t part) {
  char* const place = start_ + offset_of(part);
  const std::uint64_t size = std::min(large_page, size_ - offset_of(part));
  const std::uint32_t* const users = &users_[part * most_files];
  // Its version has gone already.
  if (users[homes_[part]] == 0) return ::mprotect(place, size, PROT_READ | PROT_WRITE) == 0;
  int target = 0;
  while (static_cast<std::size_t>(target) < file_count_ && users[target] != 0) ++target;
  if (static_cast<std::size_t>(target) == file_count_ && (target = add_file()) < 0) return false;
  const auto offset = static_cast<off_t>(offset_of(part));
  if (::mmap(copy_, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fds_[target], offset) == MAP_FAILED)
    return false;
  std::memcpy(copy_, place, size);
  const bool moved = ::mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fds_[target],
                            offset) != MAP_FAILED;
  // The addresses stay ours.
  ::mmap(copy_, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (moved) homes_[part] = static_cast<std::uint8_t>(target);
  return moved;
}

}  // namespace hobbes::xemem
