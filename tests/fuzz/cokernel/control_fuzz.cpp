// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the input is what leviathan sends over the control queue: frames of {u8 command, u8 flags, u16 length,
// payload}. Each request must be answered once, in a form that leviathan accepts, and the enclave must live on.
//
// What a peer writes into the ring itself is queue_fuzz's: a broken ring ends an enclave on purpose.
#include "cokernel/kernel/fs/testing/kernel.hpp"

#include "cokernel/kernel/apps.hpp"
#include "cokernel/kernel/control.hpp"
#include "kernel-bridge/abi/ring.hpp"
#include "tests/fuzz/cokernel/control_codes.hpp"
#include "tests/fuzz/driver/driver.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace hobbes;
using namespace hobbes::lwk;
using fuzz::Bytes;
using fuzz::require;

constexpr uint64_t ring_size = 64 << 10;
constexpr uint64_t shutdown_id = 1 << 20;
constexpr uint64_t memory_commands_reach = 2ull << 32;  // beyond it no memory of the test lies

struct Frame {
  hobbes_frame header{};
  Bytes payload;
};

/// The queue, as leviathan sees it.
class Peer {
 public:
  Peer() {
    testing::start_kernel();
    hobbes_boot_params& boot = boot_params();
    boot.channels[boot.channel_count++] = {HOBBES_CHANNEL_CONTROL, -1, port::physical(memory_), sizeof(memory_)};
  }

  /// Sends the frames of one request and has it served. The reply's payload, empty if it failed.
  Bytes ask(const std::vector<Frame>& frames) {
    require(abi::format_queue(memory_, sizeof(memory_), ring_size, ring_size), "the queue cannot be made");
    abi::QueueView view;
    require(abi::open_queue(memory_, sizeof(memory_), view), "the queue cannot be opened");
    requests_ = abi::RingProducer(view.requests);
    replies_ = abi::RingConsumer(view.replies);
    for (const Frame& frame : frames) push(frame);
    Frame shutdown;
    shutdown.header.code = HOBBES_CMD_SHUTDOWN;
    shutdown.header.request_id = shutdown_id;
    push(shutdown);  // the first may end an unfinished request, the second is one in any case
    push(shutdown);
    require(open_control() == 0, "the kernel does not find its queue");
    serve_control(port::current());
    return reply_to(frames);
  }

 private:
  void push(const Frame& frame) {
    const abi::ConstPiece piece{frame.payload.data(), frame.payload.size()};
    require(requests_.try_push(frame.header, &piece, 1) == abi::RingStatus::ok, "a request does not fit");
  }

  Bytes reply_to(const std::vector<Frame>& frames) {
    Bytes answer;
    hobbes_frame header;
    static uint8_t payload[ring_size];
    int answers = 0;
    const hobbes_frame& asked = frames.back().header;
    while (replies_.try_pop(header, payload, sizeof(payload)) == abi::RingStatus::ok) {
      require(header.flags == HOBBES_FRAME_REPLY, "what came is no reply");
      require((header.status == HOBBES_STATUS_OK) == (header.sys_errno == 0), "a failure without an errno");
      require(header.sys_errno >= 0 && header.sys_errno < 4096, "what was answered is no errno");
      if (header.request_id == shutdown_id) continue;
      ++answers;
      require(header.request_id == asked.request_id, "another request was answered");
      if (header.status == HOBBES_STATUS_OK) answer.assign(payload, payload + header.length);
    }
    const bool whole = (asked.flags & HOBBES_FRAME_MORE) == 0;
    require(answers == (whole ? 1 : 0), "a request was not answered once");
    return answer;
  }

  alignas(HOBBES_CACHE_LINE) uint8_t memory_[abi::queue_size(ring_size, ring_size)];
  abi::RingProducer requests_;
  abi::RingConsumer replies_;
};

bool names_handle(uint32_t code) {
  return code == HOBBES_CMD_FILE_CLOSE || code == HOBBES_CMD_FILE_READ || code == HOBBES_CMD_FILE_WRITE ||
         code == HOBBES_CMD_FILE_SEEK || code == HOBBES_CMD_FILE_FSTAT;
}

