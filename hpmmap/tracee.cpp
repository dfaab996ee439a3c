// SPDX-License-Identifier: Apache-2.0
// Our calls end in one that the filter stops, not in a breakpoint: no signal is involved, so the program's own handling of
// signals does not matter. They are blocked meanwhile, all but SIGSTOP, which is sent again.
#include "hpmmap/tracee.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/unique_fd.hpp"
#include "hpmmap/stub.hpp"

namespace hobbes::hpmmap {
namespace {

constexpr long no_call = -1;  ///< as orig_rax: nothing is to be executed, and nothing restarted

int event_of(int status) { return status >> 16; }
bool is_syscall_stop(int status) { return WSTOPSIG(status) == (SIGTRAP | 0x80); }

}  // namespace

Tracee::Tracee(pid_t thread) : thread_(thread) { gone_ = ::ptrace(PTRACE_GETREGS, thread_, nullptr, &saved_) != 0; }

void Tracee::block_signals() {
  if (working_) return;
  working_ = true;
  std::uint64_t all = ~std::uint64_t{0};
  ::ptrace(PTRACE_GETSIGMASK, thread_, sizeof signal_mask_, &signal_mask_);
  ::ptrace(PTRACE_SETSIGMASK, thread_, sizeof all, &all);
}

/// Until it has come to the next stop that was expected: of the filter, or behind a call.
bool Tracee::resume(int request) {
  while (!gone_) {
    if (::ptrace(static_cast<__ptrace_request>(request), thread_, nullptr, nullptr) != 0) break;
    int status = 0;
    if (::waitpid(thread_, &status, __WALL) != thread_) break;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      missed_.push_back(status);
      break;
    }
    if (event_of(status) == PTRACE_EVENT_SECCOMP || is_syscall_stop(status)) return true;
    if (event_of(status) == PTRACE_EVENT_EXEC) {  // another thread's: it has become the program
      missed_.push_back(status);
      break;
    }
    if (event_of(status) == 0 && WSTOPSIG(status) == SIGSTOP) stop_again_ = true;
  }
  gone_ = true;
  return false;
}

long Tracee::run(user_regs_struct registers) {
  if (gone_) return -ESRCH;
  block_signals();
  registers.orig_rax = static_cast<unsigned long long>(no_call);
  ::ptrace(PTRACE_SETREGS, thread_, nullptr, &registers);
  if (!resume(PTRACE_CONT)) return -ESRCH;
  ::ptrace(PTRACE_GETREGS, thread_, nullptr, &registers);
  return static_cast<long>(registers.rbx);
}

long Tracee::call(long number, std::initializer_list<std::uint64_t> arguments) {
  user_regs_struct registers = saved_;
  unsigned long long* const places[] = {&registers.rdi, &registers.rsi, &registers.rdx,
                                        &registers.r10, &registers.r8,  &registers.r9};
  std::size_t i = 0;
  for (const std::uint64_t argument : arguments) *places[i++] = argument;
  registers.rax = static_cast<unsigned long long>(number);
  registers.rip = stub_address;
  return run(registers);
}

long Tracee::map_block(std::uint64_t address, std::size_t block, std::uint64_t offset, std::uint64_t size,
                       int protection) {
  user_regs_struct registers = saved_;
  registers.r12 = stub_path_address(block);
  registers.r13 = address;
  registers.r14 = size;
  registers.r15 = static_cast<unsigned long long>(protection);
  registers.rbx = offset;
  registers.rbp = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
  registers.rip = stub_map_address();
  return run(registers);
}

bool Tracee::place_stub(const std::vector<char>& image) {
  if (gone_) return false;
  block_signals();
  constexpr long syscall_instruction = 0x050f;
  constexpr long two_bytes = 0xffff;
  errno = 0;
  const long text = ::ptrace(PTRACE_PEEKTEXT, thread_, saved_.rip, nullptr);
  if (errno != 0) return false;
  if (::ptrace(PTRACE_POKETEXT, thread_, saved_.rip, (text & ~two_bytes) | syscall_instruction) != 0) return false;
  user_regs_struct registers = saved_;
  registers.rax = SYS_mmap;
  registers.rdi = stub_address;
  registers.rsi = stub_size;
  registers.rdx = PROT_READ | PROT_EXEC;
  registers.r10 = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  registers.r8 = ~0ull;
  registers.r9 = 0;
  registers.orig_rax = static_cast<unsigned long long>(no_call);
  ::ptrace(PTRACE_SETREGS, thread_, nullptr, &registers);
  if (!resume(PTRACE_CONT) || !resume(PTRACE_SYSCALL)) return false;  // where the filter stops it, and behind it
  ::ptrace(PTRACE_GETREGS, thread_, nullptr, &registers);
  ::ptrace(PTRACE_POKETEXT, thread_, saved_.rip, text);
  return registers.rax == stub_address && write(stub_address, image.data(), image.size());
}

bool Tracee::read(std::uint64_t address, void* to, std::size_t size) const {
  const iovec ours{to, size}, its{reinterpret_cast<void*>(address), size};
  return ::process_vm_readv(thread_, &ours, 1, &its, 1, 0) == static_cast<ssize_t>(size);
}

bool Tracee::write(std::uint64_t address, const void* from, std::size_t size) const {
  const std::string path = "/proc/" + std::to_string(thread_) + "/mem";
  const UniqueFd memory(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return memory && ::pwrite(memory.get(), from, size, static_cast<off_t>(address)) == static_cast<ssize_t>(size);
}

void Tracee::set_result(long result) {
  saved_.rax = static_cast<unsigned long long>(result);
  has_result_ = true;
}

void Tracee::restore() {
  if (gone_ || (!working_ && !has_result_)) return;
  user_regs_struct registers = saved_;
  registers.orig_rax = static_cast<unsigned long long>(no_call);
  ::ptrace(PTRACE_SETREGS, thread_, nullptr, &registers);
  if (working_) ::ptrace(PTRACE_SETSIGMASK, thread_, sizeof signal_mask_, &signal_mask_);
  working_ = has_result_ = false;
  if (std::exchange(stop_again_, false)) ::syscall(SYS_tkill, thread_, SIGSTOP);
}

}  // namespace hobbes::hpmmap
