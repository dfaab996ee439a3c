// SPDX-License-Identifier: Apache-2.0
// What a co-kernel may rely on: files, blocking calls, cancellation, forgotten blocks, the end.
#include "kernel-bridge/host-io/proxy.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>
#include <vector>

#include "kernel-bridge/host-io/test_proxy.hpp"

namespace hobbes::host_io {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a proxy refuses a channel it cannot serve", "[host-io]") {
  HioClient client;
  ReadyThreads threads;
  const auto refusal = [&](const Options& options) {
    auto proxy = Proxy::create(options, BlockMap::create(options.blocks, test_direct_map()).value(),
                               RootDir::open("/").value(), threads);
    return proxy ? "accepted" : proxy.error().text();
  };
  Options options = client.options(Mode::all);
  CHECK(refusal(options) == "accepted");
  *options.channel += 4;
  CHECK_THAT(refusal(options), Catch::Contains("misaligned"));
  *options.channel += 60;
  CHECK_THAT(refusal(options), Catch::Contains("magic"));
  options.channel = client.base(0) + HioClient::block_size - 4096;
  CHECK_THAT(refusal(options), Catch::Contains("not inside"));
  options = client.options(Mode::all);
  client.channel().version = 99;
  CHECK_THAT(refusal(options), Catch::Contains("version 99"));
  client.channel().version = HOBBES_HIO_VERSION;
  client.channel().slot_count = HOBBES_HIO_SLOTS + 1;
  CHECK_THAT(refusal(options), Catch::Contains("33 slots"));
}

TEST_CASE("files are written and read through iovecs in enclave memory", "[host-io]") {
  TestProxy proxy;
  const std::int64_t fd = proxy.open(proxy.tree / "file", O_RDWR | O_CREAT, 0644);
  REQUIRE(fd >= 0);
  auto* text = reinterpret_cast<char*>(proxy.client.allocate(32));
  std::memcpy(text, "one two three", 14);
  auto* iov = proxy.client.make<hobbes_hio_iov>({}, 2);
  iov[0] = {static_cast<std::uint64_t>(proxy.client.address(text)), 4};
  iov[1] = {static_cast<std::uint64_t>(proxy.client.address(text + 8)), 5};
  CHECK(proxy.call(SYS_writev, fd, proxy.client.address(iov), 2) == 9);
  CHECK(proxy.tree.read("file") == "one three");
  CHECK(proxy.call(SYS_lseek, fd, 4, SEEK_SET) == 4);

  std::memset(text, 0, 32);
  CHECK(proxy.call(SYS_readv, fd, proxy.client.address(iov), 2) == 5);
  CHECK(std::string(text, 4) + std::string(text + 8, 5) == std::string("thre") + 'e' + std::string(4, '\0'));
  CHECK(proxy.call(SYS_preadv, fd, proxy.client.address(iov), 1, 4) == 4);
  CHECK(proxy.call(SYS_close, fd) == 0);
  CHECK(proxy.call(SYS_close, fd) == -EBADF);
}

TEST_CASE("arguments may lie in the slot", "[host-io]") {
  TestProxy proxy;
  proxy.tree.write("file", "hello");
  hobbes_hio_slot& slot = proxy.client.slot(0);  // the first free one is claimed
  const std::string path = proxy.tree / "file";
  std::memcpy(slot.data, path.c_str(), path.size() + 1);
  const std::int64_t data = HioClient::direct(proxy.client.base(0) + offsetof(hobbes_hio_channel, slots) +
                                              offsetof(hobbes_hio_slot, data));
  struct stat found{};
  REQUIRE(proxy.call(SYS_newfstatat, AT_FDCWD, data, data + 4096, 0) == 0);
  std::memcpy(&found, slot.data + 4096, sizeof found);
  CHECK(found.st_size == 5);
}

TEST_CASE("a blocked call delays no other, up to the last slot", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  REQUIRE(pipe.fd >= 0);
  const std::int64_t to = proxy.client.address(proxy.client.allocate(64));
  std::vector<std::uint32_t> blocked;
  while (blocked.size() < HOBBES_HIO_SLOTS - 1) blocked.push_back(proxy.post(SYS_read, pipe.fd, to, 1));
  CHECK(proxy.call(HOBBES_HIO_NOOP) == 0);
  CHECK(proxy.call(SYS_lseek, pipe.fd, 0, SEEK_CUR) == -ESPIPE);
  pipe.write(blocked.size());
  for (const std::uint32_t slot : blocked) CHECK(proxy.client.wait(slot) == 1);
}

