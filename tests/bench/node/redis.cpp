// SPDX-License-Identifier: Apache-2.0
// redis-server in an enclave and on Linux, on the same CPU, asked by redis-benchmark from Linux's CPUs through
// loopback. What the enclave asks of its sockets is done on Linux's CPUs, where redis-benchmark runs, too: the least that
// takes is told beside it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdlib>
#include <thread>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/run_once.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

using namespace std::chrono_literals;

constexpr Bytes memory = mib(512);
constexpr auto start_patience = 20s;
constexpr auto look_again = 20ms;
constexpr int requests = 20'000;           // in a sample
constexpr const char* clients = "50";      // redis-benchmark's own choice

struct Command {
  const char* title;
  const char* name;      // of redis-benchmark's -t
  const char* pipelined; // how many requests a client sends at once
};
constexpr Command commands[] = {{"redis-benchmark SET, one request", "set", "1"},
                                {"redis-benchmark GET, one request", "get", "1"},
                                {"redis-benchmark GET, 16 at once, one request", "get", "16"}};

struct Socket {
  UniqueFd fd;
  sockaddr_in address{};
  [[nodiscard]] static Result<Socket> create(std::uint16_t port) {
    Socket made;
    made.fd = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!made.fd) return last_errno("socket");
    made.address.sin_family = AF_INET;
    made.address.sin_port = htons(port);
    made.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return made;
  }
  [[nodiscard]] sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address); }
};

/// One that nobody uses now.
Result<std::uint16_t> find_port() {
  Socket socket = TRY(Socket::create(0));
  socklen_t size = sizeof socket.address;
  if (::bind(socket.fd.get(), socket.generic(), size) != 0 ||
      ::getsockname(socket.fd.get(), socket.generic(), &size) != 0)
    return last_errno("a port on loopback");
  return ntohs(socket.address.sin_port);
}

Result<bool> answers(std::uint16_t port) {
  Socket socket = TRY(Socket::create(port));
  return ::connect(socket.fd.get(), socket.generic(), sizeof socket.address) == 0;
}

/// A server that ends with its owner, or, in the enclave, with the enclave.
class Server {
 public:
  static Result<Server> start(Node& node, Place place) {
    Server server;
    server.port_ = TRY(find_port());
    const std::vector<std::string> args = {TRY(find_program("redis-server")), "--port", std::to_string(server.port_),
                                           "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"};
    const UniqueFd null = TRY(open_null());
    const std::array<int, 3> stdio{null.get(), null.get(), STDERR_FILENO};
    if (place == Place::enclave) {
      TRY(node.launch(MeasuredEnclave::name, {.args = args, .stdio = stdio}));
    } else {
      const OnCpus beside(node.cpus().enclave);
      server.child_ = TRY(Child::spawn(args, stdio, Child::Session::its_own));
    }
    TRY(server.await());
    return server;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// REQUIRES: it is on Linux.
  [[nodiscard]] Result<Nanoseconds> system_time() const { return child_.system_time(); }

 private:
  Server() = default;
  [[nodiscard]] Status await() const {
    const auto give_up = std::chrono::steady_clock::now() + start_patience;
    while (std::chrono::steady_clock::now() < give_up) {
      if (TRY(answers(port_))) return {};
      std::this_thread::sleep_for(look_again);
    }
    return Error(Code::timeout, "redis-server: does not answer on port " + std::to_string(port_));
  }

  Child child_;
  std::uint16_t port_ = 0;
};

/// Of the line `"SET","12345.67",...` behind the headings.
Result<double> requests_per_second(const std::string& csv) {
  const std::size_t line = csv.find('\n');
  const std::size_t start = line == std::string::npos ? line : csv.find(",\"", line);
  const double rate = start == std::string::npos ? 0 : std::atof(csv.c_str() + start + 2);
  if (rate > 0) return rate;
  return Error(Code::corrupt, "redis-benchmark: said '" + csv + "'");
}

Result<Ran> ask(Node& node, const Server& server, const Command& command) {
  return run_once(node, Place::beside,
                  {"redis-benchmark", "-p", std::to_string(server.port()), "-t", command.name, "-P", command.pipelined,
                   "-n", std::to_string(requests), "-c", clients, "--csv"});
}

Contestant asked(Node& node, std::string name, const Server& server, const Command& command) {
  return {std::move(name), [&node, &server, &command](Series& series) -> Status {
            const Ran asked = TRY(ask(node, server, command));
            series.add(Nanoseconds(1s) / TRY(requests_per_second(asked.output)));
            return {};
          }};
}

Nanoseconds time_of_ended_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto nanoseconds = [](const timeval& time) {
    return Nanoseconds(std::chrono::seconds(time.tv_sec)) + std::chrono::microseconds(time.tv_usec);
  };
  return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

/// What redis-benchmark and the calls of a server on Linux keep CPUs busy: on one CPU no server is faster.
Contestant bound(Node& node, const Server& on_linux, const Command& command) {
  return {"bound: their CPU time, on one CPU", [&node, &on_linux, &command](Series& series) -> Status {
            const Nanoseconds client = time_of_ended_children();
            const Nanoseconds server = TRY(on_linux.system_time());
            TRY(ask(node, on_linux, command));
            series.add((time_of_ended_children() - client + TRY(on_linux.system_time()) - server) / requests);
            return {};
          }};
}

}  // namespace

Status measure_redis(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node, memory));
  TRY(find_program("redis-benchmark"));
  const Server inside = TRY(Server::start(node, Place::enclave));
  const Server on_linux = TRY(Server::start(node, Place::on_linux));
  for (const Command& command : commands) {
    const auto times = TRY(alternate(
        {asked(node, "enclave", inside, command), asked(node, "Linux", on_linux, command), bound(node, on_linux, command)},
        rounds));
    report.heading(command.title);
    report.times(times);
    report.ratios({{"requests a second, enclave / Linux", times[1], times[0], {Target::Side::at_least, 0.7}},
                   {"that bound / Linux", times[1], times[2], {Target::Side::none}},
                   {"enclave / that bound", times[2], times[0], {Target::Side::none}}});
  }
  return {};
}

}  // namespace hobbes::bench
