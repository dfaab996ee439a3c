// SPDX-License-Identifier: Apache-2.0
// The applications' services: requests in, answers out. On the Linux side with the real keeper; in pretend enclaves with
// a stand-in for the proxy.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <map>
#include <sstream>

#include "base/spawn.hpp"
#include "leviathan/apps/apps.hpp"
#include "leviathan/apps/helper.hpp"
#include "leviathan/apps/proxy_list.hpp"
#include "leviathan/apps/records.hpp"
#include "leviathan/enclaves/destroy.hpp"
#include "leviathan/fault_point.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/server/session.hpp"
#include "leviathan/test_node.hpp"

using namespace hobbes;
using namespace hobbes::leviathan;

namespace {

using Answer = Result<Payload>;

/// A client's connection without a client.
class FakeSession : public Session {
 public:
  explicit FakeSession(uid_t uid = ::getuid()) {
    caller_.pid = ::getpid();
    caller_.uid = uid;
    caller_.gid = ::getgid();
    caller_.may_read = true;
    caller_.may_change = uid == ::getuid();
  }
  const Caller& caller() const override { return caller_; }
  Result<std::vector<UniqueFd>> take_fds(std::uint64_t) override { return std::exchange(fds, {}); }
  Result<std::uint64_t> send_fds(std::span<const int>) override { return Error(Code::unsupported, "no socket"); }
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

/// A daemon's part for applications, running.
class Daemon {
 public:
  Daemon() { start(); }
  ~Daemon() {
    if (!apps_) return;
    node_.check_sound();
    stop();
  }

  TestNode& node() { return node_; }
  const std::filesystem::path& path() { return node_.path(); }

  /// The leviathan is gone. What it was asked goes unanswered.
  void stop() {
    node_.node().join_workers();
    on_loop([this] {
      node_.node().loop().stop();  // nothing runs after this, so nobody misses the part
      apps_.reset();
    });
    node_.stop();
  }
  /// The next leviathan.
  void restart() {
    if (apps_) stop();
    node_.restart();
    start();
    on_loop([this] { apps_->recover(); });
  }

  template <typename Work>
  void on_loop(Work work) {
    node_.node().run_on_loop_and_wait(work);
  }

