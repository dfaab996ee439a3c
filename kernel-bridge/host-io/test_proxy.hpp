// SPDX-License-Identifier: Apache-2.0
// TestProxy: a client, a proxy for it in this process, and a directory to work in, for tests.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernel-bridge/host-io/proxy.hpp"
#include "kernel-bridge/host-io/test_client.hpp"
#include "kernel-bridge/host-io/test_tree.hpp"

namespace hobbes::host_io {

struct TestProxy {
  TestTree tree;  // its directory "root" is the enclave's root where one is wanted
  HioClient client;
  ReadyThreads threads;
  std::unique_ptr<Proxy> proxy;

  enum class Root { host, tree };

  explicit TestProxy(Mode mode = Mode::all, Root root = Root::host,
                     std::chrono::microseconds poll = std::chrono::microseconds(20), int lender = -1) {
    std::filesystem::create_directory(tree.path() / "root");
    Options options = client.options(mode, root == Root::host ? "/" : tree / "root");
    options.poll = poll;
    options.lender = lender;
    proxy = expect(Proxy::create(options, expect(BlockMap::create(options.blocks, test_direct_map())),
                                 expect(RootDir::open(options.root.string())), threads));
    if (!proxy->start()) throw std::runtime_error("the proxy does not start");
  }

  template <typename... Args>
  std::array<std::int64_t, 6> args(Args... values) {
    return {static_cast<std::int64_t>(values)...};
  }
  template <typename... Args>
  std::int64_t call(std::uint32_t nr, Args... values) {
    return client.call(nr, args(values...));
  }
  template <typename... Args>
  std::uint32_t post(std::uint32_t nr, Args... values) {
    return client.post(nr, args(values...));
  }
  std::int64_t open(const std::string& path, int flags = O_RDONLY, unsigned mode = 0) {
    return call(SYS_openat, AT_FDCWD, client.text(path), flags, mode);
  }

 private:
  template <typename T>
  static T expect(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().text());
    return std::move(result).value();
  }
};

/// A FIFO of the proxy's, both ends open in it: a read blocks until something is written.
struct TestPipe {
  TestProxy& proxy;
  std::int64_t fd;

  TestPipe(TestProxy& owner, const std::string& name) : proxy(owner), fd(make(name)) {}
  void write(std::size_t bytes) {
    if (proxy.call(SYS_write, fd, proxy.client.address(proxy.client.allocate(bytes)), bytes) < 0) {
      throw std::runtime_error("writing to the FIFO");
    }
  }

 private:
  std::int64_t make(const std::string& name) {
    if (::mkfifo((proxy.tree / name).c_str(), S_IRUSR | S_IWUSR) != 0) throw std::runtime_error("mkfifo");
    return proxy.open(proxy.tree / name, O_RDWR);
  }
};

}  // namespace hobbes::host_io
