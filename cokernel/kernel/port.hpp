// SPDX-License-Identifier: Apache-2.0
// What an architecture port (arch/hosted, arch/x86_64) does for the portable kernel. A port decides nothing.
#pragma once

#include "cokernel/kernel/types.hpp"
#include "kernel-bridge/abi/boot_params.h"

namespace hobbes::lwk {

struct Thread;
struct Process;
struct Registers;

namespace port {

/// What is not needed before the kernel serves: called once, by the control task, before it takes its first command.
void complete_start();

/// The running thread. Kernel threads (control task) have one too.
[[nodiscard]] Thread& current();

/// Sleeps while *word == expected, until wake(), the monotonic `deadline_ns`, or for no reason.
void wait(uint32_t* word, uint32_t expected, int64_t deadline_ns);
/// Wakes at most `count` sleepers.
void wake(uint32_t* word, int count);
/// A futex word and the value it is expected to have.
struct Expected {
  uint32_t* word;
  uint32_t value;
};
/// wait() and wake() on a word of shared memory whose other side is the host: leviathan or a proxy.
void wait_for_host(uint32_t* word, uint32_t expected, int64_t deadline_ns);
void wake_host(uint32_t* word, int count);
/// Sleeps while both words have their values, until the host wakes the first or wake() the second.
void wait_for_host_or(Expected of_host, Expected own, int64_t deadline_ns);
/// One turn of a spin loop.
void relax();
/// Lets others have this CPU who wait for it; at once back where there are none.
void yield();
/// The CPU's time-stamp counter.
[[nodiscard]] uint64_t ticks();

/// The kernel's pointer to physical memory of this enclave, valid in every address space.
[[nodiscard]] void* direct(PhysAddr address);
[[nodiscard]] PhysAddr physical(const void* pointer);
/// Where a host-I/O proxy has what the kernel has at `pointer`, which is in the direct map.
[[nodiscard]] uint64_t host_address(const void* pointer);
/// Makes memory that comes while the enclave runs reachable, before it is used; lets go of it, when nothing uses it any
/// more. 0 or -errno.
[[nodiscard]] int attach_memory(PhysAddr base, uint64_t size);
void detach_memory(PhysAddr base, uint64_t size);
/// Applications live in [user_start, user_end), which hpmmap, whose programs are Linux's, has end elsewhere.
#ifndef HOBBES_USER_END
#define HOBBES_USER_END 0x7b0000000000
#endif
inline constexpr UserAddr user_start = 0x10000;
inline constexpr UserAddr user_end = HOBBES_USER_END;

enum Protection : uint32_t { prot_none = 0, prot_read = 1, prot_write = 2, prot_exec = 4 };

/// Changes the running process' page tables. 0 or -errno (ENOMEM).
[[nodiscard]] int map(UserAddr address, PhysAddr physical, uint64_t size, uint32_t protection);
void unmap(UserAddr address, uint64_t size);
[[nodiscard]] int protect(UserAddr address, uint64_t size, uint32_t protection);

/// Files of the host that are mapped where they are, by a machine that can.
[[nodiscard]] bool borrows_files();
/// Takes in the file that the host has lent under this number: a name for it, >= 0, or -errno.
[[nodiscard]] int take_lent(uint64_t number);
void give_back(int file);
[[nodiscard]] int map_lent(UserAddr address, int file, uint64_t offset, uint64_t size, uint32_t protection);
/// Returns when the host has stored what was written in a range of such a mapping. 0 or -errno.
[[nodiscard]] int store_lent(UserAddr address, uint64_t size);

/// Copies between kernel and user memory; a bad user address yields false and a partial copy, never a crash.
[[nodiscard]] bool copy_from_user(void* to, UserAddr from, size_t size);
[[nodiscard]] bool copy_to_user(UserAddr to, const void* from, size_t size);
/// Length of the string at `from` without its NUL, at most `limit`; -1: a bad address, -2: no NUL within the limit.
[[nodiscard]] int64_t copy_string_from_user(char* to, UserAddr from, size_t limit);
/// *word when nothing faults (futex). False: bad address.
[[nodiscard]] bool load_user_word(UserAddr address, uint32_t& value);
[[nodiscard]] bool compare_exchange_user_word(UserAddr address, uint32_t& expected, uint32_t desired);

/// Starts `thread` (its `start` function) in its process: a new address space, if it is the first of `process`.
/// 0 or -errno; on failure nothing has started.
[[nodiscard]] int start_process(Process& process, Thread& thread);
[[nodiscard]] int start_thread(Thread& thread);
/// Ends the running thread; `last` if its process ends with it. The port releases the kernel stack.
[[noreturn]] void exit_thread(bool last);
/// Whether the machine's part of a thread is dear enough to be kept for another: by rest_thread().
[[nodiscard]] bool keeps_threads();
/// The running thread has left, but its kernel stack and whatever the machine has of it wait for another one: for
/// start_thread() of the same Thread, made anew.
[[noreturn]] void rest_thread();
/// Goes to user mode with the thread's registers, delivering what is pending first.
[[noreturn]] void enter_user(Thread& thread);
/// Makes another thread look at its pending signals soon, wherever it runs; and its process take up what others want of its
/// page tables (Smartmap::take_up_changes), in the kernel, too, whatever the thread does there.
void interrupt(Thread& thread);
void set_user_tls(UserAddr base);
[[nodiscard]] UserAddr user_tls();
/// The running program's GS base. False: GS is not the program's.
[[nodiscard]] bool set_user_gs(UserAddr base);
[[nodiscard]] bool user_gs(UserAddr& base);
/// The machine CPU (Linux number) the running thread is on now.
[[nodiscard]] uint32_t machine_cpu();
/// CPU time: of a thread of the running process, of any process' threads that were and are.
[[nodiscard]] int64_t thread_cpu_ns(const Thread& thread);
[[nodiscard]] int64_t process_cpu_ns(const Process& process);
/// Under process_lock: the running thread is taken from its process' list now, which keeps the time that it had.
void keep_cpu_time();
/// A full memory barrier on every CPU that runs a thread of the running process, or of any (`everybody`).
void memory_barrier(bool everybody);
/// Keeps a thread on these enclave-logical CPUs (bit mask).
void set_affinity(Thread& thread, const uint64_t mask[4]);
/// Takes a CPU into use under a logical number; stops one that no thread may use any more. 0 or -errno, and then
/// nothing has changed: -ETIMEDOUT, it has not come; -EBUSY, it cannot be spared. May sleep.
[[nodiscard]] int attach_cpu(uint32_t logical, const hobbes_boot_cpu& cpu);
[[nodiscard]] int detach_cpu(uint32_t logical);

/// PCI devices, each at a place of its own (abi/x86_64.h). Registers of a device's, uncached; null: the machine has no
/// devices, or no room for them.
[[nodiscard]] void* map_device(uint32_t place, PhysAddr base, uint64_t size);
/// All that was mapped at this place, on every CPU when it returns.
void unmap_device(uint32_t place);
/// A word that each interrupt of the device at this place advances, waking one who waits for it.
[[nodiscard]] uint32_t& device_interrupts(uint32_t place);
/// What a device writes, and where, to raise that interrupt.
struct DeviceMessage {
  uint64_t address;
  uint32_t data;
};
[[nodiscard]] DeviceMessage device_message(uint32_t place);

/// Where code of programs may jump to in place of `syscall`, with the number in rax and the address behind the instruction
/// in rcx; 0: only the instruction will do.
[[nodiscard]] uint64_t call_entry();

/// What programs are told of the CPU as AT_HWCAP: CPUID.1:EDX.
[[nodiscard]] uint64_t hwcap();

/// Floating-point state for signal frames, in XSAVE's standard format, 64-byte aligned.
[[nodiscard]] size_t fpu_state_size();
[[nodiscard]] bool save_fpu_to_user(UserAddr to);
[[nodiscard]] bool restore_fpu_from_user(UserAddr from);
void reset_fpu();

/// What the machine has made of the running process so far. Asking costs one of the port's calls, which is not counted.
struct Usage {
  uint64_t minor_faults, major_faults, voluntary_switches, involuntary_switches;
};
[[nodiscard]] Usage usage();

/// Tells leviathan that there is something on the control queue / console.
void ring_control_bell();
void ring_console_bell();

[[noreturn]] void halt();

}  // namespace port

[[nodiscard]] hobbes_boot_params& boot_params();

}  // namespace hobbes::lwk
