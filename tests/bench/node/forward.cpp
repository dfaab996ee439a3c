// SPDX-License-Identifier: Apache-2.0
// A call that Linux serves for a program of an enclave, there and back, beside the least that takes and beside what
// Linux itself offers to have a call made by somebody else: seccomp's user notification. Idle, and while somebody
// computes on Linux's CPUs.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "tests/bench/node/report.hpp"
#include "tests/bench/node/sections.hpp"
#include "tests/bench/node/served.hpp"

namespace hobbes::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto settle = 20ms;  // until who was let go, or stopped, is running, or not
constexpr Nanoseconds longest_call = 1us;

// So many calls that a batch takes some milliseconds.
constexpr std::uint64_t linux_batch = 20'000;
constexpr std::uint64_t hop_batch = 50'000;
constexpr std::uint64_t forwarded_batch = 5'000;
constexpr std::uint64_t notified_batch = 500;

/// One program on each of Linux's CPUs that never waits, from resume() to pause().
class Load {
 public:
  static Result<Load> create(const Cpus& cpus) {
    Load load;
    const UniqueFd null = TRY(open_null());
    for (const int cpu : members(cpus.host)) {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(cpu, &only);
      const OnCpus here(only);
      load.programs_.push_back(TRY(Child::spawn({program("busy")}, {null.get(), null.get(), STDERR_FILENO})));
    }
    load.signal(SIGSTOP);
    return load;
  }
  void resume() const { signal(SIGCONT); }
  void pause() const { signal(SIGSTOP); }

 private:
  Load() = default;
  void signal(int number) const {
    for (const Child& busy : programs_) busy.signal(number);
    std::this_thread::sleep_for(settle);
  }
  std::vector<Child> programs_;
};

Contestant under(const Load& load, Contestant contestant) {
  return {contestant.name + ", loaded", [&load, run = std::move(contestant.run)](Series& series) -> Status {
            load.resume();
            const Status ran = run(series);
            load.pause();
            return ran;
          }};
}

Result<std::string> make_file(const Node& node) {
  std::string path = node.directory() / "seek";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!file) return last_errno(path);
  return path;
}

}  // namespace

Status measure_forward(Node& node, Report& report, std::size_t rounds) {
  const MeasuredEnclave enclave = TRY(MeasuredEnclave::create(node));
  const std::string file = TRY(make_file(node));
  const std::string there = std::to_string(members(node.cpus().host).front());
  const std::string here = std::to_string(node.cpus().enclave_cpu());
  Served hops = TRY(Served::on_linux(node, {program("hops"), there}));
  Served on_linux = TRY(Served::on_linux(node, {program("work"), "seek", file}));
  Served inside = TRY(Served::in_enclave(node, {program("work"), "seek", file}));
  Served notified_here = TRY(Served::on_linux(node, {program("notified"), file, here}));
  Served notified_there = TRY(Served::on_linux(node, {program("notified"), file, there}));
  const Load load = TRY(Load::create(node.cpus()));

  const Contestant forwarded = one_batch("enclave: lseek of Linux's file", inside, forwarded_batch);
  const Contestant bare = one_batch("two cache-line hops", hops, hop_batch);
  const Contestant far = one_batch("seccomp user notification, the other CPU", notified_there, notified_batch);
  const auto times = TRY(alternate({forwarded, bare, one_batch("Linux: lseek", on_linux, linux_batch),
                                    one_batch("seccomp user notification, the same CPU", notified_here, notified_batch),
                                    far, under(load, forwarded), under(load, bare), under(load, far)},
                                   rounds));
  const Series floor = sum("floor: the hops and the call", times[1], times[2]);
  report.heading("A call that Linux serves, there and back (samples are means of a batch)");
  report.times(times);
  report.limits({{times[0], longest_call}});
  report.ratios({{"enclave / " + floor.name(), times[0], floor, {Target::Side::none, 0}},
                 {"notification on the same CPU / enclave", times[3], times[0], {Target::Side::at_least, 5}},
                 {"notification on the other CPU / enclave", times[4], times[0], {Target::Side::none, 0}},
                 {"enclave, loaded / idle", times[5], times[0], {Target::Side::at_most, 1.3}},
                 {"hops, loaded / idle", times[6], times[1], {Target::Side::none, 0}},
                 {"notification on the other CPU, loaded / idle", times[7], times[4], {Target::Side::none, 0}}});
  return {};
}

}  // namespace hobbes::bench
