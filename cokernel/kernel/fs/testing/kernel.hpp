// SPDX-License-Identifier: Apache-2.0
// A kernel for unit tests: processes without code, whose threads are those of the test. Include it before any header of
// the C or C++ library: their macros and the kernel's enumerators have the same names.
#pragma once

#include "cokernel/kernel/app.hpp"
#include "cokernel/kernel/fs/fd_table.hpp"
#include "cokernel/kernel/fs/file_calls.hpp"
#include "cokernel/kernel/fs/host_io.hpp"
#include "cokernel/kernel/fs/namespace.hpp"
#include "cokernel/kernel/process.hpp"

namespace hobbes::lwk::testing {

/// Starts memory, clock and name space; once for the whole program, whoever asks first.
void start_kernel();
/// The next `count` allocations work, all later ones fail; -1: all work.
void fail_allocations_after(int64_t count);

/// A process with one thread, which the thread that made it runs as. Its standard files are the console's, or, with a
/// channel, the proxy's.
class TestProcess : Immovable {
 public:
  explicit TestProcess(hobbes_hio_channel* channel = nullptr, uint32_t uid = 0);
  ~TestProcess();

  /// Makes another thread of the test run as this process, for the scope's duration.
  class Enter : Immovable {
   public:
    explicit Enter(TestProcess& process);
    ~Enter();

   private:
    Thread thread_;
    Thread* before_;
  };

  /// A system call, by its handler.
  template <typename... Values>
  Sysret call(SyscallHandler handler, Values... values) {
    return handler(port::current(), Args{{static_cast<uint64_t>(values)...}});
  }

  /// User memory: `size` bytes that hold a copy of `bytes`, or zeros. They stay until the process goes.
  UserAddr put(const void* bytes, uint64_t size);
  UserAddr text(const char* text);
  UserAddr room(uint64_t size);
  /// Copies user memory out.
  void get(void* to, UserAddr from, uint64_t size);
  template <typename T>
  T get(UserAddr from) {
    T value;
    get(&value, from, sizeof(T));
    return value;
  }

  Process& process() { return process_; }
  App& app() { return app_; }

 private:
  App app_;
  Process process_;
  Thread thread_;
  Thread* before_;
};

}  // namespace hobbes::lwk::testing
