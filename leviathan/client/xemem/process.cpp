// SPDX-License-Identifier: Apache-2.0
// A child of fork() must not share what its parent has moved into memfds: both would use one heap, one stack. It makes
// a copy of its own before it goes on, and its parent waits for that, so that what is copied is what was there at the
// fork.
#include "leviathan/client/xemem/process.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "leviathan/client/client.hpp"

namespace hobbes::xemem {
namespace {

Sharing* the_one = nullptr;
pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/// Between the handlers of one fork(), under the lock they hold.
struct Fork {
  std::vector<OwnMemory::Range> ranges;
  int copied[2] = {-1, -1};  // a pipe: at its end the child has copied, or there is none
};
Fork* under_way = nullptr;

/// Copies, then makes a system call, and touches no memory in between: the new mapping takes the place of what was
/// copied, and that may be the stack we run on.
long copy_then_call(void* to, const void* from, std::uint64_t size, long number, const long (&arguments)[6]) {
  long result = number;
  asm volatile(
      "rep movsb\n\t"
      "mov 0(%[arguments]), %%rdi\n\t"
      "mov 8(%[arguments]), %%rsi\n\t"
      "mov 16(%[arguments]), %%rdx\n\t"
      "mov 24(%[arguments]), %%r10\n\t"
      "mov 32(%[arguments]), %%r8\n\t"
      "mov 40(%[arguments]), %%r9\n\t"
      "syscall"
      : "+D"(to), "+S"(from), "+c"(size), "+a"(result)
      : [arguments] "b"(arguments)
      : "rdx", "r8", "r9", "r10", "r11", "memory");
  return result;
}

/// The range gets a copy of its content that nobody else has.
bool make_private(const OwnMemory::Range& range) {
  void* copy = ::mmap(nullptr, range.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return false;
  const long size = static_cast<long>(range.size);
  const long remap[6] = {reinterpret_cast<long>(copy), size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
                         reinterpret_cast<long>(range.address), 0};
  return copy_then_call(copy, range.address, range.size, SYS_mremap, remap) >= 0;
}

/// And its content goes back to where others see it.
void make_shared_again(const OwnMemory::Range& range) {
  void* view = ::mmap(nullptr, range.size, PROT_READ | PROT_WRITE, MAP_SHARED, range.fd, 0);
  if (view == MAP_FAILED) return;
  const long map[6] = {reinterpret_cast<long>(range.address), static_cast<long>(range.size), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_FIXED | MAP_POPULATE, range.fd, 0};
  copy_then_call(view, range.address, range.size, SYS_mmap, map);
  ::munmap(view, range.size);
}

/// Parent and child return from fork() on one stack: it must be private before.
bool holds_stack(const OwnMemory::Range& range) {
  const char* here = static_cast<const char*>(__builtin_frame_address(0));
  return here >= range.address && here < range.address + range.size;
}

void before_fork() {
  ::pthread_mutex_lock(&making);
  if (the_one == nullptr) return;
  the_one->mutex().lock();
  the_one->settle();
  under_way = new Fork{.ranges = the_one->memory().moved()};
  if (!under_way->ranges.empty() && ::pipe2(under_way->copied, O_CLOEXEC) != 0)
    under_way->copied[0] = under_way->copied[1] = -1;
  for (const OwnMemory::Range& range : under_way->ranges)
    if (holds_stack(range) && !make_private(range)) std::abort();
}

void in_parent() {
  if (the_one != nullptr) {
    if (const int end = under_way->copied[0]; end >= 0) {
      ::close(under_way->copied[1]);
      char nothing = 0;
      while (::read(end, &nothing, 1) < 0 && errno == EINTR) {}
      ::close(end);
    }
    for (const OwnMemory::Range& range : under_way->ranges)
      if (holds_stack(range)) make_shared_again(range);
    delete under_way;
    the_one->mutex().unlock();
  }
  ::pthread_mutex_unlock(&making);
}

void in_child() {
  if (the_one != nullptr) {
    for (const OwnMemory::Range& range : under_way->ranges)
      if (!holds_stack(range) && !make_private(range)) ::_exit(127);  // it would go on in its parent's memory
    for (const int end : under_way->copied)
      if (end >= 0) ::close(end);
    the_one->leave_to_parent();
    // Not destroyed: what it holds is the parent's, and would be given back.
    the_one = nullptr;
    db::Environment::forget_after_fork();
  }
  ::pthread_mutex_unlock(&making);
}

}  // namespace

Sharing& sharing() {
  ::pthread_mutex_lock(&making);
  static const int registered = ::pthread_atfork(before_fork, in_parent, in_child);
  static_cast<void>(registered);
  if (the_one == nullptr) the_one = new Sharing(client::default_run_dir());
  Sharing& sharing = *the_one;
  ::pthread_mutex_unlock(&making);
  return sharing;
}

}  // namespace hobbes::xemem
