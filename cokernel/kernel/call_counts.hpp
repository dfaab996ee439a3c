// SPDX-License-Identifier: Apache-2.0
// CallCounts: what a thread, an ended application or the enclave has done by way of system calls.
//
// A thread counts for itself, without atomics; whoever adds them up reads while it counts, so a sum over running threads
// is a moment old. Rows come in chunks from the kernel heap when they are first needed: without memory a call goes
// uncounted.
#pragma once

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk {

/// One system call's row.
struct CallCount {
  uint64_t calls = 0, errors = 0;
  uint64_t host = 0;     ///< of these, such as asked the host
  uint64_t samples = 0;  ///< of these, such as were timed to their end
  uint64_t ticks = 0;    ///< their time

  /// The first call is timed, and each so-many-th after it: two looks at the TSC are as long as a short call.
  static constexpr uint64_t timed_each = 64;

  void add(const CallCount& other) {
    calls += __atomic_load_n(&other.calls, __ATOMIC_RELAXED);  // counters: no order is needed
    errors += __atomic_load_n(&other.errors, __ATOMIC_RELAXED);
    host += __atomic_load_n(&other.host, __ATOMIC_RELAXED);
    samples += __atomic_load_n(&other.samples, __ATOMIC_RELAXED);
    ticks += __atomic_load_n(&other.ticks, __ATOMIC_RELAXED);
  }
};

class CallCounts : Immovable {
 public:
  ~CallCounts() {
    for (Chunk* chunk : chunks_) delete chunk;
  }

  /// The row of a call below syscall_limit, made on first use. Its owner only. Null: no memory.
  [[nodiscard]] CallCount* row(uint64_t number) {
    Chunk*& chunk = chunks_[number / rows_per_chunk];
    if (chunk == nullptr) {
      auto* made = new (nothrow) Chunk;
      if (made == nullptr) return nullptr;
      __atomic_store_n(&chunk, made, __ATOMIC_RELEASE);  // its rows are zero; partner: for_each
    }
    return &chunk->rows[number % rows_per_chunk];
  }
  /// Calls visit(number, const CallCount&) for every row there is. Any thread that keeps the owner from going.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (uint32_t i = 0; i < chunk_count; ++i) {
      const Chunk* chunk = __atomic_load_n(&chunks_[i], __ATOMIC_ACQUIRE);  // partner: row()
      if (chunk == nullptr) continue;
      for (uint32_t j = 0; j < rows_per_chunk; ++j) visit(i * rows_per_chunk + j, chunk->rows[j]);
    }
  }
  void add(const CallCounts& other) {
    other.for_each([this](uint32_t number, const CallCount& count) {
      if (__atomic_load_n(&count.calls, __ATOMIC_RELAXED) == 0) return;
      if (CallCount* sum = row(number)) sum->add(count);
    });
  }

 private:
  static constexpr uint32_t rows_per_chunk = 16;
  static constexpr uint32_t chunk_count = syscall_limit / rows_per_chunk;
  static_assert(syscall_limit % rows_per_chunk == 0);
  struct Chunk {
    CallCount rows[rows_per_chunk];
  };

  Chunk* chunks_[chunk_count] = {};
};

/// What is counted beside the rows.
struct CallTotals {
  uint64_t traps = 0;          ///< system calls that came in through the trap
  uint64_t host_calls = 0;     ///< requests to the host; one system call may need several
  uint64_t unimplemented = 0;
  uint64_t patches = 0;        ///< sites rewritten
  uint64_t trapped_sites = 0;  ///< sites left on the trap
  uint64_t out_of_table = 0;   ///< calls of a number that no table has

  void add(const CallTotals& other) {
    traps += other.traps;
    host_calls += other.host_calls;
    unimplemented += other.unimplemented;
    patches += other.patches;
    trapped_sites += other.trapped_sites;
    out_of_table += other.out_of_table;
  }
};

/// What a process is told of its own.
struct ProcessCalls {
  uint64_t system_calls = 0, traps = 0, host_calls = 0, linux_calls = 0;
};

/// Threads or applications added up.
struct CallSum : Immovable {
  CallCounts counts;
  CallTotals totals;
  uint64_t quick_calls = 0, linux_calls = 0;

  void add(const CallCounts& other_counts, const CallTotals& other_totals, uint64_t quick, uint64_t of_linux) {
    counts.add(other_counts);
    totals.add(other_totals);
    quick_calls += quick;
    linux_calls += of_linux;
  }
  void add(const CallSum& other) { add(other.counts, other.totals, other.quick_calls, other.linux_calls); }
};

}  // namespace hobbes::lwk
