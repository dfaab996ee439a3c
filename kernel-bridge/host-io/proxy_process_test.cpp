// SPDX-License-Identifier: Apache-2.0
// hobbes-proxy as a process: what it inherits, what it outlives, how its death shows. HOBBES_PROXY names the program.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "kernel-bridge/host-io/channel.hpp"
#include "kernel-bridge/host-io/test_client.hpp"
#include "kernel-bridge/host-io/test_tree.hpp"

namespace hobbes::host_io {
namespace {

namespace fs = std::filesystem;

const char* program() {
  const char* path = std::getenv("HOBBES_PROXY");
  return path != nullptr ? path : "hobbes-proxy";
}

/// A spawned proxy; killed and reaped at the latest with the object.
class Process {
 public:
  /// `prepare` runs in the child, before exec.
  explicit Process(std::vector<std::string> arguments, const std::vector<BlockOption>& blocks,
                   const std::function<void()>& prepare = [] {}) {
    arguments.insert(arguments.begin(), program());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ != 0) return;
    for (const BlockOption& block : blocks) ::fcntl(block.fd, F_SETFD, 0);
    prepare();
    ::execv(program(), argv.data());
    ::_exit(127);
  }
  Process(const Options& options, const std::function<void()>& prepare = [] {})
      : Process(to_arguments(options), options.blocks, prepare) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) static_cast<void>(kill());
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Waits for its end; exit code, or -signal.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int kill() {
    ::kill(pid_, SIGKILL);
    return wait();
  }

 private:
  pid_t pid_ = -1;
};

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
};

bool ready(HioClient& client) { return client.wait_while_proxy_is(HOBBES_HIO_PROXY_NONE) == HOBBES_HIO_PROXY_READY; }

TEST_CASE("the launcher's standard descriptors are the application's, nothing else is", "[host-io]") {
  HioClient client;
  Pipe in;
  Pipe out;
  const UniqueFd leaked(::dup(STDERR_FILENO));  // without close-on-exec
  Process proxy(client.options(Mode::all), [&] {
    ::dup2(in.read.get(), STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
  });
  REQUIRE(ready(client));

  auto* text = reinterpret_cast<char*>(client.allocate(16));
  REQUIRE(::write(in.write.get(), "typed", 5) == 5);
  CHECK(client.call(SYS_read, {0, client.address(text), 16}) == 5);
  CHECK(client.call(SYS_write, {1, client.address(text), 5}) == 5);
  char echoed[16] = {};
  CHECK(::read(out.read.get(), echoed, sizeof echoed) == 5);
  CHECK(std::string(echoed) == "typed");

  const fs::path fds = "/proc/" + std::to_string(proxy.pid()) + "/fd";
  CHECK(std::distance(fs::directory_iterator(fds), {}) == 4);  // and its root directory, which is out of reach
  for (int fd = 3; fd < 32; ++fd) CHECK(client.call(SYS_lseek, {fd, 0, SEEK_CUR}) == -EBADF);

  CHECK(client.call(HOBBES_HIO_EXIT) == 0);
  CHECK(proxy.wait() == 0);
  CHECK(client.call(HOBBES_HIO_NOOP) == -EIO);
}

TEST_CASE("the launcher's directory and umask are the application's", "[host-io]") {
  const TestTree tree;
  HioClient client;
  Process proxy(client.options(Mode::files), [&] {
    ::umask(027);
    if (::chdir(tree.path().c_str()) != 0) ::_exit(126);
  });
  REQUIRE(ready(client));
  CHECK(client.call(SYS_openat, {AT_FDCWD, client.text("made"), O_CREAT | O_WRONLY, 0666}) >= 0);
  struct stat found{};
  REQUIRE(::stat((tree / "made").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0640);
}

TEST_CASE("below a root a proxy that nobody may inspect still finds its own descriptors", "[host-io]") {
  const TestTree tree;
  tree.write("file", "text");
  HioClient client;
  Process proxy(client.options(Mode::files, tree.path().string()), [] {});
  REQUIRE(ready(client));
  const std::int64_t record = client.address(client.make<struct stat>());
  const std::int64_t dir = client.call(SYS_openat, {AT_FDCWD, client.text("/"), O_RDONLY});
  CHECK(client.call(SYS_newfstatat, {AT_FDCWD, client.text("/file"), record, 0}) == 0);
  CHECK(client.call(SYS_newfstatat, {dir, client.text("file"), record, 0}) == 0);
  CHECK(client.call(SYS_newfstatat, {dir, client.text("../../file"), record, 0}) == 0);
}

TEST_CASE("a hang-up, Ctrl-C and a closed pipe do not end a proxy", "[host-io]") {
  HioClient client;
  Pipe out;
  Process proxy(client.options(Mode::all), [&] { ::dup2(out.write.get(), STDOUT_FILENO); });
  REQUIRE(ready(client));
  out.read.reset();
  out.write.reset();
  CHECK(::getsid(proxy.pid()) == proxy.pid());
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE}) ::kill(proxy.pid(), signal);
  CHECK(client.call(SYS_write, {1, client.address(client.allocate(8)), 8}) == -EPIPE);
  CHECK(client.call(HOBBES_HIO_NOOP) == 0);
}

