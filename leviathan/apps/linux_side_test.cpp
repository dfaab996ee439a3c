// SPDX-License-Identifier: Apache-2.0
// The applications' services on the Linux side of a node without enclaves: requests in, answers out.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <map>
#include <sstream>
#include <thread>

#include "db/check.hpp"
#include "leviathan/apps/apps.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/session.hpp"
#include "leviathan/test_dir.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

using Answer = Result<Payload>;

/// A client's connection without a client.
class FakeSession : public Session {
 public:
  FakeSession() {
    caller_.pid = ::getpid();
    caller_.uid = ::getuid();
    caller_.gid = ::getgid();
  }
  const Caller& caller() const override { return caller_; }
  Result<std::vector<UniqueFd>> take_fds(std::uint64_t) override { return std::exchange(fds, {}); }
  std::uint64_t on_close(std::function<void()> undo) override {
    undo_[next_] = std::move(undo);
    return next_++;
  }
  void forget(std::uint64_t number) override { undo_.erase(number); }
  void send_event(std::uint32_t, std::span<const std::byte>) override {}
  void send_reply(std::uint64_t id, std::uint32_t, Answer answer) override {
    answers.extract(id).mapped().set_value(std::move(answer));
  }
  /// The client goes.
  void close() {
    for (const auto& [number, undo] : std::exchange(undo_, {})) undo();
  }

  std::vector<UniqueFd> fds;
  std::map<std::uint64_t, std::promise<Answer>> answers;

 private:
  Caller caller_;
  std::map<std::uint64_t, std::function<void()>> undo_;
  std::uint64_t next_ = 1;
};

/// A daemon's parts around the applications, running.
class Daemon {
 public:
  explicit Daemon(const std::filesystem::path& dir, bool recovers = false)
      : node_({dir, mib(2)}, *db::Environment::create(dir, {.map_size = mib(64), .group = {}, .boot_id = {}}), nullptr), apps_(node_) {
    if (!recovers) put_master();
    loop_ = std::thread([this] { node_.loop().run(); });
    if (recovers) on_loop([this] { apps_.recover(); });
  }
  ~Daemon() {
    node_.join_workers();
    work_.reset();
    node_.loop().stop();
    loop_.join();
    CHECK(db::check(*node_.db().read()) == std::vector<std::string>{});
  }

