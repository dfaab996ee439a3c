// SPDX-License-Identifier: Apache-2.0
#include "leviathan/files/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/log.hpp"
#include "cmdqueue/message.hpp"
#include "kernel-bridge/abi/queue.h"
#include "leviathan/enclaves/owner.hpp"
#include "leviathan/protocol/messages.hpp"
#include "leviathan/refusal.hpp"
#include "leviathan/server/session.hpp"

namespace hobbes::leviathan::files {
namespace {

/// An enclave's files are in its memory; more than this means that its kernel is stuck.
constexpr std::chrono::seconds patience{30};

/// A command struct and the bytes behind it.
template <typename Head>
Payload with_tail(const Head& head, std::span<const std::byte> tail) {
  const auto bytes = cmdqueue::payload_of_struct(head);
  Payload payload(bytes.size() + tail.size());
  std::ranges::copy(tail, std::ranges::copy(bytes, payload.begin()).out);
  return payload;
}

/// An answer's struct; what is behind it stays in `answer`.
template <typename Head>
Result<Head> take_head(Payload& answer) {
  Head head;
  if (answer.size() < sizeof head) return Error(Code::corrupt, "enclave: answered a file command with too few bytes");
  std::memcpy(&head, answer.data(), sizeof head);
  answer.erase(answer.begin(), answer.begin() + sizeof head);
  return head;
}

std::span<const std::byte> with_nul(const std::string& path) {
  return std::as_bytes(std::span(path.c_str(), path.size() + 1));
}

std::string in_quotes(const std::string& path) { return "'" + path + "'"; }

Result<protocol::FileOpen> decode_open(const Call& call) {
  auto request = TRY(protocol::decode<protocol::FileOpen>(call.payload()));
  if (request.path.empty() || request.path.front() != '/' || request.path.find('\0') != std::string::npos) {
    return Error(Code::invalid, in_quotes(request.path) + ": is not an absolute path", EINVAL);
  }
  return request;
}

Result<bool> is_linux_side(Node& node, std::string_view enclave) {
  const auto txn = TRY(node.db().read());
  const auto record = TRY(txn.find_enclave(enclave));
  return record && record->type == db::EnclaveType::master;
}

/// Where a path leads: into an enclave, or (null) to Linux.
Result<std::shared_ptr<LiveEnclave>> enclave_of(Node& node, const Caller& caller, const std::string& name) {
  TRY(enclaves::check_use(node, caller, name));
  if (TRY(is_linux_side(node, name))) return std::shared_ptr<LiveEnclave>();
  return node.live(name);
}

/// The directory that is "/" for an enclave where Linux has the file. denied: it reaches no file of Linux.
Result<std::string> host_root_of(const LiveEnclave& enclave, const std::string& path) {
  const descriptor::HostIo& reach = enclave.reach;
  if (reach.mode != descriptor::HostIoMode::none) return reach.root;
  return Error(Code::denied, in_quotes(path) + ": enclave '" + enclave.name + "' reaches no files of the host", EACCES);
}

}  // namespace

struct Files::State : std::enable_shared_from_this<Files::State> {
  struct Open {
    std::weak_ptr<LiveEnclave> enclave;
    std::uint64_t handle = 0;        ///< the kernel's
    const Session* owner = nullptr;  ///< only compared; it drops the handle before it goes
    std::uint64_t on_close = 0;
  };
  struct Target {
    std::shared_ptr<LiveEnclave> enclave;
    std::uint64_t handle = 0;
  };

  explicit State(Node& its_node) : node(its_node) {}

  Result<Target> find(const Call& call, std::uint64_t handle) {
    const auto found = open.find(handle);
    if (found == open.end() || found->second.owner != call.session().get()) {
      return Error(Code::not_found, "file handle " + std::to_string(handle) + ": is not open", EBADF);
    }
    if (auto enclave = found->second.enclave.lock()) return Target{std::move(enclave), found->second.handle};
    return Error(Code::unavailable, "file: its enclave has ended", EIO);
  }

  Result<Payload> opened(const CallPtr& call, const std::shared_ptr<LiveEnclave>& enclave, const std::string& path,
                         Payload answer) {
    const auto head = TRY(take_head<hobbes_file_opened>(answer));
    if (head.where == HOBBES_FILE_ON_HOST) {
      // The path that was asked for: one of the enclave's choice would be written to with the client's rights.
      std::string root = TRY(host_root_of(*enclave, path));
      return protocol::encode(protocol::FileOpened{.host_path = path, .host_root = std::move(root)});
    }
    const std::uint64_t handle = next_handle++;
    open.emplace(handle, Open{enclave, head.handle, call->session().get()});
    const auto number = call->session()->on_close([state = weak_from_this(), handle] {
      if (const auto self = state.lock()) self->drop(handle);
    });
    if (const auto found = open.find(handle); found != open.end()) found->second.on_close = number;
    return protocol::encode(protocol::FileOpened{.handle = handle, .host_path = {}, .host_root = {}});
  }

  Result<Payload> status(const LiveEnclave& enclave, const std::string& path, Payload answer) {
    const auto head = TRY(take_head<hobbes_file_status>(answer));
    if (head.where == HOBBES_FILE_ON_HOST) {
      std::string root = TRY(host_root_of(enclave, path));
      return protocol::encode(protocol::FileStatus{.host_path = path, .host_root = std::move(root)});
    }
    return protocol::encode(protocol::FileStatus{
        .size = head.size, .mtime_ns = head.mtime_ns, .mode = head.mode, .host_path = {}, .host_root = {}});
  }