TEST_CASE("a killed proxy is EIO to its callers", "[host-io]") {
  HioClient client;
  Pipe in;
  Process proxy(client.options(Mode::all), [&] { ::dup2(in.read.get(), STDIN_FILENO); });
  REQUIRE(ready(client));
  const std::uint32_t blocked = client.post(SYS_read, {0, client.address(client.allocate(8)), 8});
  client.wait_until_running(blocked);
  CHECK(proxy.kill() == -SIGKILL);
  mark_dead(client.channel());  // as its supervisor does
  CHECK(client.wait(blocked) == -EIO);
  CHECK(client.call(HOBBES_HIO_NOOP) == -EIO);
}

TEST_CASE("what cannot work ends at once, with a sentence and an exit code", "[host-io]") {
  HioClient client;
  Pipe err;
  const auto run = [&](const std::vector<std::string>& arguments, int& code) {
    code = Process(arguments, client.options(Mode::all).blocks, [&] { ::dup2(err.write.get(), STDERR_FILENO); }).wait();
    char text[512];
    const ssize_t length = ::read(err.read.get(), text, sizeof text);
    return std::string(text, static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  };
  int code = 0;
  CHECK_THAT(run({"--mode", "sometimes"}, code), Catch::Contains("hobbes-proxy: --mode: sometimes"));
  CHECK(code == 2);
  Options options = client.options(Mode::all);
  options.root = "/nowhere/at/all";
  CHECK_THAT(run(to_arguments(options), code), Catch::Contains("root directory: /nowhere/at/all: No such file"));
  CHECK(code == 1);
  client.channel().magic = 1;
  CHECK_THAT(run(to_arguments(client.options(Mode::all)), code), Catch::Contains("wrong magic number"));
  CHECK(code == 1);
}

/// Calls drawn at random, biased towards those that get far.
class Noise {
 public:
  explicit Noise(HioClient& client) : client_(client), data_(client.allocate(bytes)) {
    for (std::size_t i = 0; i < bytes; ++i) data_[i] = static_cast<std::byte>(random_() % 4 == 0 ? random_() : 0);
    for (const char* path : {"/file", "../file", "/dir/link", "new", "/dir/../..", "/dir/new/"}) {
      paths_.push_back(client.text(path));
    }
  }
  std::uint32_t nr() { return pick(3) == 0 ? pick(450) : numbers[pick(std::size(numbers))]; }
  std::int64_t argument() {
    switch (pick(7)) {
      case 0: return AT_FDCWD;
      case 1: return pick(8);
      case 2: return client_.address(data_ + pick(bytes));
      case 3: return paths_[pick(paths_.size())];
      case 4: return std::int64_t{1} << pick(64);
      case 5: return static_cast<std::int64_t>(random_());
      default: return -static_cast<std::int64_t>(pick(4096));
    }
  }

 private:
  static constexpr std::size_t bytes = 64 << 10;
  static constexpr std::uint32_t numbers[] = {
      SYS_read,     SYS_write,     SYS_readv,   SYS_preadv2,    SYS_pwritev,    SYS_openat,    SYS_newfstatat, SYS_statx,
      SYS_unlinkat, SYS_renameat2, SYS_linkat,  SYS_symlinkat,  SYS_readlinkat, SYS_mkdirat,   SYS_getdents64, SYS_fcntl,
      SYS_ioctl,    SYS_poll,      SYS_ppoll,   SYS_dup,        SYS_close,      SYS_fchmodat,  SYS_utimensat,  SYS_flock,
      SYS_lseek,    SYS_fallocate, SYS_statfs,  SYS_ftruncate,  SYS_fchownat,   SYS_faccessat2};

  std::uint32_t pick(std::size_t count) { return static_cast<std::uint32_t>(random_() % count); }

  HioClient& client_;
  std::byte* data_;
  std::vector<std::int64_t> paths_;
  std::mt19937_64 random_{20};  // NOLINT: the same noise every time
};

TEST_CASE("a hostile application harms neither the proxy nor what lies outside of its root", "[host-io]") {
  constexpr int rounds = 20'000;
  constexpr rlim_t largest_file = 1 << 20;
  const TestTree tree;
  tree.write("file", "outside");
  fs::create_directories(tree.path() / "root/dir");
  tree.write("root/file", "inside");
  fs::create_symlink("../../file", tree.path() / "root/dir/link");
  HioClient client;
  Process proxy(client.options(Mode::files, tree / "root"), [] {
    const rlimit limit{.rlim_cur = largest_file, .rlim_max = largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    // Nothing of this machine: the noise may truncate what it is given.
    const int file = ::memfd_create("stdio", 0);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(file, fd);
  });
  REQUIRE(ready(client));
  Noise noise(client);
  for (int i = 0; i < rounds; ++i) {
    const std::uint32_t slot = client.post(
        noise.nr(), {noise.argument(), noise.argument(), noise.argument(), noise.argument(), noise.argument(), 0});
    if (i % 4 == 0) client.wait_until_running(slot);
    client.cancel(slot);
    static_cast<void>(client.wait(slot));
  }
  CHECK(client.call(HOBBES_HIO_NOOP) == 0);
  CHECK(tree.read("file") == "outside");
  CHECK(std::distance(fs::directory_iterator(tree.path()), {}) == 2);
}

TEST_CASE("a standard descriptor from outside of the root is read and written, and its file not altered", "[host-io]") {
  const TestTree tree;
  tree.write("file", "outside");
  fs::create_directory(tree.path() / "root");
  tree.write("root/file", "inside");
  HioClient client;
  Process proxy(client.options(Mode::files, tree / "root"), [&tree] {
    ::dup2(::open((tree / "file").c_str(), O_RDONLY), STDIN_FILENO);
    ::dup2(::open((tree / "file").c_str(), O_WRONLY), STDOUT_FILENO);
    ::dup2(::open((tree / "root/file").c_str(), O_RDONLY), STDERR_FILENO);
  });
  REQUIRE(ready(client));
  constexpr std::int64_t cwd = AT_FDCWD;
  const std::int64_t copy = client.call(SYS_fcntl, {STDIN_FILENO, F_DUPFD, 10});
  REQUIRE(copy >= 0);
  for (const std::int64_t fd : {std::int64_t{STDIN_FILENO}, std::int64_t{STDOUT_FILENO}, copy}) {
    CHECK(client.call(SYS_fchmod, {fd, 0777}) == -EPERM);
    CHECK(client.call(SYS_fchown, {fd, 1, 1}) == -EPERM);
    CHECK(client.call(SYS_fchownat, {fd, client.text(""), 1, 1, AT_EMPTY_PATH}) == -EPERM);
    CHECK(client.call(SYS_utimensat, {fd, 0, 0, 0}) == -EPERM);
    CHECK(client.call(SYS_linkat, {fd, client.text(""), cwd, client.text("/stolen"), AT_EMPTY_PATH}) == -EPERM);
  }
  CHECK(client.call(SYS_ftruncate, {STDIN_FILENO, 0}) == -EINVAL);
  CHECK(client.call(SYS_ftruncate, {STDOUT_FILENO, 3}) == 0);
  CHECK(tree.read("file") == "out");
  CHECK(client.call(SYS_fchmod, {STDERR_FILENO, 0600}) == 0);
  CHECK(client.call(SYS_utimensat, {STDERR_FILENO, 0, 0, 0}) == 0);
}

}  // namespace
}  // namespace hobbes::host_io
