// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/test_client.hpp"

#include <immintrin.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/host-io/futex.hpp"

namespace hobbes::host_io {
namespace {

constexpr std::size_t alignment = 64;

template <typename T>
T expect(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(result).value();
}

UniqueFd make_memory(std::uint64_t size) {
  UniqueFd fd(::memfd_create("test-block", MFD_CLOEXEC));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) throw std::runtime_error("memfd");
  return fd;
}

}  // namespace

std::uint64_t test_direct_map() {
#ifdef __SANITIZE_THREAD__
  return 0x1000000000;
#else
  return HOBBES_HOSTED_DIRECT_MAP;
#endif
}

HioClient::HioClient() {
  for (std::uint64_t i = 0; i < 2; ++i) {
    fds_.push_back(make_memory(block_size));
    maps_.push_back(expect(Mapping::shared(fds_.back().get(), block_size, PROT_READ | PROT_WRITE)));
    // A hole between the blocks, so that running off one is noticed.
    blocks_.push_back({.base = HOBBES_HOSTED_FIRST_BLOCK + 2 * i * block_size,
                       .size = Bytes(block_size),
                       .fd = fds_.back().get()});
  }
  channel().magic = HOBBES_HIO_MAGIC;
  channel().version = HOBBES_HIO_VERSION;
  channel().slot_count = HOBBES_HIO_SLOTS;
}

Options HioClient::options(Mode mode, const std::string& root) const {
  Options options;
  options.channel = blocks_[0].base;
  options.blocks = blocks_;
  options.mode = mode;
  options.root = root;
  return options;
}

std::byte* HioClient::allocate(std::size_t size) {
  std::byte* at = maps_[1].data() + used_;
  used_ += (size + alignment - 1) / alignment * alignment;
  if (used_ > block_size) throw std::runtime_error("the test's data block is full");
  return at;
}

std::int64_t HioClient::direct(std::uint64_t physical) {
  return static_cast<std::int64_t>(test_direct_map() + physical);
}

std::int64_t HioClient::address(const void* allocated) const {
  const auto offset = static_cast<const std::byte*>(allocated) - maps_[1].data();
  return direct(blocks_[1].base) + offset;
}

std::int64_t HioClient::text(std::string_view value) {
  std::byte* at = allocate(value.size() + 1);
  std::memcpy(at, value.data(), value.size());
  at[value.size()] = std::byte{0};
  return address(at);
}

std::uint32_t HioClient::claim() {
  for (std::uint32_t i = 0;; i = (i + 1) % HOBBES_HIO_SLOTS) {
    std::uint32_t free = HOBBES_HIO_FREE;
    if (Word(slot(i).state).compare_exchange_strong(free, HOBBES_HIO_CLAIMED)) return i;
  }
}

std::uint32_t HioClient::post(std::uint32_t nr, const std::array<std::int64_t, 6>& args) {
  const std::uint32_t index = claim();
  hobbes_hio_slot& to = slot(index);
  Word(to.waiter).store(0, std::memory_order_relaxed);
  Word(to.cancel).store(0, std::memory_order_relaxed);
  to.nr = nr;
  for (std::size_t i = 0; i < args.size(); ++i) to.args[i] = args[i];
  Word(to.state).store(HOBBES_HIO_POSTED);
  Word(channel().posted).fetch_add(1);
  if (Word(channel().sleepers).load() != 0) futex_wake(channel().posted, 1);
  return index;
}

std::int64_t HioClient::wait(std::uint32_t index) {
  hobbes_hio_slot& from = slot(index);
  const auto until = std::chrono::steady_clock::now() + spin_;
  bool sleeps = false;
  for (;;) {
    const std::uint32_t state = Word(from.state).load();
    if (state == HOBBES_HIO_DONE) break;
    if (Word(channel().proxy_state).load() == HOBBES_HIO_PROXY_DEAD) {
      std::uint32_t posted = HOBBES_HIO_POSTED;
      if (Word(from.state).compare_exchange_strong(posted, HOBBES_HIO_FREE)) return -EIO;
    }
    if (sleeps) {
      futex_wait(from.state, state);
    } else if (std::chrono::steady_clock::now() >= until) {
      Word(from.waiter).store(1);
      if (state == HOBBES_HIO_POSTED) futex_wake(channel().posted, 1);
      sleeps = true;
    } else {
      _mm_pause();
    }
  }
  const std::int64_t result = std::atomic_ref<std::int64_t>(from.result).load(std::memory_order_relaxed);
  Word(from.state).store(HOBBES_HIO_FREE);
  return result;
}

void HioClient::cancel(std::uint32_t index) {
  Word(slot(index).cancel).store(1);
  Word(channel().cancels).fetch_add(1);
  futex_wake_all(channel().cancels);
}

void HioClient::wait_until_running(std::uint32_t index) {
  while (Word(slot(index).state).load() == HOBBES_HIO_POSTED) {
    ::usleep(50);
    futex_wake(channel().posted, 1);
  }
}

std::uint32_t HioClient::wait_while_proxy_is(std::uint32_t state) {
  for (;;) {
    const std::uint32_t now = Word(channel().proxy_state).load();
    if (now != state) return now;
    futex_wait(channel().proxy_state, now);
  }
}

}  // namespace hobbes::host_io
