// SPDX-License-Identifier: Apache-2.0
// A ping through leviathan to the enclave's kernel and back, beside the same bytes through as many processes that are
// joined by Unix sockets: ours, one where leviathan runs, one on the enclave's CPU.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"

namespace hobbes::bench {
namespace {

constexpr std::size_t payload = 64;
constexpr std::size_t pings_in_a_round = 20;
using Message = std::array<std::byte, payload>;

struct SocketPair {
  UniqueFd near;
  UniqueFd far;

  static Result<SocketPair> create() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return last_errno("socketpair");
    return SocketPair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

/// Passes on what comes from `in` and what comes back, or sends it back itself (`onward` -1), until `in` ends.
[[noreturn]] void serve_messages(int in, int onward) {
  while (true) {
    auto message = read_value<Message>(in);
    if (message && onward >= 0 && write_value(onward, *message)) message = read_value<Message>(onward);
    if (!message || !write_value(in, *message)) ::_exit(0);
  }
}

/// In a process of its own, on `cpus`, that ends with us.
Child relay(const cpu_set_t& cpus, int in, int onward) {
  const OnCpus there(cpus);
  const pid_t pid = ::fork();
  if (pid != 0) return Child(pid);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve_messages(in, onward);
}

class Relay {
 public:
  static Result<Relay> create(const Cpus& cpus) {
    SocketPair first = TRY(SocketPair::create());
    SocketPair second = TRY(SocketPair::create());
    Child echo = relay(cpus.enclave, second.far.get(), -1);
    Child middle = relay(cpus.host, first.far.get(), second.near.get());
    return Relay(std::move(first.near), std::move(middle), std::move(echo));
  }

  Result<Nanoseconds> round_trip() {
    const Nanoseconds start = now();
    TRY(write_value(near_.get(), Message{}));
    TRY(read_value<Message>(near_.get()));
    return now() - start;
  }

 private:
  Relay(UniqueFd near, Child middle, Child echo)
      : near_(std::move(near)), middle_(std::move(middle)), echo_(std::move(echo)) {}

  UniqueFd near_;
  Child middle_;
  Child echo_;
};

Result<Nanoseconds> ping(Node& node) {
  const Nanoseconds start = now();
  TRY(node.client().ping(MeasuredEnclave::name, Bytes(payload)));
  return now() - start;
}

template <typename RoundTrip>
Contestant round_trips(std::string name, RoundTrip round_trip) {
  return {std::move(name), [round_trip](Series& series) -> Status {
            for (std::size_t i = 0; i < pings_in_a_round; ++i) series.add(TRY(round_trip()));
            return {};
          }};
}

}  // namespace

Status measure_ping(Node& node, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node));
  const OnCpus host(node.cpus().host);
  Relay relay = TRY(Relay::create(node.cpus()));
  const auto times = TRY(alternate({round_trips("ping, client to leviathan to the enclave", [&] { return ping(node); }),
                                    round_trips("relay over Unix sockets", [&] { return relay.round_trip(); })},
                                   rounds));
  print_heading("ping of " + std::to_string(payload) + " bytes, there and back");
  print_times(times);
  print_ratios({{"ping / relay", times[0], times[1], {Target::Side::at_most, 1}}});
  return {};
}

}  // namespace hobbes::bench
