// SPDX-License-Identifier: Apache-2.0
// Applications of the Linux side through the real keeper.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "leviathan/apps/linux_app.hpp"
#include "base/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;
using namespace hobbes::leviathan::apps;

namespace {

constexpr AppId app{42};

/// A pipe whose write end is an application's standard output.
struct Output {
  Output() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  /// Everything, until the last process that holds the other end has gone.
  std::string all() {
    writer.reset();
    std::string text;
    std::array<char, 4096> buffer;
    for (ssize_t count; (count = ::read(reader.get(), buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  /// Up to the end of a line.
  std::string line() {
    std::string text;
    for (char c = 0; ::read(reader.get(), &c, 1) == 1 && c != '\n';) text += c;
    return text;
  }
  UniqueFd reader, writer;
};

keeper::Job shell_job(const std::string& script) {
  return {.program = "/bin/sh", .args = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}, .cwd = "/"};
}

struct LinuxSide {
  Result<LinuxApp> start(keeper::Job job) {
    return start_linux_app(dir.path(), app, std::move(job), {STDIN_FILENO, output.writer.get(), output.writer.get()});
  }
  LinuxApp run(const std::string& script) {
    auto started = start(shell_job(script));
    REQUIRE(started);
    return *std::move(started);
  }
  End end_of(const LinuxApp& started) {
    await_helper_end(started.keeper.pidfd.get());
    return end_of_linux_app(dir.path(), app);
  }
  TestDir dir;
  Output output;
};

bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << stat.rdbuf();
  const std::string line = text.str();
  const std::size_t behind = line.rfind(')');
  return behind != std::string::npos && line[behind + 2] != 'Z';
}

}  // namespace

TEST_CASE("a program's output and exit code come back", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run("echo hello; exit 3");
  CHECK(side.output.all() == "hello\n");
  const End end = side.end_of(started);
  CHECK(end.exit_code == 3);
  CHECK(end.signal == 0);
}

TEST_CASE("the signal that ended a program comes back", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run("kill -SEGV $$");
  CHECK(side.end_of(started).signal == SIGSEGV);
}

TEST_CASE("a signal reaches the program's process group", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run("trap 'exit 7' TERM; echo ready; while :; do sleep 1; done");
  REQUIRE(side.output.line() == "ready");
  REQUIRE(signal_linux_app(started.keeper.pidfd.get(), SIGTERM));
  CHECK(side.end_of(started).exit_code == 7);
}

TEST_CASE("SIGKILL reaches descendants that left the session", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run("setsid sh -c 'echo $$; exec sleep 1000' & wait");
  const pid_t fugitive = std::stoi(side.output.line());
  REQUIRE(alive(fugitive));
  REQUIRE(signal_linux_app(started.keeper.pidfd.get(), SIGKILL));
  CHECK(side.end_of(started).signal == SIGKILL);
  CHECK_FALSE(alive(fugitive));
}

TEST_CASE("what a program leaves behind ends with it", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run(
      "trap 'exit 5' TERM; setsid sh -c 'echo $$; exec sleep 1000' & while :; do sleep 0.1; done");
  const pid_t leftover = std::stoi(side.output.line());
  REQUIRE(signal_linux_app(started.keeper.pidfd.get(), SIGTERM));
  CHECK(side.end_of(started).exit_code == 5);
  CHECK_FALSE(alive(leftover));
}

TEST_CASE("a program that cannot be run is an error of the launch", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("");
  SECTION("because it is not there") {
    job.program = "/nowhere/prog";
    const auto started = side.start(std::move(job));
    REQUIRE_FALSE(started);
    CHECK(started.error().sys_errno() == ENOENT);
    CHECK(started.error().text() == "'/nowhere/prog': No such file or directory");
  }
  SECTION("because it is not executable") {
    job.program = "/etc/passwd";
    CHECK(side.start(std::move(job)).error().sys_errno() == EACCES);
  }
  SECTION("because it is no program") {
    const auto file = side.dir.path() / "text";
    std::ofstream(file) << "just text";
    REQUIRE(::chmod(file.c_str(), 0755) == 0);
    job.program = file;
    CHECK(side.start(std::move(job)).error().sys_errno() == ENOEXEC);
  }
  SECTION("because its directory is not there") {
    job.cwd = "/nowhere";
    CHECK(side.start(std::move(job)).error().text() == "'/nowhere': No such file or directory");
  }
}

TEST_CASE("directory, umask and environment are the job's", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("pwd; umask; echo $GREETING");
  job.cwd = "/usr";
  job.umask = 027;
  job.env.push_back("GREETING=hi");
  REQUIRE(side.start(std::move(job)));
  CHECK(side.output.all() == "/usr\n0027\nhi\n");
}

TEST_CASE("each rank knows its number, and the first failure is the end", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("echo $PMI_RANK of $PMI_SIZE; exit $((PMI_RANK == 1 ? 9 : 0))");
  job.ranks = job.job_ranks = 3;
  const auto started = side.start(std::move(job));
  REQUIRE(started);
  std::string text = side.output.all();
  for (const char* line : {"0 of 3\n", "1 of 3\n", "2 of 3\n"}) CHECK(text.find(line) != std::string::npos);
  CHECK(side.end_of(*started).exit_code == 9);
}

TEST_CASE("a rank's death is the end of all, and says so", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("[ $PMI_RANK = 1 ] || exec sleep 1000; kill -SEGV $$");
  job.ranks = job.job_ranks = 3;
  const auto started = side.start(std::move(job));
  REQUIRE(started);
  const End end = side.end_of(*started);
  CHECK(end.signal == SIGSEGV);
  CHECK(end.reason == "rank 1 was ended by signal 11 (Segmentation fault), and its job with it");
}

TEST_CASE("what all ranks were sent is no rank's own death", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("[ $PMI_RANK = 1 ] || trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
  job.ranks = job.job_ranks = 2;
  const auto started = side.start(std::move(job));
  REQUIRE(started);
  for (int rank = 0; rank < 2; ++rank) REQUIRE(side.output.line() == "ready");
  REQUIRE(signal_linux_app(started->keeper.pidfd.get(), SIGTERM));
  CHECK(side.end_of(*started).reason.empty());
}

TEST_CASE("each rank has a descriptor of its own", "[keeper]") {
  LinuxSide side;
  keeper::Job job = shell_job("echo $PMI_RANK >&3");
  job.ranks = job.job_ranks = 2;
  std::vector<UniqueFd> rank_fds;
  std::array<Output, 2> said;
  for (const Output& output : said) rank_fds.push_back(output.writer.duplicate().value());
  const auto started = start_linux_app(side.dir.path(), app, std::move(job), {0, 1, 2}, rank_fds);
  REQUIRE(started);
  rank_fds.clear();
  CHECK(said[0].all() == "0\n");
  CHECK(said[1].all() == "1\n");
  CHECK(side.end_of(*started).exit_code == 0);
}

TEST_CASE("a killed keeper takes its program along and counts as a crash", "[keeper]") {
  LinuxSide side;
  const LinuxApp started = side.run("echo ready; exec sleep 1000");
  REQUIRE(side.output.line() == "ready");
  end_helper(started.keeper.pidfd.get());
  const End end = side.end_of(started);
  CHECK(end.signal == SIGKILL);
  CHECK(end.reason == "its keeper was killed");
  side.output.all();  // ends when the program has: it holds the other end
}

TEST_CASE("an application survives its leviathan and is found again", "[keeper]") {
  LinuxSide side;
  const pid_t leviathan = ::fork();
  REQUIRE(leviathan >= 0);
  if (leviathan == 0) {
    const auto started = side.start(shell_job("echo ready; exec sleep 1000"));
    ::_exit(started ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(leviathan, &status, 0) == leviathan);
  REQUIRE(status == 0);
  REQUIRE(side.output.line() == "ready");
  auto helpers = find_helpers(side.dir.path());
  REQUIRE(helpers.size() == 1);
  CHECK(helpers.begin()->first == app);
  const int pidfd = helpers.begin()->second.pidfd.get();
  REQUIRE(signal_linux_app(pidfd, SIGTERM));
  await_helper_end(pidfd);
  CHECK(end_of_linux_app(side.dir.path(), app).signal == SIGTERM);
}

TEST_CASE("helpers of another run directory are not ours", "[keeper]") {
  LinuxSide side, other;
  const LinuxApp started = side.run("exec sleep 1000");
  CHECK(find_helpers(other.dir.path()).empty());
  CHECK(find_helpers(side.dir.path()).count(app) == 1);
  undo_linux_app(side.dir.path(), app, started.keeper.pidfd.get());
  CHECK(find_helpers(side.dir.path()).empty());
}

TEST_CASE("a missing helper program is named with the places searched", "[keeper]") {
  const auto found = find_helper("hobbes-nothing");
  REQUIRE_FALSE(found);
  CHECK(found.error().code() == Code::not_found);
  CHECK(found.error().text().find("helper program 'hobbes-nothing': not in ") == 0);
}