  template <typename Message>
  std::future<Answer> begin(void (apps::Apps::*service)(CallPtr), const Message& message) {
    std::future<Answer> answer;
    on_loop([&] {
      const std::uint64_t id = next_id_++;
      answer = session->answers[id].get_future();
      ((*apps_).*service)(std::make_shared<Call>(session, 0, id, protocol::encode(message)));
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
  Status kill(AppId app, int signal) {
    TRY(call(&apps::Apps::kill, protocol::KillApp{.app = app, .signal = signal}));
    return {};
  }
  void end_linux_apps(std::function<void()> done) {
    on_loop([&] { apps_->end_linux_apps(std::move(done)); });
  }
  std::optional<db::App> record(AppId app) { return *node_.node().db().read()->get<db::App>(app); }

  std::shared_ptr<FakeSession> session = std::make_shared<FakeSession>();

 private:
  void start() {
    on_loop([this] { apps_.emplace(node_.node()); });
  }

  TestNode node_;
  std::optional<apps::Apps> apps_;
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
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo $HOBBES_ENCLAVE_ID; exit 3"));
  REQUIRE(app);
  CHECK(read_all(out.get()) == "0\n");
  const auto end = daemon.wait(*app);
  REQUIRE(end);
  CHECK(end->exit_code == 3);
  CHECK(daemon.record(*app)->state == db::AppState::stopped);
  CHECK(daemon.wait(*app)->exit_code == 3);  // also afterwards
  CHECK_FALSE(std::filesystem::exists(daemon.path() / "apps" / (std::to_string(app->value) + ".status")));
}

TEST_CASE("a launch that fails says why and leaves nothing", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  auto message = script("");
  message.path = "/nowhere/prog";
  const auto app = daemon.launch(message);
  REQUIRE_FALSE(app);
  CHECK(app.error().sys_errno() == ENOENT);
  CHECK(app.error().text() == "'/nowhere/prog': No such file or directory");
  CHECK_FALSE(daemon.record(AppId(1)));
}

TEST_CASE("requests that make no sense are refused", "[apps]") {
  Daemon daemon;
  auto relative = script("");
  relative.path = "prog";
  CHECK(daemon.launch(relative).error().code() == Code::invalid);
  auto elsewhere = script("");
  elsewhere.enclave = "nowhere";
  CHECK(daemon.launch(elsewhere).error().code() == Code::not_found);
  CHECK(daemon.launch(script("")).error().code() == Code::invalid);  // no descriptors
  CHECK(daemon.wait(AppId(77)).error().text() == "application 77: there is none");
  CHECK(daemon.kill(AppId(77), SIGTERM).error().code() == Code::not_found);
  CHECK(daemon.kill(AppId(77), 1000).error().code() == Code::invalid);
}

TEST_CASE("a signal goes to the program", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo ready; exec sleep 1000"));
  REQUIRE(app);
  REQUIRE(read_line(out.get()) == "ready");
  auto end = daemon.begin(&apps::Apps::wait, protocol::AppRef{.app = *app});
  REQUIRE(daemon.kill(*app, SIGTERM));
  CHECK(protocol::decode<protocol::AppEnd>(*end.get())->signal == SIGTERM);
  CHECK(daemon.record(*app)->state == db::AppState::crashed);
}

TEST_CASE("a foreground program ends with its client", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("echo ready; exec sleep 1000"));
  REQUIRE(app);
  REQUIRE(read_line(out.get()) == "ready");
  daemon.on_loop([&] { daemon.session->close(); });
  CHECK(read_all(out.get()).empty());  // nobody holds the other end any more
  CHECK(daemon.wait(*app)->signal == SIGKILL);
}

TEST_CASE("a detached program stays when its client goes, and writes to its log", "[apps]") {
  Daemon daemon;
  auto message = script("echo to the log; exit 2");
  message.detach = true;
  const auto app = daemon.launch(message);
  REQUIRE(app);
  daemon.on_loop([&] { daemon.session->close(); });
  CHECK(daemon.wait(*app)->exit_code == 2);
  std::ifstream log(daemon.path() / "apps" / (std::to_string(app->value) + ".log"));
  std::stringstream text;
  text << log.rdbuf();
  CHECK(text.str() == "to the log\n");
}

TEST_CASE("a program that runs while leviathan is restarted is adopted", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  const auto app = daemon.launch(script("trap 'exit 6' TERM; echo ready; while :; do sleep 0.1; done"));
  REQUIRE(app);
  REQUIRE(read_line(out.get()) == "ready");
  daemon.restart();
  REQUIRE(daemon.kill(*app, SIGTERM));
  CHECK(daemon.wait(*app)->exit_code == 6);
}

TEST_CASE("a program that ended while leviathan was down has its exit code", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  std::array<int, 2> gate{};
  REQUIRE(::pipe2(gate.data(), O_CLOEXEC) == 0);
  UniqueFd opener(gate[1]);
  daemon.session->fds[0] = UniqueFd(gate[0]);
  const auto app = daemon.launch(script("read _; exit 9"));  // until the gate opens
  REQUIRE(app);
  daemon.stop();
  opener.reset();
  (void)read_all(out.get());  // until it has ended
  daemon.restart();
  CHECK(daemon.wait(*app)->exit_code == 9);
}

TEST_CASE("a launch that leviathan died in is rolled back by the next one", "[apps]") {
  Daemon daemon;
  auto txn = daemon.node().node().db().write();
  REQUIRE(txn);
  const auto launch = apps::begin_launch(*txn, {.enclave = master_enclave, .name = "half", .path = "/x", .command = {}});
  REQUIRE(launch);
  REQUIRE(std::move(*txn).commit());
  daemon.restart();
  CHECK_FALSE(daemon.record(launch->app));
}

TEST_CASE("fault points are passed in order", "[apps]") {
  Daemon daemon;
  const UniqueFd out = give_stdio(*daemon.session);
  fault::observe(remember);
  const auto app = daemon.launch(script("exit 0"));
  fault::observe({});
  REQUIRE(app);
  CHECK(reached == fault::launch_started);
  CHECK(daemon.wait(*app)->exit_code == 0);
}

TEST_CASE("the Linux side's programs are asked to end, killed if they do not, and their ends are recorded", "[apps]") {
  Daemon daemon;
  const UniqueFd polite_out = give_stdio(*daemon.session);
  const auto polite = daemon.launch(script("trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done"));
  REQUIRE(polite);
  const UniqueFd stubborn_out = give_stdio(*daemon.session);
  const auto stubborn = daemon.launch(script("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
  REQUIRE(stubborn);
  REQUIRE(read_line(polite_out.get()) == "ready");
  REQUIRE(read_line(stubborn_out.get()) == "ready");

  auto told = daemon.begin(&apps::Apps::wait, protocol::AppRef{.app = *polite});
  std::promise<void> ended;
  daemon.end_linux_apps([&] { ended.set_value(); });
  ended.get_future().wait();
  CHECK(protocol::decode<protocol::AppEnd>(*told.get())->exit_code == 5);
  CHECK(daemon.record(*polite)->exit_code == 5);
  CHECK(daemon.record(*stubborn)->signal == SIGKILL);
}

TEST_CASE("where nothing runs on the Linux side, it has ended at once", "[apps]") {
  Daemon daemon;
  std::promise<void> ended;
  daemon.end_linux_apps([&] { ended.set_value(); });
  ended.get_future().wait();
}

// ---- In an enclave, whose kernel only pretends: /bin/true and /bin/false end at once, others when they are killed.

namespace {

protocol::LaunchApp program(const std::string& path) {
  protocol::LaunchApp message = script("");
  message.enclave = "kitten";
  message.path = path;
  message.args = {path};
  return message;
}

struct DaemonWithEnclave : Daemon {
  DaemonWithEnclave() {
    REQUIRE(node().create("kitten"));
    out = give_stdio(*session);
  }
  ~DaemonWithEnclave() {
    // Proxies of applications that have just ended go with it; a test may have destroyed it already.
    (void)enclaves::destroy_enclave(node().node(), "kitten");
  }
  /// The proxy of the only application. A process can be told from others only a moment after its start.
  apps::Helper proxy() {
    while (true) {
      auto helpers = apps::find_helpers(path());
      if (!helpers.empty()) return std::move(helpers.begin()->second);
    }
  }
  UniqueFd out;
};

}  // namespace

TEST_CASE("an enclave's program reports its exit code", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/false"));
  REQUIRE(app);
  CHECK(daemon.wait(*app)->exit_code == 1);
  CHECK(daemon.record(*app)->state == db::AppState::stopped);
}

TEST_CASE("an enclave's program is killed by its number, and its proxy ends with it", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/forever"));
  REQUIRE(app);
  CHECK(daemon.record(*app)->state == db::AppState::running);
  const apps::Helper proxy = daemon.proxy();
  REQUIRE(daemon.kill(*app, SIGTERM));
  CHECK(daemon.wait(*app)->signal == SIGTERM);
  apps::await_helper_end(proxy.pidfd.get());
}

TEST_CASE("an enclave's foreground program ends with its client", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/forever"));
  REQUIRE(app);
  const apps::Helper proxy = daemon.proxy();
  daemon.on_loop([&] { daemon.session->close(); });
  CHECK(daemon.wait(*app)->signal == SIGKILL);
  apps::await_helper_end(proxy.pidfd.get());
}

TEST_CASE("an enclave's program survives its proxy", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/forever"));
  REQUIRE(app);
  const apps::Helper proxy = daemon.proxy();
  apps::end_helper(proxy.pidfd.get());
  apps::await_helper_end(proxy.pidfd.get());
  CHECK(daemon.record(*app)->state == db::AppState::running);
  REQUIRE(daemon.kill(*app, SIGKILL));
  CHECK(daemon.wait(*app)->signal == SIGKILL);
}

TEST_CASE("an enclave's program is adopted with its proxy by the next leviathan", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/forever"));
  REQUIRE(app);
  const apps::Helper proxy = daemon.proxy();
  daemon.restart();
  REQUIRE(daemon.kill(*app, SIGINT));
  CHECK(daemon.wait(*app)->signal == SIGINT);
  apps::await_helper_end(proxy.pidfd.get());
}

TEST_CASE("a destroyed enclave's programs are over, and so are their proxies", "[apps]") {
  DaemonWithEnclave daemon;
  const auto app = daemon.launch(program("/bin/forever"));
  REQUIRE(app);
  const apps::Helper proxy = daemon.proxy();
  auto end = daemon.begin(&apps::Apps::wait, protocol::AppRef{.app = *app});
  REQUIRE(enclaves::destroy_enclave(daemon.node().node(), "kitten"));
  CHECK(protocol::decode<protocol::AppEnd>(*end.get())->signal == SIGKILL);
  CHECK(apps::has_ended(proxy));
}

TEST_CASE("a proxy that starts while its enclave is being destroyed does not live", "[apps]") {
  apps::ProxyList proxies;
  REQUIRE(proxies.end());
  const SpawnSpec sleeper{.program = "/bin/sleep", .args = {"sleep", "1000"}, .env = {}, .fds = {0, 1, 2}, .cwd = "/"};
  auto child = spawn(sleeper);
  REQUIRE(child);
  const apps::Helper late{child->pid, std::move(child->pidfd)};
  CHECK(proxies.add(AppId(1), late).error().code() == Code::unavailable);
  CHECK(apps::has_ended(late));
}

TEST_CASE("whoever may not change the node uses what is his and nothing else", "[apps]") {
  constexpr uid_t enclave_owner = 7, stranger = 8;  // TestNode creates enclaves as 7
  DaemonWithEnclave daemon;
  const auto admins = daemon.launch(program("/bin/forever"));
  REQUIRE(admins);

  daemon.session = std::make_shared<FakeSession>(stranger);
  CHECK(daemon.launch(program("/bin/forever")).error().code() == Code::denied);
  CHECK(daemon.kill(*admins, SIGKILL).error().code() == Code::denied);
  CHECK(daemon.wait(*admins).error().code() == Code::denied);

  daemon.session = std::make_shared<FakeSession>(enclave_owner);
  CHECK_THAT(daemon.kill(*admins, SIGKILL).error().text(), Catch::Contains("belongs to user"));
  if (::geteuid() != 0) return;  // only root starts programs as somebody else
  protocol::LaunchApp message = program("/bin/forever");
  message.cwd = "/";
  daemon.out = give_stdio(*daemon.session);
  const auto his = daemon.launch(message);
  if (!his && his.error().sys_errno() == EACCES) return;  // he cannot reach the proxy in this build's directory
  REQUIRE(his);
  CHECK(daemon.record(*his)->owner_uid == enclave_owner);
  CHECK(daemon.kill(*his, SIGTERM));
  CHECK(daemon.wait(*his)->signal == SIGTERM);
}
