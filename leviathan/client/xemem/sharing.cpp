// SPDX-License-Identifier: Apache-2.0
#include "leviathan/client/xemem/sharing.hpp"

#include <grp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "leviathan/client/xemem/piece_list.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/segment_mode.hpp"
#include "leviathan/protocol/signal_word.hpp"

namespace hobbes::xemem {
namespace {

namespace request = protocol::request;
using protocol::SegmentRef;

Error bad(const char* what) { return {Code::invalid, std::string("xemem: ") + what, EINVAL}; }
Error no_such() { return {Code::not_found, "xemem: there is no such segment (any more)", ENOENT}; }

}  // namespace

struct Sharing::Opened {
  Opened(Sharing& its_sharing, SegmentId its_segment) : sharing(its_sharing), segment(its_segment) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { sharing.tell(request::segment_close, SegmentRef{segment}); }

  Sharing& sharing;
  const SegmentId segment;
  Pieces pieces;
  Mapping word_page;  ///< none: leviathan signals for us, or it is not signalled
  std::uint64_t* word = nullptr;
  UniqueFd bell;
};

Sharing::Credentials Sharing::Credentials::of_process() {
  Credentials self{::geteuid(), {}};
  const int count = ::getgroups(0, nullptr);
  self.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  if (::getgroups(count, self.groups.data()) != count) self.groups.clear();
  self.groups.push_back(::getegid());
  return self;
}

template <protocol::Message Request>
void Sharing::tell(std::uint32_t code, const Request& request) {
  const auto connection = link_.connect();
  if (!connection) return log::debug(connection.error().text());
  const auto sent = (*connection)->queue().begin(code, protocol::encode(request), cmdqueue::no_deadline,
                                                 [](const Result<cmdqueue::Reply>& reply) {
                                                   if (!reply) log::debug(reply.error().text());
                                                 });
  if (!sent) log::debug(sent.error().text());
}

Result<db::Environment*> Sharing::database() { return link_.database(); }

Result<Made> Sharing::make(const MakeRequest& wanted) {
  const std::lock_guard lock(mutex_);
  client::Connection* const connection = TRY(link_.connect());
  protocol::SegmentMake message;
  message.segment_name = wanted.name;
  message.wanted = wanted.wanted;
  message.address = reinterpret_cast<std::uint64_t>(wanted.address);
  message.mode = wanted.mode;
  message.signalled = wanted.signalled;
  Exported exported;
  if (wanted.size > 0) exported = TRY(memory_.exported(wanted.address, wanted.size));
  std::vector<int> fds = add_pieces(message, exported.pieces);
  message.sources = std::move(exported.sources);
  std::shared_ptr<SignalWord> signals;
  if (wanted.signalled) {
    signals = TRY(SignalWord::create());
    fds.push_back(signals->file()->fd.get());
    fds.push_back(signals->bell());
  }
  if (!fds.empty()) message.fds_token = TRY(connection->send(fds));
  const auto answer = TRY(connection->call(request::segment_make, message, client::short_patience));
  const Made made{TRY(protocol::decode<SegmentRef>(answer)).segment, signals ? signals->bell() : -1};
  if (signals) signals_[made.bell] = {made.segment, std::move(signals)};
  return made;
}

Status Sharing::remove(SegmentId segment) {
  const std::lock_guard lock(mutex_);
  settle();
  TRY(TRY(link_.connect())->call(request::segment_remove, SegmentRef{segment}, client::short_patience));
  std::erase_if(signals_, [segment](const auto& entry) { return entry.second.first == segment; });
  return {};
}

Result<std::shared_ptr<SignalWord>> Sharing::signals_of(int bell) {
  const std::lock_guard lock(mutex_);
  if (const auto found = signals_.find(bell); found != signals_.end()) return found->second.second;
  return Error(Code::invalid, "xemem: not the descriptor of a signalled segment", EBADF);
}

Result<SegmentId> Sharing::lookup(std::string_view name) {
  const std::lock_guard lock(mutex_);
  settle();
  db::Environment& environment = *TRY(database());
  const std::uint32_t at = environment.change_word().value();
  const auto txn = TRY(environment.read());
  const auto found = TRY(txn.find_view<db::Segment>(name));
  if (!found) return no_such();
  found_ = {found->id, found->mode, found->owner_uid, found->owner_gid, at};
  return found->id;
}

Result<SegmentId> Sharing::wait_for(const std::string& name, SegmentId after,
                                   std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  db::Environment* environment = nullptr;
  {
    const std::lock_guard lock(mutex_);
    environment = TRY(database());
  }
  while (true) {
    const std::uint32_t seen = environment->change_word().value();
    auto found = lookup(name);
    if (found ? *found > after : found.error().code() != Code::not_found) return found;
    const bool changed = patience.count() < 0 ? TRY(environment->change_word().wait(seen))
                                              : TRY(environment->change_word().wait(seen, deadline));
    if (!changed) return Error(Code::timeout, "xemem: nobody has made a segment '" + name + "'", ETIMEDOUT);
  }
}

Result<std::vector<db::Segment>> Sharing::list() {
  const std::lock_guard lock(mutex_);
  settle();
  const auto txn = TRY(TRY(database())->read());
  auto all = TRY(txn.list<db::Segment>());
  std::erase_if(all, [](const db::Segment& segment) { return segment.removed; });
  return all;
}

/// Nothing has to be read again where nothing has changed since lookup().
Result<Sharing::Found> Sharing::record_of(SegmentId segment) {
  db::Environment& environment = *TRY(database());
  const std::uint32_t at = environment.change_word().value();
  if (found_.segment == segment && found_.at == at) return found_;
  const auto txn = TRY(environment.read());
  const auto record = TRY(txn.view<db::Segment>(segment));
  if (!record || record->removed) return no_such();
  return Found{record->id, record->mode, record->owner_uid, record->owner_gid, at};
}

/// Leviathan goes by the same rule, and the same record, when it opens the segment: a handle costs no request.
Result<std::int64_t> Sharing::get(SegmentId segment, bool writable) {
  const std::lock_guard lock(mutex_);
  settle();
  const Found record = TRY(record_of(segment));
  const auto in_group = [&](gid_t group) { return std::ranges::count(self_.groups, group) != 0; };
  if (!protocol::mode_allows(record, self_.uid, in_group, writable))
    return Error(Code::denied, "xemem: the segment's mode does not let you", EACCES);
  const std::int64_t handle = next_handle_++;
  handles_[handle] = {.segment = segment, .writable = writable, .opened = nullptr};
  return handle;
}

Status Sharing::release(std::int64_t handle) {
  const std::lock_guard lock(mutex_);
  if (handles_.erase(handle) == 0) return bad("not a handle");
  return {};
}

Result<Sharing::Handle*> Sharing::find(std::int64_t handle) {
  const auto found = handles_.find(handle);
  if (found == handles_.end()) return bad("not a handle");
  return &found->second;
}

/// The file we know already, if it is that one: its new descriptor is closed.
MemoryFilePtr Sharing::known(MemoryFilePtr file) {
  auto& place = files_[{{file->device, file->inode}, file->writable}];
  if (auto same = place.lock()) return same;
  place = file;
  return file;
}

Result<std::shared_ptr<Sharing::Opened>> Sharing::open(SegmentId segment, bool writable) {
  auto& place = opened_[{segment, writable}];
  if (auto opened = place.lock()) return opened;
  client::Connection* const connection = TRY(link_.connect());
  const protocol::SegmentOpen wanted{segment, writable};
  const auto answer = TRY(connection->call(request::segment_open, wanted, client::short_patience));
  const auto message = TRY(protocol::decode<protocol::SegmentOpened>(answer));
  auto opened = std::make_shared<Opened>(*this, segment);
  std::vector<UniqueFd> fds;
  if (message.fds_token != 0) fds = TRY(connection->receive(message.fds_token));
  if (fds.size() != message.files + message.has_word + message.has_bell)
    return Error(Code::corrupt, "xemem: leviathan sent other descriptors than it said", EIO);
  std::vector<MemoryFilePtr> files;
  for (std::uint32_t i = 0; i < message.files; ++i) files.push_back(known(TRY(take_file(std::move(fds[i])))));
  for (const protocol::SegmentPiece& piece : message.pieces) {
    if (piece.file >= files.size()) return Error(Code::corrupt, "xemem: leviathan sent a wrong piece", EIO);
    opened->pieces.push_back({files[piece.file], piece.offset, piece.size});
  }
  if (message.has_word) {
    const std::uint64_t in_page = message.word_offset % page_size;
    opened->word_page = TRY(Mapping::shared(fds[message.files].get(), page_size, PROT_READ | PROT_WRITE,
                                            message.word_offset - in_page, MAP_POPULATE));
    opened->word = reinterpret_cast<std::uint64_t*>(opened->word_page.data() + in_page);
  }
  if (message.has_bell) opened->bell = std::move(fds[message.files + 1]);
  place = opened;
  return opened;
}

Result<Sharing::Opened*> Sharing::open(Handle& handle) {
  if (!handle.opened) handle.opened = TRY(open(handle.segment, handle.writable));
  return handle.opened.get();
}

/// ENOENT when it has been removed, whatever is still open of it.
Result<std::uint64_t> Sharing::size_of(SegmentId segment) {
  const auto txn = TRY(TRY(database())->read());
  const auto record = TRY(txn.view<db::Segment>(segment));
  if (!record || record->removed) return no_such();
  return record->size.value;
}

/// EPIPE when its exporter has gone. Looks only if anything has changed on the node since it last did.
Status Sharing::check_alive(Handle& handle) {
  const std::uint32_t now = TRY(database())->change_word().value();
  if (handle.opened && handle.alive_at == now) return {};
  const auto alive = size_of(handle.segment);
  if (!alive) return Error(Code::unavailable, "xemem: its exporter has gone", EPIPE);
  handle.alive_at = now;
  return {};
}

Result<char*> Sharing::attach(std::int64_t number, std::uint64_t offset, std::uint64_t size, char* address) {
  const std::lock_guard lock(mutex_);
  Handle& handle = *TRY(find(number));
  if (offset % page_size != 0 || size % page_size != 0 || size == 0) return bad("not whole pages");
  const std::uint64_t total = TRY(size_of(handle.segment));
  if (offset > total || size > total - offset) return bad("beyond the segment");
  const Pieces pieces = cut(TRY(open(handle))->pieces, offset, size);
  char* place = address;
  if (address == nullptr) {
    place = TRY(reserve(size, pieces.front().offset));
  } else {
    constexpr int reserved = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    if (::mmap(address, size, PROT_NONE, reserved, -1, 0) == MAP_FAILED) return last_errno("xemem: the address");
  }
  if (const Status mapped = map_pieces(place, pieces, handle.writable); !mapped) {
    ::munmap(place, size);
    return mapped.error();
  }
  // The pages are held for this process alone: a child has none of them.
  ::madvise(place, size, MADV_DONTFORK);
  const std::uint64_t key = next_key_++;
  attachments_[place] = {size, key, handle.opened};
  memory_.add(place, pieces, handle.segment);
  tell(request::segment_attach, protocol::SegmentAttach{.segment = handle.segment,
                                                        .key = key,
                                                        .address = reinterpret_cast<std::uint64_t>(place),
                                                        .offset = offset,
                                                        .size = size,
                                                        .writable = handle.writable});
  return place;
}

Status Sharing::detach(char* address) {
  const std::lock_guard lock(mutex_);
  const auto found = attachments_.find(address);
  if (found == attachments_.end()) return bad("no attachment begins there");
  ::munmap(address, found->second.size);
  memory_.remove(address);
  tell(request::segment_detach, protocol::SegmentDetach{found->second.key});
  attachments_.erase(found);
  return {};
}

Status Sharing::signal(std::int64_t number) {
  const std::lock_guard lock(mutex_);
  Handle& handle = *TRY(find(number));
  TRY(check_alive(handle));
  Opened& opened = *TRY(open(handle));
  if (opened.word == nullptr) {
    TRY(TRY(link_.connect())->call(request::segment_signal, SegmentRef{handle.segment}, client::short_patience));
  } else if (!protocol::signal_exporter(opened.word, opened.bell.get())) {
    return last_errno("xemem: its eventfd");
  }
  return {};
}

Status Sharing::signal(SegmentId segment) {
  const std::lock_guard lock(mutex_);
  TRY(TRY(link_.connect())->call(request::segment_signal, SegmentRef{segment}, client::short_patience));
  return {};
}

Result<char*> Sharing::allocate(std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  return memory_.allocate(size);
}

void Sharing::leave_to_parent() {
  if (link_.connection) link_.connection->close_socket_of_parent();
  if (publisher_) publisher_->leave_to_parent();
}

Status Sharing::free(char* address) {
  const std::lock_guard lock(mutex_);
  if (ranges_.contains(address)) return Error(Code::busy, "xemem: snapshots are taken of it", EBUSY);
  return memory_.free(address);
}

}  // namespace hobbes::xemem