  /// Closes a handle that nobody will ask about any more.
  void drop(std::uint64_t handle) {
    const auto node_handle = open.extract(handle);
    const auto enclave = node_handle.empty() ? nullptr : node_handle.mapped().enclave.lock();
    if (!enclave) return;
    const hobbes_file_ref reference{node_handle.mapped().handle};
    enclave->control.request(HOBBES_CMD_FILE_CLOSE, cmdqueue::payload_of_struct(reference), patience,
                             [](const Result<Payload>& answer) {
                               if (!answer) log::debug(answer.error().text());  // the enclave has probably ended
                             });
  }

  /// Writes call's data from `done` on; a kernel that writes less is asked again for the rest.
  void write_rest(CallPtr call, Target target, std::size_t done) {
    const auto request = protocol::decode<protocol::FileWrite>(call->payload());
    const auto rest = request->data.subspan(done);
    if (rest.empty()) return call->reply(Status());
    const bool at_position = request->offset == HOBBES_FILE_AT_POSITION;
    const hobbes_file_io head{target.handle, at_position ? request->offset : request->offset + done, rest.size()};
    target.enclave->control.request(
        HOBBES_CMD_FILE_WRITE, with_tail(head, rest), patience,
        [state = shared_from_this(), call, target, done, left = rest.size()](Result<Payload> answer) {
          if (!answer) return call->reply(Status(refusal_of("writing", answer.error())));
          const auto written = take_head<std::uint64_t>(*answer);
          if (!written) return call->reply(Status(written.error()));
          if (*written == 0 || *written > left) return call->reply(Status(errno_error(ENOSPC, "writing")));
          state->write_rest(call, target, done + *written);
        });
  }

  Node& node;
  // The loop's thread.
  std::map<std::uint64_t, Open> open;
  std::uint64_t next_handle = 1;
};

Files::Files(Node& node) : state_(std::make_shared<State>(node)) {}
Files::~Files() = default;
std::size_t Files::open_count() const { return state_->open.size(); }

void Files::open(CallPtr call) {
  const auto request = decode_open(*call);
  if (!request) return call->reply(Status(request.error()));
  const auto enclave = enclave_of(state_->node, call->caller(), request->enclave);
  if (!enclave) return call->reply(Status(enclave.error()));
  if (!*enclave) {
    return call->reply(protocol::encode(protocol::FileOpened{.host_path = request->path, .host_root = "/"}));
  }
  const hobbes_file_open head{.flags = request->flags,
                              .mode = request->mode,
                              .uid = call->caller().uid,
                              .gid = call->caller().gid,
                              .options = request->set_mode ? HOBBES_FILE_SET_MODE : 0U,
                              .reserved = 0};
  (*enclave)->control.request(HOBBES_CMD_FILE_OPEN, with_tail(head, with_nul(request->path)), patience,
                              [state = state_, call, enclave = *enclave, path = request->path](Result<Payload> answer) {
                                if (!answer) return call->reply(Status(refusal_of(in_quotes(path), answer.error())));
                                call->reply(state->opened(call, enclave, path, *std::move(answer)));
                              });
}

void Files::read(CallPtr call) {
  const auto request = protocol::decode<protocol::FileRead>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  const auto target = state_->find(*call, request->handle);
  if (!target) return call->reply(Status(target.error()));
  const std::uint64_t length = std::min<std::uint64_t>(request->length, protocol::max_chunk.value);
  const hobbes_file_io head{target->handle, request->offset, length};
  // The answer is the data alone, so what the enclave sends is passed on as it is.
  target->enclave->control.request(HOBBES_CMD_FILE_READ, cmdqueue::payload_of_struct(head), patience,
                                   [call](Result<Payload> answer) {
                                     if (!answer) return call->reply(Status(refusal_of("reading", answer.error())));
                                     call->reply(std::move(answer));
                                   });
}

void Files::write(CallPtr call) {
  const auto request = protocol::decode<protocol::FileWrite>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  if (request->data.size() > protocol::max_chunk.value) {
    return call->reply(Status(Error(Code::invalid, "file_write: more data than one request may carry")));
  }
  auto target = state_->find(*call, request->handle);
  if (!target) return call->reply(Status(target.error()));
  state_->write_rest(std::move(call), *std::move(target), 0);
}

void Files::close(CallPtr call) {
  const auto request = protocol::decode<protocol::FileRef>(call->payload());
  if (!request) return call->reply(Status(request.error()));
  const auto target = state_->find(*call, request->handle);
  if (!target) return call->reply(Status(target.error()));
  call->session()->forget(state_->open.at(request->handle).on_close);
  state_->open.erase(request->handle);
  const hobbes_file_ref reference{target->handle};
  target->enclave->control.request(HOBBES_CMD_FILE_CLOSE, cmdqueue::payload_of_struct(reference), patience,
                                   [call](Result<Payload> answer) { call->reply(std::move(answer)); });
}

void Files::stat(CallPtr call) {
  const auto request = decode_open(*call);
  if (!request) return call->reply(Status(request.error()));
  const auto enclave = enclave_of(state_->node, call->caller(), request->enclave);
  if (!enclave) return call->reply(Status(enclave.error()));
  if (!*enclave) {
    return call->reply(protocol::encode(protocol::FileStatus{.host_path = request->path, .host_root = "/"}));
  }
  (*enclave)->control.request(HOBBES_CMD_FILE_STAT, with_nul(request->path), patience,
                              [state = state_, call, enclave = *enclave, path = request->path](Result<Payload> answer) {
                                if (!answer) return call->reply(Status(refusal_of(in_quotes(path), answer.error())));
                                call->reply(state->status(*enclave, path, *std::move(answer)));
                              });
}

}  // namespace hobbes::leviathan::files
