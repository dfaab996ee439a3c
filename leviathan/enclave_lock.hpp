// SPDX-License-Identifier: Apache-2.0
// EnclaveLocks: operations on one enclave come one after the other, on different enclaves side by side.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "base/units.hpp"

namespace hobbes::leviathan {

class EnclaveLocks {
 public:
  /// Held by a worker from before it looks at the enclave until its operation is done.
  class [[nodiscard]] Lock {
   public:
    Lock(Lock&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), enclave_(other.enclave_) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock() {
      if (locks_ != nullptr) locks_->unlock(enclave_);
    }

   private:
    friend class EnclaveLocks;
    Lock(EnclaveLocks& locks, EnclaveId enclave) : locks_(&locks), enclave_(enclave) {}
    EnclaveLocks* locks_;
    EnclaveId enclave_;
  };

  /// Waits for other operations on the enclave. Workers only.
  Lock lock(EnclaveId enclave) {
    std::unique_lock guard(mutex_);
    freed_.wait(guard, [&] { return !held_.contains(enclave); });
    held_.insert(enclave);
    return Lock(*this, enclave);
  }

 private:
  void unlock(EnclaveId enclave) {
    {
      const std::lock_guard guard(mutex_);
      held_.erase(enclave);
    }
    freed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<EnclaveId> held_;  ///< under mutex_
};

}  // namespace hobbes::leviathan
