// SPDX-License-Identifier: Apache-2.0
// A side sleeps for two reasons, frames to read and room to write, but has one bell. So before it sleeps it says so in
// the words of both rings, looks at both once more, and then waits on the bell; the peer rings that same bell whichever
// word it found. abi/ring.hpp says why no wake-up is lost.
#include "cmdqueue/port.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

namespace hobbes::cmdqueue {
namespace {

using abi::RingStatus;

// Looks at the ring between two turns that others may have while polling: more than a round trip between two CPUs.
constexpr int polls_per_turn = 512;

Error corrupt() {
  return Error(Code::corrupt, "queue: the other side broke the frame format");
}

const abi::Ring& out_ring(const abi::QueueView& view, Side side) {
  return side == Side::client ? view.requests : view.replies;
}

const abi::Ring& in_ring(const abi::QueueView& view, Side side) {
  return side == Side::client ? view.replies : view.requests;
}

std::uint32_t* closed_word(const abi::QueueView& view, Side side) {
  return side == Side::client ? &view.header->client_closed : &view.header->server_closed;
}

constexpr Side other(Side side) { return side == Side::client ? Side::server : Side::client; }

}  // namespace

Port::Port(QueueMemory memory, Side side, Bells bells, PeerWatch peer, Limits limits)
    : limits_(limits),
      memory_(std::move(memory)),
      bells_(std::move(bells)),
      peer_(peer),
      closed_(closed_word(memory_.view(), side)),
      peer_closed_(closed_word(memory_.view(), other(side))),
      out_(out_ring(memory_.view(), side)),
      in_(in_ring(memory_.view(), side)) {
  // An earlier process on this side may have left; this one is there.
  __atomic_store_n(closed_, 0u, __ATOMIC_SEQ_CST);
}

Port::~Port() {
  // The word before the bell: a peer about to sleep sees the one (closed_by_peer() in wait()) or hears the other.
  __atomic_store_n(closed_, 1u, __ATOMIC_SEQ_CST);
  bells_.peers.ring();
}

Status Port::send(hobbes_frame header, PayloadView payload) {
  if (payload.size() > limits_.max_message.value) {
    return Error(Code::exhausted, "message of " + std::to_string(payload.size()) + " bytes: the limit is " +
                                      std::to_string(limits_.max_message.value));
  }
  const std::size_t cost = sizeof(Pending) + payload.size();
  if (cost > limits_.max_backlog.value - backlog_bytes_) {
    return Error(Code::exhausted, "queue: the other side does not read, and too much waits for it already");
  }
  std::size_t sent = 0;
  if (backlog_.empty() && TRY(push_frames(header, payload, sent))) return {};

  backlog_.push_back({header, Payload(payload.begin() + static_cast<std::ptrdiff_t>(sent), payload.end())});
  backlog_bytes_ += cost - sent;
  // Whoever waits in an event loop already has to hear of room that he did not want when he armed.
  while (!backlog_.empty() && !out_.prepare_sleep(next_frame_length(backlog_.front()))) TRY(flush());
  return {};
}

Status Port::flush() {
  while (!backlog_.empty()) {
    Pending& oldest = backlog_.front();
    if (!TRY(push_frames(oldest.header, oldest.payload, oldest.sent))) return {};
    backlog_bytes_ -= sizeof(Pending) + oldest.payload.size();
    backlog_.pop_front();
  }
  return {};
}

std::size_t Port::next_frame_length(const Pending& message) const {
  return std::min<std::size_t>(message.payload.size() - message.sent, out_.ring().max_payload());
}

Result<bool> Port::push_frames(hobbes_frame header, PayloadView payload, std::size_t& sent) {
  const std::uint32_t flags = header.flags;
  while (true) {
    const std::size_t left = payload.size() - sent;
    const std::size_t length = std::min<std::size_t>(left, out_.ring().max_payload());
    header.flags = length < left ? flags | HOBBES_FRAME_MORE : flags;
    const abi::ConstPiece piece{payload.data() + sent, length};
    switch (out_.try_push(header, &piece, 1)) {
      case RingStatus::ok: break;
      case RingStatus::full: return false;
      default: return corrupt();
    }
    if (out_.need_wakeup()) bells_.peers.ring();
    sent += length;
    if (sent == payload.size()) return true;
  }
}

Result<std::optional<Message>> Port::receive() {
  // One ring's worth at a time, so that a peer that writes as fast as this side reads cannot hold it here.
  for (std::uint64_t taken = 0; taken < in_.ring().size();) {
    abi::FrameView view;
    switch (in_.peek(view)) {
      case RingStatus::ok: break;
      case RingStatus::empty: return std::optional<Message>();
      default: return corrupt();
    }
    TRY(append(view));
    in_.release();
    if (in_.need_wakeup()) bells_.peers.ring();
    taken += abi::frame_size(view.header.length);
    if ((view.header.flags & HOBBES_FRAME_MORE) == 0) return std::exchange(partial_, std::nullopt);
  }
  return std::optional<Message>();
}

Status Port::append(const abi::FrameView& view) {
  if (!partial_) {
    partial_.emplace();
  } else if (partial_->header.code != view.header.code || partial_->header.request_id != view.header.request_id) {
    return corrupt();  // a message's frames follow each other
  }
  Message& message = *partial_;
  message.header = view.header;
  if (message.too_large || view.header.length > limits_.max_message.value - message.payload.size()) {
    message.too_large = true;
    message.payload = {};
    return {};
  }
  const auto* first = reinterpret_cast<const std::byte*>(view.first);
  const auto* second = reinterpret_cast<const std::byte*>(view.second);
  message.payload.insert(message.payload.end(), first, first + view.first_size);
  if (view.second_size != 0) message.payload.insert(message.payload.end(), second, second + view.second_size);
  return {};
}

bool Port::arm() {
  if (!in_.prepare_sleep()) return false;
  if (backlog_.empty()) return true;
  if (out_.prepare_sleep(next_frame_length(backlog_.front()))) return true;
  in_.cancel_sleep();
  return false;
}

void Port::disarm() {
  cancel_sleep();
  bells_.mine.drain();
}

void Port::cancel_sleep() {
  in_.cancel_sleep();
  if (!backlog_.empty()) out_.cancel_sleep();
}

bool Port::work_to_do() {
  return in_.readable() || (!backlog_.empty() && out_.writable(next_frame_length(backlog_.front())));
}

bool Port::poll(Deadline until) {
  while (true) {
    for (int i = 0; i < polls_per_turn; ++i) {
      if (work_to_do()) return true;
    }
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::yield();  // the peer first, where both share a CPU
  }
}

Status Port::wait(Deadline deadline) {
  if (poll(std::min(deadline, within(limits_.poll))) || !arm()) return {};
  // Only now, when the peer's ~Port() either shows its word here or finds us asleep and rings.
  const bool closed = closed_by_peer();
  const Result<Doorbell::Wake> wake = closed ? Doorbell::Wake::peer_gone : bells_.mine.wait(deadline, peer_);
  cancel_sleep();
  switch (TRY(wake)) {
    case Doorbell::Wake::rung: return {};
    case Doorbell::Wake::timed_out: return Error(Code::timeout, "queue: nothing came in time");
    case Doorbell::Wake::peer_gone: break;
  }
  // Its last frames may have come between our look at the ring and its death.
  if (in_.readable()) return {};
  return Error(Code::unavailable, "queue: the other side has gone");
}

bool Port::closed_by_peer() const {
  return __atomic_load_n(peer_closed_, __ATOMIC_SEQ_CST) != 0;  // pairs with the store in the peer's ~Port()
}

bool Port::peer_gone() const {
  return closed_by_peer() || peer_.gone();
}

}  // namespace hobbes::cmdqueue
