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

constexpr Bytes payload(64);
constexpr std::size_t pings_in_a_round = 20;
/// Up to what one frame of a queue holds.
constexpr std::array sizes = {Bytes(8), Bytes(64), Bytes(512), kib(4), kib(16), kib(60)};
constexpr std::size_t share_of_rounds = 4;  // for each size, one round in so many

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
[[noreturn]] void serve_messages(int in, int onward, Bytes size) {
  std::vector<std::byte> message(size.value);
  while (true) {
    bool whole = static_cast<bool>(read_exactly(in, message));
    if (whole && onward >= 0) whole = write_exactly(onward, message) && read_exactly(onward, message);
    if (!whole || !write_exactly(in, message)) ::_exit(0);
  }
}

/// In a process of its own, on `cpus`, that ends with us.
Child relay(const cpu_set_t& cpus, int in, int onward, Bytes size) {
  const OnCpus there(cpus);
  const pid_t pid = ::fork();
  if (pid != 0) return Child(pid);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  serve_messages(in, onward, size);
}

class Relay {
 public:
  static Result<Relay> create(const Cpus& cpus, Bytes size) {
    SocketPair first = TRY(SocketPair::create());
    SocketPair second = TRY(SocketPair::create());
    Child echo = relay(cpus.enclave, second.far.get(), -1, size);
    Child middle = relay(cpus.host, first.far.get(), second.near.get(), size);
    return Relay(std::move(first.near), std::move(middle), std::move(echo), size);
  }

  Result<Nanoseconds> round_trip() {
    const Nanoseconds start = now();
    TRY(write_exactly(near_.get(), message_));
    TRY(read_exactly(near_.get(), message_));
    return now() - start;
  }

 private:
  Relay(UniqueFd near, Child middle, Child echo, Bytes size)
      : near_(std::move(near)), middle_(std::move(middle)), echo_(std::move(echo)), message_(size.value) {}

  UniqueFd near_;
  Child middle_;
  Child echo_;
  std::vector<std::byte> message_;
};

Result<Nanoseconds> ping(Node& node, Bytes size) {
  const Nanoseconds start = now();
  TRY(node.client().ping(MeasuredEnclave::name, size));
  return now() - start;
}

template <typename RoundTrip>
Contestant round_trips(std::string name, RoundTrip round_trip) {
  return {std::move(name), [round_trip](Series& series) -> Status {
            for (std::size_t i = 0; i < pings_in_a_round; ++i) series.add(TRY(round_trip()));
            return {};
          }};
}

Result<std::vector<Series>> compare(Node& node, Bytes size, std::size_t rounds) {
  Relay relay = TRY(Relay::create(node.cpus(), size));
  return alternate({round_trips("ping, client to leviathan to the enclave", [&] { return ping(node, size); }),
                    round_trips("relay over Unix sockets", [&] { return relay.round_trip(); })},
                   rounds);
}

}  // namespace

Status measure_ping(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node));
  const OnCpus host(node.cpus().host);
  const auto times = TRY(compare(node, payload, rounds));
  report.heading("ping of " + std::to_string(payload.value) + " bytes, there and back");
  report.times(times);
  report.ratios({{"ping / relay", times[0], times[1], {Target::Side::at_most, 1}}});
  report.start_curves("ping by size, there and back");
  for (const Bytes size : sizes) report.points(size, TRY(compare(node, size, rounds / share_of_rounds + 1)));
  return {};
}

}  // namespace hobbes::bench