TEST_CASE("a cancelled call ends with EINTR", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  const std::int64_t to = proxy.client.address(proxy.client.allocate(64));
  SECTION("while it blocks") {
    const std::uint32_t slot = proxy.post(SYS_read, pipe.fd, to, 1);
    proxy.client.wait_until_running(slot);
    proxy.client.cancel(slot);
    CHECK(proxy.client.wait(slot) == -EINTR);
  }
  SECTION("whenever the cancellation comes, and only it") {
    // A signal sent too late would end the next call of the same worker: one of the two that get a byte.
    std::uint32_t lasting = proxy.post(SYS_read, pipe.fd, to, 1);
    const auto done = [&](std::uint32_t slot) { return Word(proxy.client.slot(slot).state).load() == HOBBES_HIO_DONE; };
    for (int i = 0; i < 300; ++i) {
      const std::uint32_t given_up = proxy.post(SYS_read, pipe.fd, to, 1);
      if (i % 2 == 0) proxy.client.wait_until_running(given_up);
      proxy.client.cancel(given_up);
      CHECK(proxy.client.wait(given_up) == -EINTR);
      std::uint32_t other = proxy.post(SYS_read, pipe.fd, to, 1);
      pipe.write(1);
      while (!done(lasting) && !done(other)) std::this_thread::yield();
      if (done(lasting)) std::swap(lasting, other);
      CHECK(proxy.client.wait(other) == 1);
    }
    pipe.write(1);
    CHECK(proxy.client.wait(lasting) == 1);
  }
}

TEST_CASE("poll sees the application's descriptors alone", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  const UniqueFd foreign(::open("/dev/null", O_RDONLY));
  auto* set = proxy.client.make<pollfd>({}, 3);
  set[0] = {.fd = static_cast<int>(pipe.fd), .events = POLLIN, .revents = 0};
  set[1] = {.fd = foreign.get(), .events = POLLIN, .revents = 0};
  set[2] = {.fd = -1, .events = POLLIN, .revents = 77};
  CHECK(proxy.call(SYS_poll, proxy.client.address(set), 3, -1) == 1);
  CHECK(set[0].revents == 0);
  CHECK(set[1].revents == POLLNVAL);
  CHECK(set[2].revents == 0);

  const std::uint32_t waiting = proxy.post(SYS_ppoll, proxy.client.address(set), 1, 0, 0);
  proxy.client.wait_until_running(waiting);
  pipe.write(1);
  CHECK(proxy.client.wait(waiting) == 1);
  CHECK(set[0].revents == POLLIN);
  auto* bytes = proxy.client.make<int>();
  CHECK(proxy.call(SYS_ioctl, pipe.fd, FIONREAD, proxy.client.address(bytes)) == 0);
  CHECK(*bytes == 1);
}

TEST_CASE("the channel says which blocks the proxy has", "[host-io]") {
  TestProxy proxy;
  const auto published = [&](std::uint64_t base) {
    std::uint64_t size = 0;
    for (const hobbes_hio_block& block : proxy.client.channel().blocks) size += block.base == base ? block.size : 0;
    return size;
  };
  CHECK(published(proxy.client.base(0)) == HioClient::block_size);
  CHECK(published(proxy.client.base(1)) == HioClient::block_size);

  const UniqueFd memory(::memfd_create("block", MFD_CLOEXEC));
  REQUIRE(::ftruncate(memory.get(), HioClient::block_size) == 0);
  BlockMessage message{.base = proxy.client.base(1) + 2 * HioClient::block_size, .size = HioClient::block_size};
  CHECK(proxy.proxy->change_blocks(message, -1) == -EBADF);
  CHECK(published(message.base) == 0);
  CHECK(proxy.proxy->change_blocks(message, memory.get()) == 0);
  CHECK(published(message.base) == HioClient::block_size);
  CHECK(proxy.proxy->change_blocks(message, memory.get()) == -EEXIST);

  message.what = BlockMessage::What::forget;
  CHECK(proxy.proxy->change_blocks(message, -1) == 0);
  CHECK(published(message.base) == 0);
  CHECK(proxy.proxy->change_blocks(message, -1) == -EINVAL);
  message.base = proxy.client.base(0);  // the channel's own
  CHECK(proxy.proxy->change_blocks(message, -1) == -EBUSY);
  CHECK(published(message.base) == HioClient::block_size);
}

