// SPDX-License-Identifier: Apache-2.0
// bench_host_io [--json FILE] <hobbes-proxy> [<MiB to read>]: what host I/O costs beside what it stands on. Rounds are interleaved.
//
// The caller is pinned to the last CPU, as an enclave is, and looks at its slot before it sleeps for as long as a CPU
// that has nothing else to run would; the proxy has the other CPUs.
#include <fcntl.h>
#include <immintrin.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/parse.hpp"
#include "kernel-bridge/host-io/test_client.hpp"
#include "kernel-bridge/host-io/test_tree.hpp"
#include "tests/bench/results.hpp"

namespace hobbes::host_io {
namespace {

using bench::Quantiles;
using bench::Results;
using bench::quantiles_of;
using Clock = std::chrono::steady_clock;

constexpr int call_rounds = 200;
constexpr int calls_a_round = 200;
constexpr int read_rounds = 5;
constexpr std::size_t read_size = 256 << 10;
constexpr std::uint64_t default_mib = 1024;
constexpr std::chrono::milliseconds caller_spin{5};
constexpr double bytes_per_gib = 1 << 30;
constexpr double ns_per_second = 1e9;

struct Cpus {
  cpu_set_t caller;
  cpu_set_t others;

  Cpus() {
    cpu_set_t all;
    CPU_ZERO(&caller);
    if (::sched_getaffinity(0, sizeof all, &all) != 0) std::exit(1);
    others = all;
    int last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(last, &all)) --last;
    CPU_SET(last, &caller);
    if (CPU_COUNT(&all) > 1) CPU_CLR(last, &others);
  }
};

double seconds(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<double> times(double factor, std::vector<double> samples) {
  for (double& sample : samples) sample *= factor;
  return samples;
}

pid_t spawn(const char* program, const Options& options, const cpu_set_t& cpus) {
  std::vector<std::string> arguments = to_arguments(options);
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  for (const BlockOption& block : options.blocks) ::fcntl(block.fd, F_SETFD, 0);
  ::sched_setaffinity(0, sizeof cpus, &cpus);
  ::execv(program, argv.data());
  ::_exit(127);
}

/// The floor of a null call: a word there and a word back, each on its own cache line.
class Hops {
 public:
  explicit Hops(const cpu_set_t& cpus)
      : echo_([this, cpus] {
          ::sched_setaffinity(0, sizeof cpus, &cpus);
          answer();
        }) {}
  ~Hops() { stop_ = true; echo_.join(); }
  Hops(const Hops&) = delete;
  Hops& operator=(const Hops&) = delete;

  void set_active(bool active) { active_ = active; }
  void round_trip() {
    there_.store(++count_);
    while (back_.load() != count_) _mm_pause();
  }

 private:
  void answer() {
    while (!stop_) {
      if (!active_) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      back_.store(there_.load());
    }
  }

  std::uint32_t count_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> active_ = false;
  alignas(64) std::atomic<std::uint32_t> there_ = 0;
  alignas(64) std::atomic<std::uint32_t> back_ = 0;
  std::thread echo_;
};

void show_call(Results& results, const char* name, const std::vector<double>& seconds_each) {
  const Quantiles ns = quantiles_of(times(ns_per_second, seconds_each));
  std::printf("  %-42s %10.0f %10.0f\n", name, ns.median, ns.p99);
  results.add(name, ns);
}

void compare_calls(HioClient& client, const Cpus& cpus, Results& results) {
  Hops hops(cpus.others);
  const std::int64_t file = client.call(SYS_openat, {AT_FDCWD, client.text("/dev/null"), O_RDONLY});
  std::vector<double> floor;
  std::vector<double> null_calls;
  std::vector<double> linux_calls;
  const auto per_call = [](const std::function<void()>& call) {
    return seconds([&] { for (int i = 0; i < calls_a_round; ++i) call(); }) / calls_a_round;
  };
  for (int round = 0; round < call_rounds; ++round) {
    hops.set_active(true);
    hops.round_trip();
    floor.push_back(per_call([&] { hops.round_trip(); }));
    hops.set_active(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    static_cast<void>(client.call(HOBBES_HIO_NOOP));  // wakes the proxy
    static_cast<void>(client.call(HOBBES_HIO_NOOP));
    null_calls.push_back(per_call([&] { static_cast<void>(client.call(HOBBES_HIO_NOOP)); }));
    linux_calls.push_back(per_call([&] { static_cast<void>(client.call(SYS_lseek, {file, 0, SEEK_CUR})); }));
  }
  std::printf("%-44s %10s %10s\n", "round trip, proxy polling (means of 200)", "median ns", "p99 ns");
  results.start_group("a forwarded call, there and back", "ns");
  show_call(results, "two cache-line hops (floor)", floor);
  show_call(results, "null call", null_calls);
  show_call(results, "lseek on a host file", linux_calls);
}

void compare_wake_ups(HioClient& client, Results& results) {
  constexpr int wake_ups = 200;
  std::vector<double> samples;
  for (int i = 0; i < wake_ups; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // longer than the proxy polls
    samples.push_back(seconds([&] { static_cast<void>(client.call(HOBBES_HIO_NOOP)); }));
  }
  show_call(results, "null call, proxy asleep", samples);
}

void compare_reads(HioClient& client, std::uint64_t mib, Results& results) {
  const TestTree tree;
  const std::string path = tree / "file";
  const std::uint64_t total = mib << 20;
  const int plain = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  auto* own = static_cast<std::byte*>(
      ::mmap(nullptr, read_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
  for (std::uint64_t at = 0; at < total; at += read_size) {
    if (::write(plain, own, read_size) != static_cast<ssize_t>(read_size)) std::exit(1);
  }
  std::byte* buffer = client.allocate(read_size);
  auto* iov = client.make<hobbes_hio_iov>({static_cast<std::uint64_t>(client.address(buffer)), read_size});
  const std::int64_t fd = client.call(SYS_openat, {AT_FDCWD, client.text(path), O_RDONLY});

  std::vector<double> linux_rates;
  std::vector<double> proxy_rates;
  for (int round = 0; round < read_rounds; ++round) {
    ::lseek(plain, 0, SEEK_SET);
    linux_rates.push_back(static_cast<double>(total) / bytes_per_gib / seconds([&] {
      while (::read(plain, own, read_size) > 0) {}
    }));
    static_cast<void>(client.call(SYS_lseek, {fd, 0, SEEK_SET}));
    proxy_rates.push_back(static_cast<double>(total) / bytes_per_gib / seconds([&] {
      while (client.call(SYS_readv, {fd, client.address(iov), 1}) > 0) {}
    }));
  }
  ::close(plain);
  const Quantiles on_linux = quantiles_of(linux_rates);
  const Quantiles through_proxy = quantiles_of(proxy_rates);
  std::printf("\n%s MiB, cached, in calls of 256 KiB %16s %10s\n", std::to_string(mib).c_str(), "GiB/s", "share");
  std::printf("  %-42s %10.2f %10s\n", "read(2)", on_linux.median, "1");
  std::printf("  %-42s %10.2f %10.2f\n", "readv through the proxy", through_proxy.median,
              through_proxy.median / on_linux.median);
  results.start_group("reading a cached file in calls of 256 KiB", "GiB/s");
  results.add("read(2)", on_linux);
  results.add("readv through the proxy", through_proxy);
}

int run(const char* program, std::uint64_t mib, Results& results) {
  const Cpus cpus;
  HioClient client;
  client.set_spin(caller_spin);
  const pid_t pid = spawn(program, client.options(Mode::all), cpus.others);
  ::sched_setaffinity(0, sizeof cpus.caller, &cpus.caller);
  if (client.wait_while_proxy_is(HOBBES_HIO_PROXY_NONE) != HOBBES_HIO_PROXY_READY) return 1;
  compare_calls(client, cpus, results);
  compare_wake_ups(client, results);
  compare_reads(client, mib, results);
  static_cast<void>(client.call(HOBBES_HIO_EXIT));
  return ::waitpid(pid, nullptr, 0) == pid ? 0 : 1;
}

}  // namespace
}  // namespace hobbes::host_io

int main(int argc, char** argv) {
  using namespace hobbes;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto json = bench::take_json_option(arguments);
  const auto mib = arguments.size() > 1 ? parse_u64(arguments[1], "MiB to read", 1)
                                        : Result<std::uint64_t>(host_io::default_mib);
  if (!json || arguments.empty() || arguments.size() > 2 || !mib) {
    std::fprintf(stderr, "usage: %s [--json FILE] <hobbes-proxy> [<MiB to read>]\n", argv[0]);
    return 2;
  }
  if (::access(arguments.front().c_str(), X_OK) != 0) {
    std::fprintf(stderr, "bench_host_io: '%s': %s\n", arguments.front().c_str(), std::strerror(errno));
    return 2;
  }
  bench::Results results("host-io");
  const int status = host_io::run(arguments.front().c_str(), *mib, results);
  if (status != 0 || !*json) return status;
  if (const Status written = results.write(**json); !written) {
    std::fprintf(stderr, "bench_host_io: %s\n", written.error().text().c_str());
    return 1;
  }
  return 0;
}
