// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/host-io/job.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <vector>

#include "kernel-bridge/abi/host_io.h"

namespace hobbes::host_io {
namespace {

struct Sockets {
  UniqueFd sender, receiver;
  Sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    sender.reset(ends[0]);
    receiver.reset(ends[1]);
  }
};

/// Runs `child` in a process of its own, for it changes its descriptors and environment; its exit status.
template <typename Body>
int in_child(const Body& body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Options job_options(int block_fd) {
  Options options;
  options.app = 4711;
  options.channel = 4096;
  options.blocks = {{.base = 0, .size = mib(2), .fd = block_fd}};
  return options;
}

}  // namespace

TEST_CASE("a job arrives with its descriptors, standard ones in their places", "[host-io]") {
  const Sockets sockets;
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const UniqueFd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  REQUIRE(send_job(sockets.sender.get(), job_options(write_end.get()),
                   std::array{read_end.get(), write_end.get(), write_end.get()}));
  CHECK(in_child([&] {
          const auto job = receive_job(sockets.receiver.get());
          if (!job || !*job || (*job)->options.app != 4711) return 1;
          if (::write(STDOUT_FILENO, "out", 3) != 3) return 2;
          return ::write((*job)->options.blocks[0].fd, "block", 5) == 5 ? 0 : 3;
        }) == 0);
  char text[9] = {};
  CHECK(::read(read_end.get(), text, sizeof text - 1) == 8);
  CHECK(std::string(text) == "outblock");
}

TEST_CASE("a job brings the socket on which files are lent", "[host-io]") {
  const Sockets sockets;
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const UniqueFd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  Options options = job_options(0);
  options.lender = write_end.get();
  REQUIRE(send_job(sockets.sender.get(), options, std::array{0, 1, 2}));
  CHECK(in_child([&] {
          const auto job = receive_job(sockets.receiver.get());
          return job && *job && ::write((*job)->options.lender, "lent", 4) == 4 ? 0 : 1;
        }) == 0);
  char text[5] = {};
  CHECK(::read(read_end.get(), text, sizeof text - 1) == 4);
}

TEST_CASE("a job may leave its channel open", "[host-io]") {
  Sockets sockets;
  Options options = job_options(0);
  options.channel.reset();
  REQUIRE(send_job(sockets.sender.get(), options, std::array{0, 1, 2}));
  REQUIRE(send_channel(sockets.sender.get(), 8192));
  const auto job = receive_job(sockets.receiver.get());
  REQUIRE(job);
  CHECK_FALSE((*job)->options.channel.has_value());
  CHECK(receive_channel(sockets.receiver.get()).value() == 8192);
  sockets.sender.reset();
  CHECK(receive_channel(sockets.receiver.get()).error().code() == Code::unavailable);
}

TEST_CASE("ranks' descriptors come to their places, however many", "[host-io]") {
  const Sockets sockets;
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const UniqueFd read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  std::vector<int> ranks(300, write_end.get());  // more than one message holds
  REQUIRE(send_job(sockets.sender.get(), job_options(0), std::array{0, 1, 2}, ranks));
  CHECK(in_child([&] {
          const auto job = receive_job(sockets.receiver.get());
          if (!job || !*job || (*job)->options.rank_fds != 300) return 1;
          return ::write(HOBBES_HIO_FIRST_RANK_FD + 299, "rank", 4) == 4 ? 0 : 2;
        }) == 0);
  char text[5] = {};
  CHECK(::read(read_end.get(), text, sizeof text - 1) == 4);
  CHECK(std::string(text) == "rank");
}

TEST_CASE("no job comes when its sender has gone", "[host-io]") {
  Sockets sockets;
  sockets.sender.reset();
  const auto job = receive_job(sockets.receiver.get());
  REQUIRE(job);
  CHECK_FALSE(job->has_value());
}

TEST_CASE("a job without its descriptors is refused", "[host-io]") {
  const Sockets sockets;
  CHECK_FALSE(send_job(sockets.sender.get(), job_options(0), std::array{0, 1}));
}

TEST_CASE("a refusal tells its reason, a closed socket that all is well", "[host-io]") {
  Sockets sockets;
  SECTION("refused") {
    refuse_job(sockets.receiver.get(), errno_error(EACCES, "'/root'"));
    const Status answer = await_answer(sockets.sender.get());
    REQUIRE_FALSE(answer);
    CHECK(answer.error().text() == "'/root': Permission denied");
    CHECK(answer.error().sys_errno() == EACCES);
  }
  SECTION("done") {
    sockets.receiver.reset();
    CHECK(await_answer(sockets.sender.get()));
  }
}

TEST_CASE("a mark is made over in place", "[host-io]") {
  std::string mark = mark_of("/run/x", 0);
  CHECK(mark == "HOBBES_HELPER_OF=/run/x:00000000000000000000");
  REQUIRE(::putenv(mark.data()) == 0);
  remark(4711);
  CHECK(mark == mark_of("/run/x", 4711));
  ::unsetenv("HOBBES_HELPER_OF");
}

}  // namespace hobbes::host_io
