// SPDX-License-Identifier: Apache-2.0
// What the file layer needs of process_table, signal, cpus and heap, without what those need in turn.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/kernel/cpus.hpp"
#include "cokernel/kernel/fs/console.hpp"
#include "cokernel/kernel/fs/random.hpp"
#include "cokernel/kernel/idle.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/process_table.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/fs/testing/port.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>

namespace hobbes::lwk {
namespace {

Mutex table_lock;
List<Process, ProcessNode> processes;
std::atomic<int64_t> allocations_left{-1};

}  // namespace

void* allocate(size_t size) {
  int64_t left = allocations_left.load();
  while (left >= 0) {
    if (left == 0) return nullptr;
    if (allocations_left.compare_exchange_weak(left, left - 1)) break;
  }
  return ::operator new(size, std::nothrow);
}
void* allocate_zeroed(size_t size) {
  void* memory = allocate(size);
  return memory != nullptr ? memset(memory, 0, size) : nullptr;
}
void release(void* pointer) { ::operator delete(pointer); }

void count_busy_thread(const Thread&) {}
void count_idle_thread(const Thread&) {}
bool has_idle_time(int32_t) { return false; }
void offer_idle_time() {}

Mutex& process_lock() { return table_lock; }
List<Process, ProcessNode>& all_processes() { return processes; }
Process& init_process() {
  static Process init;
  return init;
}
Process* find_process(int pid) {
  for (Process& process : processes)
    if (process.pid == pid) return &process;
  return nullptr;
}

void send_signal(Process& process, int signal, int) {
  Guard guard(table_lock);
  process.pending |= signal_bit(signal);
}
WaitQueue& signal_arrived() {
  static WaitQueue arrived;
  return arrived;
}
bool take_signal_locked(Thread& self, SignalSet wanted, SignalInfo& info) {
  const SignalSet ready = self.pending & wanted;
  if (ready == 0) return false;
  const int signal = __builtin_ctzll(ready) + 1;
  info = self.pending_info[signal - 1];
  self.pending &= ~signal_bit(signal);
  return true;
}
bool signal_pending(const Thread& thread) {
  return (__atomic_load_n(&thread.pending, __ATOMIC_RELAXED) & ~thread.mask) != 0;
}

namespace testing {
namespace {

std::atomic<int> last_pid{1};

}  // namespace

void start_kernel() {
  static std::once_flag once;
  std::call_once(once, [] {
    start_port();
    const hobbes_boot_region& memory = boot_params().regions[0];
    if (page_allocator().add_block(memory.base, memory.size, 0) != 0) std::abort();
    const uint8_t seed[] = "a seed for the tests";
    fs::start_random(seed, sizeof(seed));
    fs::start_console();
    if (fs::start_namespace() != 0) std::abort();
    for (uint32_t cpu = 0; cpu < 2; ++cpu)
      if (add_cpu({cpu, 0, 0, 0}) < 0) std::abort();
    init_process().pid = 1;
    init_process().parent = &init_process();
    processes.push_back(init_process());
  });
}

void fail_allocations_after(int64_t count) { allocations_left = count; }

TestProcess::TestProcess(hobbes_hio_channel* channel, uint32_t uid) {
  start_kernel();
  app_.channel = channel;
  app_.uid = app_.gid = uid;
  process_.pid = ++last_pid;
  process_.app = &app_;
  process_.credentials.start(uid, uid);
  process_.parent = &init_process();
  process_.files = fs::FdTable::create_stdio(app_);
  if (process_.files == nullptr) std::abort();
  thread_.process = &process_;
  before_ = set_current(&thread_);
  Guard guard(table_lock);
  processes.push_back(process_);
}

TestProcess::~TestProcess() {
  delete process_.files;
  {
    Guard guard(table_lock);
    process_.ProcessNode::unlink();
  }
  (void)set_current(before_);
}

TestProcess::Enter::Enter(TestProcess& process) {
  thread_.process = &process.process_;
  before_ = set_current(&thread_);
}

TestProcess::Enter::~Enter() { (void)set_current(before_); }

UserAddr TestProcess::room(uint64_t size) {
  AddressSpace::Request request;
  request.size = size > 0 ? size : 1;
  request.protection = port::prot_read | port::prot_write;
  const Sysret address = process_.space.map(request);
  if (address < 0) std::abort();
  return static_cast<UserAddr>(address);
}

UserAddr TestProcess::put(const void* bytes, uint64_t size) {
  const UserAddr to = room(size);
  if (!copy_out(to, bytes, size)) std::abort();
  return to;
}

UserAddr TestProcess::text(const char* text) { return put(text, __builtin_strlen(text) + 1); }

void TestProcess::get(void* to, UserAddr from, uint64_t size) {
  if (!copy_in(to, from, size)) std::abort();
}

}  // namespace testing
}  // namespace hobbes::lwk
