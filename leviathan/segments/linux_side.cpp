// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/linux_side.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>

#include "base/log.hpp"
#include "base/memfd.hpp"
#include "cmdqueue/fd_passing.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/segment_messages.hpp"
#include "leviathan/server/session.hpp"

namespace hobbes::leviathan::segments {
namespace {

/// Of one client's, not used yet.
constexpr std::size_t most_reserved = 4 * protocol::SegmentReserve::most;

/// Two descriptors are kept for the signals.
constexpr std::size_t max_files = cmdqueue::max_passed_fds - 2;

Error invalid(std::string text) { return {Code::invalid, "segment: " + std::move(text), EINVAL}; }

Error not_open(SegmentId segment) {
  return invalid("the caller has not opened segment " + std::to_string(segment.value));
}

/// A client's memfd. One that could shrink would take pages away from who maps them.
Result<FilePtr> take_file(UniqueFd fd) {
  struct stat status {};
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(fd.get(), &status) != 0 || flags < 0)
    return invalid("a descriptor is not of a memfd that is sealed against shrinking");
  const auto file = std::make_shared<File>();
  file->size = static_cast<std::uint64_t>(status.st_size);
  if ((flags & O_ACCMODE) != O_RDWR) {
    file->readable = std::move(fd);
    return FilePtr(file);
  }
  file->readable = TRY(reopen_for_reading(fd.get()));
  file->writable = std::move(fd);
  return FilePtr(file);
}

Result<Pieces> pieces_of(const protocol::SegmentMake& request, const std::vector<FilePtr>& files) {
  Pieces pieces;
  for (const protocol::SegmentPiece& piece : request.pieces) {
    if (piece.file >= files.size() || !is_part(piece.offset, piece.size, files[piece.file]->size))
      return invalid("a piece is not whole pages of one of its files");
    pieces.push_back({files[piece.file], piece.offset, piece.size});
  }
  return pieces;
}

/// What a client receives: each file once.
class Bundle {
 public:
  std::uint32_t add(const FilePtr& file, bool writable) {
    const auto [place, is_new] = numbers_.try_emplace(file.get(), static_cast<std::uint32_t>(fds_.size()));
    if (is_new) fds_.push_back(writable ? file->writable.get() : file->readable.get());
    return place->second;
  }
  void add(int fd) { fds_.push_back(fd); }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(fds_.size()); }
  [[nodiscard]] const std::vector<int>& fds() const { return fds_; }

 private:
  std::map<const File*, std::uint32_t> numbers_;
  std::vector<int> fds_;
};

}  // namespace

struct LinuxSide::State : std::enable_shared_from_this<LinuxSide::State> {
  struct Open {
    Segment segment;
    std::uint32_t count = 0;
  };
  struct Client {
    Who who;
    std::vector<gid_t> groups;
    std::map<SegmentId, Open> open;
    std::map<std::uint64_t, db::AttachmentId> attachments;
    std::set<SegmentId> made;
    std::set<SegmentId> reserved;
    std::map<std::pair<dev_t, std::pair<ino_t, int>>, std::weak_ptr<const File>> files;
  };

  State(Node& its_node, Registry& its_registry, EnclaveSide& its_enclaves)
      : node(its_node), registry(its_registry), enclaves(its_enclaves) {}

  Result<Client*> client_of(const Call& call) {
    const Session* session = call.session().get();
    const auto [place, is_new] = clients.try_emplace(session);
    Client& client = place->second;
    if (!is_new) return &client;
    const Caller& caller = call.caller();
    client.groups = caller.groups;
    client.who = {.uid = caller.uid, .gid = caller.gid, .groups = client.groups, .enclave = master_enclave,
                  .app = AppId(0), .pid = caller.pid};
    const auto txn = TRY(node.db().read());
    for (const db::App& app : TRY(txn.list_by_owner<db::App>(master_enclave)))
      if (app.pid == caller.pid && app.state == db::AppState::running) client.who.app = app.id;
    call.session()->on_close([state = weak_from_this(), session] {
      if (const auto self = state.lock()) self->end(session);
    });
    return &client;
  }

  /// The client has gone, however it went.
  void end(const Session* session) {
    const auto gone = clients.extract(session);
    if (gone.empty()) return;
    std::vector<db::AttachmentId> attachments;
    for (const auto& [key, attachment] : gone.mapped().attachments) attachments.push_back(attachment);
    const std::vector<SegmentId> made(gone.mapped().made.begin(), gone.mapped().made.end());
    const Status ended = registry.end_process(attachments, made, gone.mapped().who);
    if (!ended) log::error(ended.error());
  }

