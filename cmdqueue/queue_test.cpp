// SPDX-License-Identifier: Apache-2.0
// Both ends together: in one thread, in two, and in two processes.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <map>

#include "cmdqueue/test_queue.hpp"

using namespace hobbes;
using namespace hobbes::cmdqueue;
using namespace hobbes::cmdqueue::test;

namespace {

RequestId begin(ClientEnd& client, std::string_view payload, Deadline deadline = no_deadline) {
  return get(client.begin(HOBBES_CMD_PING, payload_of(payload), deadline));
}

Request take(ServerEnd& server) {
  std::optional<Request> request = get(server.take());
  REQUIRE(request);
  return *std::move(request);
}

}  // namespace

TEST_CASE("a request is answered with its reply", "[queue]") {
  QueuePair queue;
  const RequestId id = begin(queue.client, "hello");
  const Request request = take(queue.server);
  CHECK(request.id == id);
  CHECK(request.code == HOBBES_CMD_PING);
  CHECK(text_of(request.payload) == "hello");
  get(queue.server.reply(request.id, payload_of("world")));
  CHECK(text(queue.client.await(id)) == "world");
}

TEST_CASE("replies may come in any order", "[queue]") {
  QueuePair queue;
  const RequestId first = begin(queue.client, "1");
  const RequestId second = begin(queue.client, "2");
  const RequestId third = begin(queue.client, "3");
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(take(queue.server));
  for (const int i : {2, 0, 1}) get(queue.server.reply(requests[i].id, requests[i].payload));
  CHECK(text(queue.client.await(second)) == "2");
  CHECK(text(queue.client.await(first)) == "1");
  CHECK(text(queue.client.await(third)) == "3");
}

TEST_CASE("a refusal brings its code, sentence and errno", "[queue]") {
  QueuePair queue;
  const RequestId id = begin(queue.client, "");
  get(queue.server.refuse(take(queue.server).id, Error(Code::denied, "app 5: not yours", EPERM)));
  const Result<Reply> reply = queue.client.await(id);
  CHECK(failure(reply) == "denied: app 5: not yours");
  CHECK(reply.error().sys_errno() == EPERM);
}

TEST_CASE("an unknown command is refused and the queue lives on", "[queue]") {
  QueuePair queue;
  auto server = std::async(std::launch::async, serve, std::move(queue.server));
  CHECK(failure_code(queue.client.call(999, {}, soon())) == "unsupported");
  CHECK(text(queue.client.call(HOBBES_CMD_PING, payload_of("still here"), soon())) == "still here");
  ClientEnd(std::move(queue.client));
  CHECK(failure_code(server.get()) == "unavailable");
}

TEST_CASE("a request that is not answered by its deadline fails, and its late reply harms nobody", "[queue]") {
  QueuePair queue;
  CHECK(failure_code(queue.client.call(HOBBES_CMD_PING, payload_of("late"), within(1ms))) == "timeout");
  const RequestId next = begin(queue.client, "next");
  for (int i = 0; i < 2; ++i) {
    const Request request = take(queue.server);
    get(queue.server.reply(request.id, request.payload));
  }
  CHECK(text(queue.client.await(next)) == "next");
  CHECK(queue.client.in_flight() == 0);
}

TEST_CASE("events reach the client's handler, between replies", "[queue]") {
  QueuePair queue;
  std::string seen;
  queue.client.on_event([&](Event event) {
    seen += std::to_string(event.code) + ":" + std::string(text_of(event.payload)) + " ";
  });
  get(queue.server.notify(5100, payload_of("a")));
  const RequestId id = begin(queue.client, "x");
  get(queue.server.reply(take(queue.server).id, {}));
  get(queue.server.notify(5101, payload_of("b")));
  get(queue.client.await(id));
  get(queue.client.poll());
  CHECK(seen == "5100:a 5101:b ");
}