TEST_CASE("a forgotten block is EFAULT, after the calls that used it", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  const std::int64_t to = proxy.client.address(proxy.client.allocate(64));
  const std::uint64_t base = proxy.client.base(1);
  const std::uint32_t reading = proxy.post(SYS_read, pipe.fd, to, 1);
  proxy.client.wait_until_running(reading);

  const std::uint32_t given_up = proxy.post(HOBBES_HIO_FORGET_BLOCK, base, HioClient::block_size);
  proxy.client.wait_until_running(given_up);
  proxy.client.cancel(given_up);
  const std::int64_t result = proxy.client.wait(given_up);
  // The read may not have pinned its block yet; then there was nothing to wait for.
  REQUIRE((result == -EINTR || result == 0));
  if (result == 0) {
    CHECK(proxy.client.wait(reading) == -EFAULT);
    return;
  }
  pipe.write(1);
  CHECK(proxy.client.wait(reading) == 1);
  CHECK(proxy.call(HOBBES_HIO_FORGET_BLOCK, base, HioClient::block_size) == 0);
  CHECK(proxy.call(SYS_read, pipe.fd, to, 1) == -EFAULT);
  CHECK(proxy.call(HOBBES_HIO_FORGET_BLOCK, base, HioClient::block_size) == -EINVAL);
  CHECK(proxy.call(HOBBES_HIO_FORGET_BLOCK, proxy.client.base(0), HioClient::block_size) == -EBUSY);
}

TEST_CASE("no call is lost between polling and sleeping", "[host-io]") {
  const auto poll = GENERATE(0us, 3us, 50us);
  TestProxy proxy(Mode::all, TestProxy::Root::host, poll);
  proxy.client.set_spin(2us);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&proxy, &wrong, t] {
      for (int i = 0; i < 1500; ++i) {
        if (proxy.call(HOBBES_HIO_NOOP) != 0) ++wrong;
        if (proxy.call(SYS_lseek, -2 - t, 0, SEEK_SET) != -EBADF) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a call from before the proxy's start hides none that comes later", "[host-io]") {
  constexpr int rounds = 2000;  // without care for it one in some hundred is lost
  HioClient client;
  const std::uint32_t early = client.post(HOBBES_HIO_NOOP);
  ReadyThreads threads;
  Options options = client.options(Mode::all);
  options.poll = 1s;  // a worker polls all the time, so the others are woken by it alone
  auto proxy = Proxy::create(options, BlockMap::create(options.blocks, test_direct_map()).value(),
                             RootDir::open("/").value(), threads);
  REQUIRE(proxy);
  REQUIRE((*proxy)->start());
  CHECK(client.wait(early) == 0);
  for (int round = 0; round < rounds; ++round) {
    const std::uint32_t lasting = client.post(SYS_ppoll, {0, 0, 0, 0, 0, 0});  // of nothing, for ever
    REQUIRE(client.call(HOBBES_HIO_NOOP) == 0);
    client.cancel(lasting);
    REQUIRE(client.wait(lasting) == -EINTR);
  }
}

TEST_CASE("EXIT ends the service: its slot is done, the others are EIO", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  const std::int64_t to = proxy.client.address(proxy.client.allocate(64));
  const std::uint32_t blocked = proxy.post(SYS_read, pipe.fd, to, 1);
  proxy.client.wait_until_running(blocked);
  const std::uint32_t exit = proxy.post(HOBBES_HIO_EXIT);
  proxy.client.wait_until_running(exit);
  proxy.proxy->wait_for_exit();
  CHECK(proxy.client.wait(exit) == 0);
  CHECK(proxy.client.channel().proxy_state == HOBBES_HIO_PROXY_DEAD);
  CHECK(proxy.client.wait(blocked) == -EIO);
}

TEST_CASE("a proxy that stops interrupts its calls", "[host-io]") {
  TestProxy proxy;
  TestPipe pipe(proxy, "fifo");
  const std::int64_t to = proxy.client.address(proxy.client.allocate(64));
  const std::uint32_t blocked = proxy.post(SYS_read, pipe.fd, to, 1);
  proxy.client.wait_until_running(blocked);
  proxy.proxy.reset();
  CHECK(proxy.client.wait(blocked) == -EINTR);
}

TEST_CASE("whoever waits learns of the proxy's death", "[host-io]") {
  HioClient client;
  const std::uint32_t posted = client.post(HOBBES_HIO_NOOP);
  std::thread supervisor([&] {
    while (Word(client.slot(posted).waiter).load() == 0) std::this_thread::yield();
    mark_dead(client.channel());
  });
  CHECK(client.wait(posted) == -EIO);
  supervisor.join();
  CHECK(client.call(HOBBES_HIO_NOOP) == -EIO);
}

}  // namespace
}  // namespace hobbes::host_io
