// SPDX-License-Identifier: Apache-2.0
#include "db/change_word.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <ctime>

#include "base/unique_fd.hpp"

// Writer                                    Reader
//   mdb_txn_commit                            seen = load(acquire)          (1)
//   fetch_add(1, release)      (2)            read transaction
//   FUTEX_WAKE                 (3)            FUTEX_WAIT(seen)              (4)
// (1) pairs with (2): who sees the new word sees the commit. The kernel compares word and `seen` under the lock that
// (3) takes, so a commit after (1) either makes (4) return at once or wakes it.

namespace hobbes::db {
namespace {

constexpr std::size_t word_file_size = 64;  // a cache line of its own

long futex(std::uint32_t* word, int operation, std::uint32_t value, const timespec* deadline) {
  return ::syscall(SYS_futex, word, operation, value, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
}

timespec to_timespec(ChangeWord::Deadline deadline) {
  using namespace std::chrono;
  const auto since_boot = deadline.time_since_epoch();
  const auto whole = duration_cast<seconds>(since_boot);
  return {static_cast<std::time_t>(whole.count()), static_cast<long>(nanoseconds(since_boot - whole).count())};
}

Result<UniqueFd> open_file(const std::filesystem::path& file, int flags) {
  UniqueFd fd(::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return last_errno("open " + file.string());
  return fd;
}

}  // namespace

Result<ChangeWord> ChangeWord::open(const std::filesystem::path& file) {
  const UniqueFd fd = TRY(open_file(file, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return last_errno("stat " + file.string());
  // A mapping beyond the end of the file would kill its reader with SIGBUS.
  if (status.st_size < static_cast<off_t>(word_file_size)) {
    return Error(Code::not_found, file.string() + " is not set up yet");
  }
  return ChangeWord(TRY(Mapping::shared(fd.get(), word_file_size, PROT_READ)));
}

Result<ChangeWord> ChangeWord::create(const std::filesystem::path& file) {
  const UniqueFd fd = TRY(open_file(file, O_RDWR | O_CREAT));
  if (::ftruncate(fd.get(), word_file_size) != 0) return last_errno("set the size of " + file.string());
  return ChangeWord(TRY(Mapping::shared(fd.get(), word_file_size, PROT_READ | PROT_WRITE)));
}

std::uint32_t* ChangeWord::word() const { return reinterpret_cast<std::uint32_t*>(mapping_.data()); }

std::uint32_t ChangeWord::value() const {
  return std::atomic_ref(*word()).load(std::memory_order_acquire);  // pairs with advance()
}

Result<bool> ChangeWord::wait(std::uint32_t seen, std::optional<Deadline> deadline) const {
  const timespec until = deadline ? to_timespec(*deadline) : timespec{};
  while (value() == seen) {
    if (futex(word(), FUTEX_WAIT_BITSET, seen, deadline ? &until : nullptr) == 0) continue;
    if (errno == ETIMEDOUT) return value() != seen;
    if (errno != EAGAIN && errno != EINTR) return last_errno("wait for a change of the database");
  }
  return true;
}

void ChangeWord::advance() const {
  std::atomic_ref(*word()).fetch_add(1, std::memory_order_release);  // pairs with value()
  futex(word(), FUTEX_WAKE, INT_MAX, nullptr);  // cannot fail: the word is mapped
}

}  // namespace hobbes::db
