// SPDX-License-Identifier: Apache-2.0
// Proves the sleep protocol of ring.hpp by trying every interleaving of two cores with store buffers (x86's memory
// model: a store waits in its core's buffer and becomes visible later, in order; loads see the own buffer first).
//
// Each side is a small program in the instructions below. A state in which nobody can take a step and a side has not
// ended is a lost wake-up. The barriers can be left out one by one: the test fails if the model does not notice.
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace {

enum class Op : std::uint8_t {
  store,     // word = value, through the store buffer
  barrier,   // waits until the own store buffer is empty
  exchange,  // like lock xchg: drains the buffer, then register = word, word = value
  load,      // register = word
  if_equal,  // register == value: go to target
  jump,
  sleep,     // FUTEX_WAIT: drains the buffer; sleeps if word == value
  wake,      // FUTEX_WAKE on the word
  end,
};

struct Instruction {
  Op op;
  std::uint8_t word = 0;
  std::uint8_t value = 0;
  std::uint8_t target = 0;
};
using Program = std::vector<Instruction>;

constexpr std::size_t words = 4;
constexpr std::size_t buffer_depth = 3;

struct Store {
  std::uint8_t word = 0;
  std::uint8_t value = 0;
  auto operator<=>(const Store&) const = default;
};

struct Core {
  std::uint8_t at = 0;
  std::uint8_t reg = 0;
  std::uint8_t asleep_on = words;  // `words`: awake
  std::uint8_t buffered = 0;
  std::array<Store, buffer_depth> buffer{};
  auto operator<=>(const Core&) const = default;
};

struct State {
  std::array<std::uint8_t, words> memory{};
  std::array<Core, 2> cores{};
  auto operator<=>(const State&) const = default;
};

std::uint8_t read(const State& state, const Core& core, std::uint8_t word) {
  for (std::size_t i = core.buffered; i-- > 0;) {
    if (core.buffer[i].word == word) return core.buffer[i].value;
  }
  return state.memory[word];
}

/// The oldest store of the core's buffer becomes visible.
void drain_one(State& state, Core& core) {
  state.memory[core.buffer[0].word] = core.buffer[0].value;
  for (std::size_t i = 1; i < core.buffered; ++i) core.buffer[i - 1] = core.buffer[i];
  core.buffer[--core.buffered] = {};
}

/// One instruction of core `c`; false when it cannot go on now.
bool step(State& state, std::size_t c, const Program& program) {
  Core& core = state.cores[c];
  const Instruction& now = program[core.at];
  if (now.op == Op::end || core.asleep_on != words) return false;
  const bool needs_empty_buffer = now.op == Op::barrier || now.op == Op::exchange || now.op == Op::sleep;
  if (needs_empty_buffer && core.buffered != 0) return false;
  if (now.op == Op::store && core.buffered == buffer_depth) return false;

  ++core.at;
  switch (now.op) {
    case Op::store: core.buffer[core.buffered++] = {now.word, now.value}; break;
    case Op::exchange:
      core.reg = state.memory[now.word];
      state.memory[now.word] = now.value;
      break;
    case Op::load: core.reg = read(state, core, now.word); break;
    case Op::if_equal:
      if (core.reg == now.value) core.at = now.target;
      break;
    case Op::jump: core.at = now.target; break;
    case Op::sleep:
      if (state.memory[now.word] == now.value) core.asleep_on = now.word;
      break;
    case Op::wake:
      if (Core& other = state.cores[1 - c]; other.asleep_on == now.word) other.asleep_on = words;
      break;
    case Op::barrier:
    case Op::end: break;
  }
  return true;
}

struct Outcome {
  std::size_t states = 0;
  std::size_t stuck = 0;  // states without a next step in which a side has not ended
};

Outcome explore(const std::array<Program, 2>& programs) {
  std::set<State> seen{State{}};
  std::vector<State> open{State{}};
  Outcome outcome;
  while (!open.empty()) {
    const State state = open.back();
    open.pop_back();
    bool any_step = false;
    const auto reach = [&](const State& next) {
      any_step = true;
      if (seen.insert(next).second) open.push_back(next);
    };
    for (std::size_t c = 0; c < 2; ++c) {
      if (State next = state; step(next, c, programs[c])) reach(next);
      if (State next = state; next.cores[c].buffered != 0) {
        drain_one(next, next.cores[c]);
        reach(next);
      }
    }
    const bool ended = programs[0][state.cores[0].at].op == Op::end && programs[1][state.cores[1].at].op == Op::end;
    if (!any_step && !ended) ++outcome.stuck;
  }
  outcome.states = seen.size();
  return outcome;
}

/// Writes programs with names for places in them.
class Assembler {
 public:
  Assembler& label(const std::string& name) { labels_[name] = at(); return *this; }
  Assembler& store(std::uint8_t word, std::uint8_t value) { return add({Op::store, word, value}); }
  Assembler& barrier(bool present) { return present ? add({Op::barrier}) : *this; }
  Assembler& load(std::uint8_t word) { return add({Op::load, word}); }
  Assembler& exchange(std::uint8_t word, std::uint8_t value) { return add({Op::exchange, word, value}); }
  Assembler& if_equal(std::uint8_t value, const std::string& target) { return add({Op::if_equal, 0, value}, target); }
  Assembler& jump(const std::string& target) { return add({Op::jump}, target); }
  Assembler& sleep(std::uint8_t word) { return add({Op::sleep, word, asleep}); }
  Assembler& wake(std::uint8_t word) { return add({Op::wake, word}); }

  static constexpr std::uint8_t awake = 0;
  static constexpr std::uint8_t asleep = 1;

  Program finish() {
    add({Op::end});
    for (const auto& [index, name] : jumps_) program_[index].target = labels_.at(name);
    return program_;
  }

 private:
  std::uint8_t at() const { return static_cast<std::uint8_t>(program_.size()); }
  Assembler& add(Instruction instruction, const std::string& target = {}) {
    if (!target.empty()) jumps_.emplace_back(program_.size(), target);
    program_.push_back(instruction);
    return *this;
  }

  Program program_;
  std::map<std::string, std::uint8_t> labels_;
  std::vector<std::pair<std::size_t, std::string>> jumps_;
};

constexpr std::uint8_t awake = Assembler::awake;
constexpr std::uint8_t asleep = Assembler::asleep;

// ---- One ring: prepare_sleep() of one end against a publication and need_wakeup() of the other. ----

constexpr std::uint8_t published = 0;
constexpr std::uint8_t sleep_word = 1;
constexpr std::uint8_t publications = 3;

/// Waits until it has seen every publication, sleeping whenever there is nothing new.
Program sleeper(bool with_barrier) {
  Assembler code;
  for (std::uint8_t seen = 0; seen < publications; ++seen) {
    const std::string n = std::to_string(seen);
    code.label("look" + n).load(published).if_equal(seen, "nothing" + n).jump("next" + n);
    code.label("nothing" + n).store(sleep_word, asleep);  // C1
    code.barrier(with_barrier);
    code.load(published).if_equal(seen, "sleep" + n);     // C2
    code.store(sleep_word, awake).jump("look" + n);
    code.label("sleep" + n).sleep(sleep_word);            // C3
    code.store(sleep_word, awake).jump("look" + n);
    code.label("next" + n);
  }
  return code.finish();
}

Program waker(bool with_barrier) {
  Assembler code;
  for (std::uint8_t n = 1; n <= publications; ++n) {
    const std::string next = "next" + std::to_string(n);
    code.store(published, n);  // P1
    code.barrier(with_barrier);
    code.load(sleep_word).if_equal(awake, next);                 // P2
    code.exchange(sleep_word, awake).if_equal(awake, next);
    code.wake(sleep_word).label(next);                           // P3
  }
  return code.finish();
}

// ---- Two reasons, one bell: a side waits for frames and for room, and its bell is the frames' sleep word (Port). ----

constexpr std::uint8_t frame = 0;
constexpr std::uint8_t room = 1;
constexpr std::uint8_t frame_sleep = 2;  // the bell
constexpr std::uint8_t room_sleep = 3;

/// Ends when it has seen both a frame and room; sleeps as Port::arm() and Port::wait() do.
Program sleeper_for_both(bool with_barrier) {
  Assembler code;
  code.label("neither").store(frame_sleep, asleep).barrier(with_barrier);
  code.load(frame).if_equal(1, "has frame");
  code.store(room_sleep, asleep).barrier(with_barrier);
  code.load(room).if_equal(1, "has room");
  code.sleep(frame_sleep).store(frame_sleep, awake).store(room_sleep, awake).jump("neither");

  code.label("has room").store(room_sleep, awake);
  code.label("wants frame").store(frame_sleep, asleep).barrier(with_barrier);
  code.load(frame).if_equal(1, "done");
  code.sleep(frame_sleep).store(frame_sleep, awake).jump("wants frame");

  code.label("has frame");
  code.label("wants room").store(frame_sleep, asleep).barrier(with_barrier);
  code.store(room_sleep, asleep).barrier(with_barrier);
  code.load(room).if_equal(1, "done");
  code.sleep(frame_sleep).store(frame_sleep, awake).store(room_sleep, awake).jump("wants room");
  return code.label("done").finish();
}

/// Publishes, and rings the one bell if the word that belongs to the publication says so.
void publish(Assembler& code, std::uint8_t word, std::uint8_t its_sleep_word, bool with_barrier) {
  const std::string next = "after " + std::to_string(word);
  code.store(word, 1).barrier(with_barrier);
  code.load(its_sleep_word).if_equal(awake, next);
  code.exchange(its_sleep_word, awake).if_equal(awake, next);
  code.exchange(frame_sleep, awake).wake(frame_sleep);  // Doorbell::ring()
  code.label(next);
}

Program waker_for_both(bool frame_first, bool with_barrier) {
  Assembler code;
  if (frame_first) publish(code, frame, frame_sleep, with_barrier);
  publish(code, room, room_sleep, with_barrier);
  if (!frame_first) publish(code, frame, frame_sleep, with_barrier);
  return code.finish();
}

}  // namespace

TEST_CASE("no interleaving of a sleeper and a waker loses a wake-up", "[ring][model]") {
  const Outcome outcome = explore({sleeper(true), waker(true)});
  CHECK(outcome.states > 500);  // it did explore
  CHECK(outcome.stuck == 0);
}

TEST_CASE("without either barrier a wake-up is lost", "[ring][model]") {
  CHECK(explore({sleeper(false), waker(true)}).stuck > 0);
  CHECK(explore({sleeper(true), waker(false)}).stuck > 0);
}

TEST_CASE("no interleaving loses a wake-up when one bell serves two reasons to wait", "[ring][model]") {
  for (const bool frame_first : {false, true}) {
    CHECK(explore({sleeper_for_both(true), waker_for_both(frame_first, true)}).stuck == 0);
    CHECK(explore({sleeper_for_both(false), waker_for_both(frame_first, true)}).stuck > 0);
    CHECK(explore({sleeper_for_both(true), waker_for_both(frame_first, false)}).stuck > 0);
  }
}