/// One run of requests; what they leave behind goes with it.
class Session {
 public:
  explicit Session(Peer& peer) : peer_(peer) {}
  ~Session() {
    while (!handles_.empty()) {
      Frame close;
      close.header.code = HOBBES_CMD_FILE_CLOSE;
      fuzz::append(close.payload, handles_.back());
      handles_.pop_back();
      (void)peer_.ask({close});
    }
    testing::TestProcess process;
    for (const std::string& path : paths_) (void)process.call(fs::sys_unlink, process.text(path.c_str()));
    hobbes_app_status apps[64];
    const uint32_t count = list_apps(apps, std::size(apps));
    for (uint32_t i = 0; i < std::min<uint32_t>(count, std::size(apps)); ++i) (void)reap_app(apps[i].app_id);
  }

  void add(Frame frame) {
    if (frames_.empty()) {
      frame.header.request_id = ++last_id_;
      if (!adapt(frame)) return;
    } else {
      frame.header.request_id = frames_.front().header.request_id;
      frame.header.code = frames_.front().header.code;
    }
    frames_.push_back(std::move(frame));
    constexpr size_t most_frames = 4;
    if ((frames_.back().header.flags & HOBBES_FRAME_MORE) == 0 || frames_.size() == most_frames) send();
  }
  void send() {
    if (frames_.empty()) return;
    const Frame first = frames_.front();
    const uint32_t code = frames_.back().header.code;
    const Bytes answer = peer_.ask(frames_);
    frames_.clear();
    learn(code, first, answer);
  }

 private:
  /// Handles become such as are open, now and then. False: it is not sent.
  bool adapt(Frame& frame) {
    fuzz::Reader reader(frame.payload.data(), frame.payload.size());
    const auto word = reader.read<uint64_t>();
    const uint32_t code = frame.header.code;
    // leviathan names only memory that it has plugged in.
    if (code == HOBBES_CMD_ADD_MEM) return word >= memory_commands_reach && word + reader.read<uint64_t>() < word;
    if (names_handle(code) && frame.payload.size() >= sizeof(word) && !handles_.empty())
      if (const size_t which = word % (handles_.size() + 1); which < handles_.size())
        fuzz::put(frame.payload, 0, handles_[which]);
    return true;
  }

  void learn(uint32_t code, const Frame& first, const Bytes& answer) {
    if (code == HOBBES_CMD_FILE_OPEN && answer.size() == sizeof(hobbes_file_opened)) {
      handles_.push_back(fuzz::Reader(answer.data(), answer.size()).read<hobbes_file_opened>().handle);
      if (first.payload.size() > sizeof(hobbes_file_open))
        paths_.emplace_back(first.payload.begin() + sizeof(hobbes_file_open), first.payload.end() - 1);
    }
    if (code == HOBBES_CMD_HIO_CREATE && answer.size() == sizeof(hobbes_hio_created)) {
      const auto created = fuzz::Reader(answer.data(), answer.size()).read<hobbes_hio_created>();
      static_cast<hobbes_hio_channel*>(port::direct(created.channel))->proxy_state = HOBBES_HIO_PROXY_DEAD;
    }
  }

  Peer& peer_;
  uint64_t last_id_ = 0;
  std::vector<Frame> frames_;
  std::vector<uint64_t> handles_;
  std::vector<std::string> paths_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t length) {
  static Peer peer;
  testing::TestProcess control_task;
  Session session(peer);
  fuzz::Reader input(data, length);
  while (input.left() > 0) {
    constexpr uint16_t longest_payload = 8 << 10;
    Frame frame;
    frame.header.code = fuzz::control_code(input.read<uint8_t>());
    frame.header.flags = input.read<uint8_t>() & HOBBES_FRAME_MORE;
    frame.payload = input.bytes(input.read<uint16_t>() % longest_payload);
    session.add(std::move(frame));
  }
  session.send();
  return 0;
}