TEST_CASE("a message larger than the ring travels in pieces", "[queue]") {
  QueuePair queue(small_rings);
  auto server = std::async(std::launch::async, serve, std::move(queue.server));
  for (const std::size_t size : {0u, 1u, 480u, 481u, 1024u, 100'000u}) {
    const std::string sent = long_text(size);
    CHECK(text(queue.client.call(HOBBES_CMD_PING, payload_of(sent), soon())) == sent);
  }
  ClientEnd(std::move(queue.client));
}

TEST_CASE("many bulk requests both ways at once do not block each other", "[queue]") {
  QueuePair queue(small_rings);
  auto server = std::async(std::launch::async, serve, std::move(queue.server));
  std::map<RequestId, std::string> sent;
  for (std::size_t i = 0; i < 50; ++i) {
    const std::string payload = long_text(5000 + i);
    sent.emplace(begin(queue.client, payload, soon()), payload);
  }
  for (const auto& [id, payload] : sent) CHECK(text(queue.client.await(id)) == payload);
  ClientEnd(std::move(queue.client));
}

TEST_CASE("messages larger than the limit are refused on every side", "[queue]") {
  Limits limits;
  limits.max_message = Bytes(1000);
  const std::string fits(1000, 'x');
  const std::string larger(1001, 'x');

  SECTION("the client does not send one") {
    QueuePair queue({}, limits);
    CHECK(failure_code(queue.client.begin(HOBBES_CMD_PING, payload_of(larger))) == "exhausted");
    begin(queue.client, fits);
    CHECK(take(queue.server).payload.size() == 1000);
  }
  SECTION("the server turns such a reply into a refusal") {
    QueuePair queue({}, limits);
    const RequestId id = begin(queue.client, "");
    get(queue.server.reply(take(queue.server).id, payload_of(larger)));
    CHECK(failure_code(queue.client.await(id)) == "exhausted");
  }
  SECTION("a client with a higher limit is refused, and served on") {
    SocketPair sockets;
    ServerEnd server = get(offer_queue(sockets.server.get(), small_rings, limits));
    ClientEnd client = get(accept_queue(sockets.client.get()));
    const RequestId id = begin(client, long_text(800'000));
    auto other = std::async(std::launch::async, serve, std::move(server));
    CHECK(failure_code(client.await(id)) == "exhausted");
    CHECK(text(client.call(HOBBES_CMD_PING, payload_of("on"), soon())) == "on");
    ClientEnd(std::move(client));
  }
  SECTION("a client with a lower limit gets an error for the reply") {
    SocketPair sockets;
    ServerEnd server = get(offer_queue(sockets.server.get()));
    ClientEnd client = get(accept_queue(sockets.client.get(), limits));
    const RequestId id = begin(client, "");
    get(server.reply(take(server).id, payload_of(larger)));
    CHECK(failure_code(client.await(id)) == "exhausted");
  }
}

TEST_CASE("more requests than allowed in flight are refused as busy", "[queue]") {
  Limits limits;
  limits.max_in_flight = 2;
  SocketPair sockets;
  ServerEnd server = get(offer_queue(sockets.server.get(), {}, limits));
  ClientEnd client = get(accept_queue(sockets.client.get()));
  begin(client, "1");
  begin(client, "2");
  const RequestId third = begin(client, "3");
  take(server);
  take(server);
  CHECK_FALSE(get(server.take()));
  CHECK(failure_code(client.await(third)) == "busy");

  QueuePair limited({}, limits);
  begin(limited.client, "1");
  begin(limited.client, "2");
  CHECK(failure_code(limited.client.begin(HOBBES_CMD_PING, {})) == "busy");
}

TEST_CASE("a client that never takes its replies is dropped, not buffered for without end", "[queue]") {
  Limits limits;
  limits.max_backlog = kib(16);
  QueuePair queue(small_rings, limits);
  Result<std::optional<Request>> taken = std::optional<Request>();
  for (int i = 0; i < 1000 && taken; ++i) {
    begin(queue.client, "");
    taken = queue.server.take();
    if (taken && *taken && !queue.server.reply((*taken)->id, payload_of(long_text(400)))) taken = queue.server.take();
  }
  CHECK(failure_code(taken) == "exhausted");
}

TEST_CASE("replying twice, or to nobody, is the server's error", "[queue]") {
  QueuePair queue;
  begin(queue.client, "");
  const Request request = take(queue.server);
  CHECK(failure_code(queue.server.reply(RequestId(12345))) == "not found");
  get(queue.server.reply(request.id));
  CHECK(failure_code(queue.server.reply(request.id)) == "not found");
}

TEST_CASE("completions run once each, and may begin further requests", "[queue]") {
  QueuePair queue;
  std::string order;
  const auto done = [&](const std::string& name) {
    return [&order, name](Result<Reply> reply) { order += name + "=" + text(reply) + " "; };
  };
  get(queue.client.begin(HOBBES_CMD_PING, payload_of("a"), no_deadline, [&](Result<Reply> reply) {
    order += "a=" + text(reply) + " ";
    get(queue.client.begin(HOBBES_CMD_PING, payload_of("b"), no_deadline, done("b")));
  }));
  get(queue.client.begin(HOBBES_CMD_PING, payload_of("c"), within(0ms), done("c")));
  get(queue.client.poll());
  for (int i = 0; i < 3; ++i) {
    if (const auto request = get(queue.server.take())) get(queue.server.reply(request->id, request->payload));
    get(queue.client.poll());
  }
  CHECK(order.substr(0, 10) == "c=timeout:");
  CHECK(order.find("a=a b=b ") != std::string::npos);
  CHECK(queue.client.in_flight() == 0);
}

TEST_CASE("when the server closes, what it sent is taken in and the rest becomes unavailable", "[queue]") {
  QueuePair queue;
  const RequestId answered = begin(queue.client, "1");
  const RequestId unanswered = begin(queue.client, "2");
  get(queue.server.reply(take(queue.server).id, payload_of("done")));
  ServerEnd(std::move(queue.server));
  CHECK(text(queue.client.await(unanswered)).substr(0, 12) == "unavailable:");
  CHECK(text(queue.client.await(answered)) == "done");
  CHECK(failure_code(queue.client.begin(HOBBES_CMD_PING, {})) == "unavailable");
}

TEST_CASE("when the client closes, what it sent is still served first", "[queue]") {
  QueuePair queue;
  begin(queue.client, "last words");
  ClientEnd(std::move(queue.client));
  CHECK(text_of(take(queue.server).payload) == "last words");
  CHECK(failure_code(queue.server.take()) == "unavailable");
  CHECK(failure_code(queue.server.wait(soon())) == "unavailable");
}

TEST_CASE("a client told that its server is dead answers everything with that", "[queue]") {
  QueuePair queue;
  const RequestId id = begin(queue.client, "");
  queue.client.abandon(Error(Code::unavailable, "enclave kitten: no heartbeat"));
  CHECK(failure(queue.client.await(id)) == "unavailable: enclave kitten: no heartbeat");
  CHECK(failure(queue.client.call(HOBBES_CMD_PING, {}, soon())) == "unavailable: enclave kitten: no heartbeat");
}

TEST_CASE("a new client goes on in the memory of a dead one, and is not confused by its replies", "[queue]") {
  const QueueMemory memory = get(QueueMemory::create());
  const auto open = [&] { return get(QueueMemory::receive(UniqueFd(dup(memory.fd())))); };
  ServerEnd server(open(), {});
  {
    ClientEnd first(open(), {});
    begin(first, "old");
  }
  ClientEnd second(open(), {});
  const RequestId id = begin(second, "new");
  for (int i = 0; i < 2; ++i) {
    const Request request = take(server);
    get(server.reply(request.id, request.payload));
  }
  CHECK(text(second.await(id)) == "new");
}

namespace {

/// A server in a process of its own. Killed, or asked to leave, in the destructor.
class ServerProcess {
 public:
  explicit ServerProcess(QueuePair& queue) : pid_(fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      queue.sockets.client.reset();
      [[maybe_unused]] const Status served = serve(std::move(queue.server));
      _exit(0);
    }
    queue.sockets.server.reset();
  }
  ~ServerProcess() { kill(); }

  void kill() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("two processes exchange requests, polling or asleep", "[queue][process]") {
  Limits limits;
  limits.poll = GENERATE(std::chrono::nanoseconds(0), std::chrono::nanoseconds(20us));
  QueuePair queue(small_rings, limits);
  ServerProcess server(queue);
  for (int i = 0; i < 2000; ++i) {
    const std::string sent = long_text(static_cast<std::size_t>(i));
    REQUIRE(text(queue.client.call(HOBBES_CMD_PING, payload_of(sent), soon())) == sent);
  }
}

TEST_CASE("the requests to a process that is killed end as unavailable", "[queue][process]") {
  QueuePair queue;
  ServerProcess server(queue);
  REQUIRE(text(queue.client.call(HOBBES_CMD_PING, payload_of("alive"), soon())) == "alive");

  SECTION("before they are sent") {
    server.kill();
    CHECK(failure_code(queue.client.call(HOBBES_CMD_PING, {}, no_deadline)) == "unavailable");
  }
  SECTION("while the client sleeps") {
    auto killer = std::async(std::launch::async, [&] { server.kill(); });
    Result<Reply> reply = queue.client.call(HOBBES_CMD_PING, {}, no_deadline);
    while (reply) reply = queue.client.call(HOBBES_CMD_PING, {}, no_deadline);
    CHECK(failure_code(reply) == "unavailable");
  }
  SECTION("in an event loop") {
    const RequestId id = begin(queue.client, "");
    server.kill();
    CHECK(failure_code(queue.client.poll()) == "unavailable");
    CHECK(queue.client.take(id));
  }
}

TEST_CASE("futex bells wake both ends, and a dead peer is noticed without a descriptor to wait on", "[queue]") {
  SocketPair sockets;
  const QueueMemory memory = get(QueueMemory::create(small_rings));
  const auto open = [&] { return get(QueueMemory::receive(UniqueFd(dup(memory.fd())))); };
  const auto bell_of_reader = [](const abi::Ring& ring) { return Doorbell::futex(&ring.control().consumer_sleep); };
  const auto client_bell = [&](const QueueMemory& at) { return bell_of_reader(at.view().replies); };
  const auto server_bell = [&](const QueueMemory& at) { return bell_of_reader(at.view().requests); };
  Limits limits;
  limits.poll = 0ns;

  QueueMemory at_server = open();
  Bells server_bells{server_bell(at_server), client_bell(at_server)};
  auto server = std::async(std::launch::async, serve,
                           ServerEnd(std::move(at_server), std::move(server_bells),
                                     PeerWatch::socket(sockets.server.get()), limits));
  QueueMemory at_client = open();
  Bells client_bells{client_bell(at_client), server_bell(at_client)};
  std::optional<ClientEnd> client(std::in_place, std::move(at_client), std::move(client_bells), PeerWatch(), limits);
  for (int i = 0; i < 500; ++i) {
    const std::string sent = long_text(static_cast<std::size_t>(i) * 4);
    REQUIRE(text(client->call(HOBBES_CMD_PING, payload_of(sent), soon())) == sent);
  }
  SECTION("it closes the queue") { client.reset(); }
  SECTION("it dies without a word") { sockets.client.reset(); }
  CHECK(failure_code(server.get()) == "unavailable");
}

TEST_CASE("a message begun while an event loop sleeps still wakes it for room", "[queue]") {
  QueuePair queue(small_rings);
  const Doorbell bell = Doorbell::socket(UniqueFd(dup(queue.client.bell_fd())));
  REQUIRE(queue.client.arm());
  const RequestId id = begin(queue.client, long_text(5000));
  for (int i = 0; i < 100 && queue.server.in_flight() == 0; ++i) {
    get(queue.server.take());
    if (queue.server.in_flight() != 0) break;
    REQUIRE(get(bell.wait(within(0ms), {})) == Doorbell::Wake::rung);
    queue.client.disarm();
    get(queue.client.poll());
    if (queue.client.arm()) continue;
  }
  get(queue.server.reply(id));
  CHECK(text(queue.client.await(id)).empty());
}

TEST_CASE("an event loop that arms before it sleeps misses nothing", "[queue]") {
  QueuePair queue(small_rings);
  auto server = std::async(std::launch::async, serve, std::move(queue.server));
  ClientEnd& client = queue.client;
  int replies = 0;
  int sent = 0;
  const auto send_next = [&](auto& self) -> void {
    if (sent++ == 5000) return;
    get(client.begin(HOBBES_CMD_PING, payload_of(long_text(static_cast<std::size_t>(sent))), no_deadline,
                     [&](Result<Reply> reply) { replies += reply.has_value(), self(self); }));
  };
  for (int i = 0; i < 8; ++i) send_next(send_next);
  const Doorbell bell = Doorbell::socket(UniqueFd(dup(client.bell_fd())));
  while (replies < 5000) {
    get(client.poll());
    if (client.arm() && replies < 5000) REQUIRE(get(bell.wait(soon(), {})) == Doorbell::Wake::rung);
    client.disarm();
  }
  ClientEnd(std::move(client));
}