  /// The client's file, once for all segments that lie in it.
  Result<FilePtr> file_of(Client& client, UniqueFd fd) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return last_errno("segment: its memory");
    std::erase_if(client.files, [](const auto& known) { return known.second.expired(); });
    const int access = ::fcntl(fd.get(), F_GETFL) & O_ACCMODE;
    auto& known = client.files[{status.st_dev, {status.st_ino, access}}];
    if (auto file = known.lock()) return file;
    const FilePtr file = TRY(take_file(std::move(fd)));
    known = file;
    return file;
  }

  Result<Payload> reserve(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentReserve>(call.payload()));
    Client& client = *TRY(client_of(call));
    if (request.count == 0 || request.count > protocol::SegmentReserve::most)
      return invalid("1 to " + std::to_string(protocol::SegmentReserve::most) + " ids can be reserved at once");
    if (client.reserved.size() + request.count > most_reserved)
      return Error(Code::exhausted, "segment: the caller has reserved many ids already; use them first", ENOSPC);
    protocol::SegmentIds answer{TRY(registry.reserve(request.count))};
    client.reserved.insert(answer.ids.begin(), answer.ids.end());
    return protocol::encode(answer);
  }

  Result<Payload> make(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentMake>(call.payload()));
    Client& client = *TRY(client_of(call));
    std::vector<UniqueFd> fds;
    if (request.fds_token != 0) fds = TRY(call.session()->take_fds(request.fds_token));
    if (request.files > max_files || fds.size() != request.files + (request.signalled ? 2 : 0))
      return invalid("the wrong number of descriptors came");
    const auto pages = std::make_shared<Pages>();
    std::vector<FilePtr> files;
    for (std::size_t i = 0; i < request.files; ++i) files.push_back(TRY(file_of(client, std::move(fds[i]))));
    pages->pieces = TRY(pieces_of(request, files));
    for (const Piece& piece : pages->pieces) {
      pages->size += piece.size;
      pages->may_write = pages->may_write && piece.file->writable.valid();
    }
    for (const SegmentId source : request.sources) {
      const auto found = client.open.find(source);
      if (found == client.open.end()) return not_open(source);
      pages->sources.push_back(found->second.segment.pages);
    }
    std::shared_ptr<SignalWay> signal;
    if (request.signalled) {
      signal = std::make_shared<SignalWay>();
      signal->word_file = TRY(file_of(client, std::move(fds[request.files])));
      if (!signal->word_file->writable || signal->word_file->size < page_size)
        return invalid("the file of its signal word has no page to write");
      signal->bell = std::make_shared<const UniqueFd>(std::move(fds[request.files + 1]));
      const int flags = ::fcntl(signal->bell->get(), F_GETFL);
      if (flags < 0 || (flags & O_NONBLOCK) == 0) return invalid("its eventfd would block who signals");
    }
    const SegmentId made = TRY(registry.make({.name = request.segment_name,
                                              .wanted = request.wanted,
                                              .reserved = client.reserved.erase(request.wanted) != 0,
                                              .address = request.address,
                                              .mode = request.mode,
                                              .pages = pages,
                                              .signal = signal,
                                              .replace = request.replace},
                                             client.who));
    if (request.tell_free) {
      pages->let_go = [session = std::weak_ptr<Session>(call.session()), made] {
        if (const auto exporter = session.lock())
          exporter->send_event(protocol::event::segment_free, protocol::encode(protocol::SegmentRef{made}));
      };
    }
    client.made.insert(made);
    return protocol::encode(protocol::SegmentRef{made});
  }

  Result<Payload> remove(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentRef>(call.payload()));
    Client& client = *TRY(client_of(call));
    TRY(registry.remove(request.segment, client.who));
    client.made.erase(request.segment);
    return Payload{};
  }

  Result<Payload> open(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentOpen>(call.payload()));
    Client& client = *TRY(client_of(call));
    Segment segment = TRY(registry.find(request.segment, client.who, request.writable));
    const Pieces pieces = TRY(enclaves.pieces_of(*segment.pages));
    protocol::SegmentOpened answer;
    Bundle bundle;
    for (const Piece& piece : pieces)
      answer.pieces.push_back({bundle.add(piece.file, request.writable), piece.offset, piece.size});
    answer.files = bundle.count();
    TRY(add_signal(segment, request.writable, answer, bundle));
    if (bundle.count() > cmdqueue::max_passed_fds) return invalid("is in too many files");
    if (bundle.count() > 0) answer.fds_token = TRY(call.session()->send_fds(bundle.fds()));
    Open& open = client.open[request.segment];
    open.segment = std::move(segment);
    ++open.count;
    return protocol::encode(answer);
  }

  /// The word of an enclave lies among its other memory: who may not write that asks leviathan to signal.
  Status add_signal(const Segment& segment, bool writable, protocol::SegmentOpened& answer, Bundle& bundle) {
    if (!segment.signal) return {};
    if (segment.signal->bell) {
      bundle.add(segment.signal->word_file->writable.get());
      bundle.add(segment.signal->bell->get());
      answer.word_offset = segment.signal->word;
      answer.has_word = answer.has_bell = true;
    } else if (writable) {
      const std::uint64_t page = segment.signal->word & ~(page_size - 1);
      Pages word;
      word.home = segment.home;
      word.extents = {{page, page_size}};
      const Pieces pieces = TRY(enclaves.pieces_of(word));
      bundle.add(pieces.at(0).file->writable.get());
      answer.word_offset = pieces.at(0).offset + segment.signal->word - page;
      answer.has_word = true;
    }
    return {};
  }

  Result<Payload> close(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentRef>(call.payload()));
    Client& client = *TRY(client_of(call));
    const auto found = client.open.find(request.segment);
    if (found == client.open.end()) return not_open(request.segment);
    if (--found->second.count == 0) client.open.erase(found);
    return Payload{};
  }

  Result<Payload> attach(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentAttach>(call.payload()));
    Client& client = *TRY(client_of(call));
    const auto found = client.open.find(request.segment);
    if (found == client.open.end()) return not_open(request.segment);
    if (!is_part(request.offset, request.size, found->second.segment.pages->size))
      return invalid("what is attached is not whole pages of it");
    if (client.attachments.contains(request.key)) return invalid("the key of an attachment is taken");
    client.attachments[request.key] = TRY(registry.attach({.segment = request.segment,
                                                           .address = request.address,
                                                           .offset = request.offset,
                                                           .size = request.size,
                                                           .writable = request.writable},
                                                          client.who));
    return Payload{};
  }

  Result<Payload> detach(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentDetach>(call.payload()));
    Client& client = *TRY(client_of(call));
    const auto found = client.attachments.find(request.key);
    if (found == client.attachments.end()) return invalid("there is no attachment of that key");
    const db::AttachmentId attachment = found->second;
    client.attachments.erase(found);
    TRY(registry.detach(attachment));
    return Payload{};
  }

  Result<Payload> signal(const Call& call) {
    const auto request = TRY(protocol::decode<protocol::SegmentRef>(call.payload()));
    Client& client = *TRY(client_of(call));
    const Segment segment = TRY(registry.find(request.segment, client.who, false));
    TRY(enclaves.signal(request.segment, segment));
    return Payload{};
  }

  Node& node;
  Registry& registry;
  EnclaveSide& enclaves;
  std::map<const Session*, Client> clients;
};

LinuxSide::LinuxSide(Node& node, Registry& registry, EnclaveSide& enclaves)
    : state_(std::make_shared<State>(node, registry, enclaves)) {}
LinuxSide::~LinuxSide() = default;

void LinuxSide::reserve(const CallPtr& call) { call->reply(state_->reserve(*call)); }
void LinuxSide::make(const CallPtr& call) { call->reply(state_->make(*call)); }
void LinuxSide::remove(const CallPtr& call) { call->reply(state_->remove(*call)); }
void LinuxSide::open(const CallPtr& call) { call->reply(state_->open(*call)); }
void LinuxSide::close(const CallPtr& call) { call->reply(state_->close(*call)); }
void LinuxSide::attach(const CallPtr& call) { call->reply(state_->attach(*call)); }
void LinuxSide::detach(const CallPtr& call) { call->reply(state_->detach(*call)); }
void LinuxSide::signal(const CallPtr& call) { call->reply(state_->signal(*call)); }

}  // namespace hobbes::leviathan::segments