  template <typename Work>
  void on_loop(Work work) {
    std::promise<void> done;
    node_.run_on_loop([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  template <typename Message>
  std::future<Answer> begin(void (apps::Apps::*service)(CallPtr), const Message& message) {
    std::future<Answer> answer;
    on_loop([&] {
      const std::uint64_t id = next_id_++;
      answer = session->answers[id].get_future();
      (apps_.*service)(std::make_shared<Call>(session, 0, id, protocol::encode(message)));
    });
    return answer;
  }
  template <typename Message>
  Answer call(void (apps::Apps::*service)(CallPtr), const Message& message) {
    return begin(service, message).get();
  }

  Result<AppId> launch(protocol::LaunchApp message) {
    const auto answer = TRY(call(&apps::Apps::launch, message));
    return TRY(protocol::decode<protocol::AppRef>(answer)).app;
  }
  Result<protocol::AppEnd> wait(AppId app) {
    const auto answer = TRY(call(&apps::Apps::wait, protocol::AppRef{.app = app}));
    return protocol::decode<protocol::AppEnd>(answer);
  }
  std::optional<db::App> record(AppId app) { return *node_.db().read()->get<db::App>(app); }
  std::size_t pending() { return db::pending_operations(*node_.db().read())->size(); }

  std::shared_ptr<FakeSession> session = std::make_shared<FakeSession>();

 private:
  void put_master() {
    auto txn = node_.db().write();
    db::Enclave master;
    master.id = master_enclave;
    master.name = protocol::master_name;
    master.type = db::EnclaveType::master;
    master.state = db::EnclaveState::running;
    REQUIRE(txn->put(master));
    REQUIRE(std::move(*txn).commit());
  }

  Node node_;
  apps::Apps apps_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{node_.loop().get_executor()};
  std::thread loop_;
  std::uint64_t next_id_ = 1;
};

protocol::LaunchApp script(const std::string& text) {
  protocol::LaunchApp message;
  message.enclave = "master";
  message.path = "/bin/sh";
  message.args = {"sh", "-c", text};
  message.env = {"PATH=/usr/bin:/bin"};
  message.cwd = "/";
  message.stdio_token = 1;
  return message;
}

/// Gives the next launch its descriptors; the answer is what comes out.
UniqueFd give_stdio(FakeSession& session) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  session.fds.clear();
  session.fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  session.fds.emplace_back(::fcntl(ends[1], F_DUPFD_CLOEXEC, 0));
  session.fds.emplace_back(ends[1]);
  return UniqueFd(ends[0]);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 512> buffer;
  for (ssize_t count; (count = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::string read_line(int fd) {
  std::string text;
  for (char c = 0; ::read(fd, &c, 1) == 1 && c != '\n';) text += c;
  return text;
}

std::string_view reached;  ///< the last fault point
void remember(std::string_view name) { reached = name; }

}  // namespace

TEST_CASE("a program of the Linux side runs in the foreground and is awaited", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo $HOBBES_ENCLAVE_ID; exit 3"));
  REQUIRE(app);
  CHECK(read_all(out.get()) == "0\n");
  const auto end = daemon.wait(*app);
  REQUIRE(end);
  CHECK(end->exit_code == 3);
  CHECK(daemon.record(*app)->state == db::AppState::stopped);
  CHECK(daemon.wait(*app)->exit_code == 3);  // also afterwards
  CHECK_FALSE(std::filesystem::exists(dir.path() / "apps" / (std::to_string(app->value) + ".status")));
}

TEST_CASE("a launch that fails says why and leaves nothing", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  const UniqueFd out = give_stdio(*daemon.session);
  auto message = script("");
  message.path = "/nowhere/prog";
  const auto app = daemon.launch(message);
  REQUIRE_FALSE(app);
  CHECK(app.error().sys_errno() == ENOENT);
  CHECK(app.error().text() == "'/nowhere/prog': No such file or directory");
  CHECK(daemon.pending() == 0);
  CHECK_FALSE(daemon.record(AppId(1)));
}

TEST_CASE("requests that make no sense are refused", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  auto relative = script("");
  relative.path = "prog";
  CHECK(daemon.launch(relative).error().code() == Code::invalid);
  auto elsewhere = script("");
  elsewhere.enclave = "nowhere";
  CHECK(daemon.launch(elsewhere).error().code() == Code::not_found);
  CHECK(daemon.launch(script("")).error().code() == Code::invalid);  // no descriptors
  CHECK(daemon.wait(AppId(77)).error().text() == "application 77: there is none");
  CHECK(daemon.call(&apps::Apps::kill, protocol::KillApp{.app = AppId(77), .signal = SIGTERM}).error().code() ==
        Code::not_found);
  CHECK(daemon.call(&apps::Apps::kill, protocol::KillApp{.app = AppId(77), .signal = 1000}).error().code() ==
        Code::invalid);
}

TEST_CASE("a signal goes to the program", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo ready; exec sleep 1000"));
  REQUIRE(app);
  REQUIRE(read_line(out.get()) == "ready");
  auto end = daemon.begin(&apps::Apps::wait, protocol::AppRef{.app = *app});
  REQUIRE(daemon.call(&apps::Apps::kill, protocol::KillApp{.app = *app, .signal = SIGTERM}));
  CHECK(protocol::decode<protocol::AppEnd>(*end.get())->signal == SIGTERM);
  CHECK(daemon.record(*app)->state == db::AppState::crashed);
}

TEST_CASE("a foreground program ends with its client", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo ready; exec sleep 1000"));
  REQUIRE(app);
  REQUIRE(read_line(out.get()) == "ready");
  daemon.on_loop([&] { daemon.session->close(); });
  CHECK(read_all(out.get()).empty());  // nobody holds the other end any more
  CHECK(daemon.wait(*app)->signal == SIGKILL);
}

TEST_CASE("a detached program stays when its client goes, and writes to its log", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  auto message = script("echo to the log; exit 2");
  message.detach = true;
  const auto app = daemon.launch(message);
  REQUIRE(app);
  daemon.on_loop([&] { daemon.session->close(); });
  CHECK(daemon.wait(*app)->exit_code == 2);
  std::ifstream log(dir.path() / "apps" / (std::to_string(app->value) + ".log"));
  std::stringstream text;
  text << log.rdbuf();
  CHECK(text.str() == "to the log\n");
}

TEST_CASE("a program that runs while leviathan is restarted is adopted", "[apps]") {
  const TestDir dir;
  UniqueFd out;
  AppId app;
  {
    Daemon first(dir.path());
    out = give_stdio(*first.session);
    const auto launched = first.launch(script("trap 'exit 6' TERM; echo ready; while :; do sleep 0.1; done"));
    REQUIRE(launched);
    app = *launched;
    REQUIRE(read_line(out.get()) == "ready");
  }
  Daemon second(dir.path(), true);
  REQUIRE(second.call(&apps::Apps::kill, protocol::KillApp{.app = app, .signal = SIGTERM}));
  CHECK(second.wait(app)->exit_code == 6);
}

TEST_CASE("a program that ended while leviathan was down has its exit code", "[apps]") {
  const TestDir dir;
  std::array<int, 2> gate{};
  REQUIRE(::pipe2(gate.data(), O_CLOEXEC) == 0);
  UniqueFd opener(gate[1]);
  UniqueFd out;
  AppId app;
  {
    Daemon first(dir.path());
    out = give_stdio(*first.session);
    first.session->fds[0] = UniqueFd(gate[0]);
    const auto launched = first.launch(script("read _; exit 9"));  // until the gate opens
    REQUIRE(launched);
    app = *launched;
  }
  opener.reset();
  (void)read_all(out.get());  // until it has ended
  Daemon second(dir.path(), true);
  CHECK(second.wait(app)->exit_code == 9);
}

TEST_CASE("fault points are passed in order", "[apps]") {
  const TestDir dir;
  Daemon daemon(dir.path());
  const UniqueFd out = give_stdio(*daemon.session);
  fault::observe(remember);
  const auto app = daemon.launch(script("exit 0"));
  fault::observe({});
  REQUIRE(app);
  CHECK(reached == fault::launch_started);
  CHECK(daemon.wait(*app)->exit_code == 0);
}
