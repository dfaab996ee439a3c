// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/enclave_side.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>

#include "base/log.hpp"
#include "base/memfd.hpp"
#include "cmdqueue/message.hpp"
#include "leviathan/protocol/signal_word.hpp"
#include "leviathan/segments/enclave_request.hpp"
#include "leviathan/segments/window.hpp"

namespace hobbes::leviathan::segments {
namespace {

constexpr std::chrono::seconds patience{30};

Error gone(EnclaveId enclave) {
  return {Code::unavailable, "segment: enclave " + std::to_string(enclave.value) + " has ended", EPIPE};
}

/// What a record keeps for a later leviathan: the signal word's address (0: none) and the extents.
std::string backing_of(std::uint64_t word, const Extents& extents) {
  std::string backing(reinterpret_cast<const char*>(&word), sizeof word);
  return backing.append(reinterpret_cast<const char*>(extents.data()), extents.size() * sizeof extents[0]);
}

Segment segment_of(const db::Segment& record) {
  std::uint64_t word = 0;
  if (record.backing.size() >= sizeof word) std::memcpy(&word, record.backing.data(), sizeof word);
  auto pages = std::make_shared<Pages>();
  pages->home = record.enclave;
  pages->size = record.size.value;
  const std::size_t extents = record.backing.size() - std::min(record.backing.size(), sizeof word);
  pages->extents.resize(extents / sizeof(hobbes_xemem_extent));
  if (!pages->extents.empty()) {
    std::memcpy(pages->extents.data(), record.backing.data() + sizeof word,
                pages->extents.size() * sizeof(hobbes_xemem_extent));
  }
  std::shared_ptr<SignalWay> signal;
  if (record.signalled) {
    signal = std::make_shared<SignalWay>();
    signal->word = word;
  }
  return {std::move(pages), std::move(signal), record.enclave};
}

}  // namespace

struct EnclaveSide::State : std::enable_shared_from_this<EnclaveSide::State> {
  struct Attached {
    std::shared_ptr<Pages> pages;
    std::vector<std::shared_ptr<Window>> windows;
  };
  struct Enclave {
    std::weak_ptr<LiveEnclave> live;
    std::shared_ptr<WindowAddresses> addresses;
    std::map<std::pair<const File*, bool>, std::weak_ptr<Window>> windows;
    std::map<std::uint64_t, std::weak_ptr<const File>> blocks;  ///< by base
    std::map<db::AttachmentId, Attached> attachments;
  };

  State(Node& its_node, Registry& its_registry) : node(its_node), registry(its_registry) {}

  // ---- Its memory as others see it

  /// The window of an enclave that an address lies in.
  static std::shared_ptr<Window> window_at(const Enclave& enclave, const hobbes_xemem_extent& extent) {
    for (const auto& [key, weak] : enclave.windows) {
      auto window = weak.lock();
      if (window && is_within(extent, window->base(), window->file()->size)) return window;
    }
    return nullptr;
  }

  Result<Piece> piece_of(EnclaveId id, const hobbes_xemem_extent& extent) {
    Enclave& enclave = enclaves[id];
    if (const auto window = window_at(enclave, extent))
      return Piece{window->file(), extent.base - window->base(), extent.size};
    const auto live = enclave.live.lock();
    if (!live) return gone(id);
    for (const auto& [base, weak] : enclave.blocks) {
      auto file = weak.lock();
      if (file && is_within(extent, base, file->size))
        return Piece{std::move(file), extent.base - base, extent.size};
    }
    bridge::MemoryFile block = TRY(live->machine->share_memory(extent.base));
    auto file = std::make_shared<File>();
    file->size = block.size.value;
    file->readable = TRY(reopen_for_reading(block.fd.get()));
    file->writable = std::move(block.fd);
    enclave.blocks[block.base] = file;
    return Piece{std::move(file), extent.base - block.base, extent.size};
  }

  Result<Pieces> pieces_of(const Pages& pages) {
    if (pages.home == master_enclave) return pages.pieces;
    Pieces pieces;
    for (const hobbes_xemem_extent& extent : pages.extents) pieces.push_back(TRY(piece_of(pages.home, extent)));
    return pieces;
  }

  Status signal(SegmentId id, const Segment& segment) {
    if (!segment.signal)
      return Error(Code::invalid, "segment " + std::to_string(id.value) + ": is not signalled", EINVAL);
    SignalWay& way = *segment.signal;
    if (segment.home != master_enclave) {
      const auto live = node.live(segment.home);
      if (!live) return gone(segment.home);
      tell(*live, HOBBES_CMD_XEMEM_SIGNAL, id);
      return {};
    }
    if (!way.mapping)
      way.mapping = TRY(Mapping::shared(way.word_file->writable.get(), page_size, PROT_READ | PROT_WRITE));
    if (!protocol::signal_exporter(reinterpret_cast<std::uint64_t*>(way.mapping.data() + way.word), way.bell->get()))
      return last_errno("segment: its eventfd");
    return {};
  }

  static void tell(LiveEnclave& enclave, std::uint32_t code, SegmentId segment) {
    const hobbes_xemem_ref reference{segment.value};
    enclave.control.request(code, cmdqueue::payload_of_struct(reference), patience,
                            [](const Result<ControlQueue::Payload>& answer) {
                              if (!answer) log::debug(answer.error().text());  // the enclave has probably ended
                            });
  }

  // ---- What its kernel asks

  void make(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    answer(live, request, do_make(live, request, who));
  }

  Result<Answer> do_make(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    auto pages = TRY(offered(*live, request));
    std::shared_ptr<SignalWay> way;
    if ((request.head.flags & HOBBES_XEMEM_SIGNALLED) != 0) {
      TRY(check_owned(*live, TRY(blocks_of(*live)), {request.head.signal & ~(page_size - 1), page_size}));
      if (request.head.signal % sizeof(std::uint64_t) != 0)
        return Error(Code::invalid, "segment: its signal word is not aligned", EINVAL);
      way = std::make_shared<SignalWay>();
      way->word = request.head.signal;
    }
    const SegmentId id = TRY(registry.make({.name = request.name,
                                            .wanted = SegmentId(request.head.segment),
                                            .address = request.head.address,
                                            .mode = request.head.mode,
                                            .pages = pages,
                                            .signal = way,
                                            .backing = backing_of(request.head.signal, request.extents),
                                            .replace = (request.head.flags & HOBBES_XEMEM_REPLACE) != 0},
                                           who));
    free_later(*pages, id);
    return Answer{.segment = id};
  }

  /// When nobody maps the pages any more, the kernel is told.
  void free_later(Pages& pages, SegmentId id) {
    pages.let_go = [this_node = &node, home = pages.home, id] {
      this_node->run_on_loop([this_node, home, id] {
        if (const auto live = this_node->live(home)) tell(*live, HOBBES_CMD_XEMEM_FREE, id);
      });
    };
  }

  /// What a kernel offers must be its enclave's own, or have been lent to it.
  Result<std::shared_ptr<Pages>> offered(const LiveEnclave& live, const EnclaveRequest& request) {
    auto pages = std::make_shared<Pages>();
    pages->home = live.id;
    pages->extents = request.extents;
    pages->may_write = (request.head.flags & HOBBES_XEMEM_READ_ONLY) == 0;
    const auto blocks = TRY(blocks_of(live));
    for (const hobbes_xemem_extent& extent : request.extents) {
      if (!is_part(extent.base, extent.size, UINT64_MAX) || extent.size > UINT64_MAX - pages->size)
        return Error(Code::invalid, "segment: is not of whole pages", EINVAL);
      pages->size += extent.size;
      if (const auto window = window_at(enclaves[live.id], extent)) {
        pages->may_write = pages->may_write && window->writable();
        pages->sources.push_back(window);
        for (const auto& [id, attached] : enclaves[live.id].attachments)
          if (std::ranges::count(attached.windows, window) != 0) pages->sources.push_back(attached.pages);
      } else {
        TRY(check_owned(live, blocks, extent));
      }
    }
    if (pages->size != request.head.size)
      return Error(Code::invalid, "segment: its extents are not of its size", EINVAL);
    return pages;
  }

  Result<std::vector<db::MemoryBlock>> blocks_of(const LiveEnclave& live) {
    const auto txn = TRY(node.db().read());
    return txn.list_by_owner<db::MemoryBlock>(live.id);
  }

  static Status check_owned(const LiveEnclave& live, const std::vector<db::MemoryBlock>& blocks,
                            const hobbes_xemem_extent& extent) {
    for (const db::MemoryBlock& block : blocks) {
      if (is_within(extent, block.base.value, block.size.value)) return {};
    }
    return Error(Code::denied, "enclave '" + live.name + "': offers memory that it does not have", EFAULT);
  }

  void get(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    const auto found = registry.find(SegmentId(request.head.segment), who, request.writes());
    if (!found) return answer(live, request, found.error());
    answer(live, request, Answer{.segment = SegmentId(request.head.segment), .size = found->pages->size,
                                 .signalled = found->signal != nullptr});
  }

  void lookup(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request) {
    const auto found = registry.lookup(request.name);
    if (!found) return answer(live, request, found.error());
    if (!*found)
      return answer(live, request, Error(Code::not_found, "segment '" + request.name + "': there is none", ENOENT));
    answer(live, request, Answer{.segment = (*found)->id, .size = (*found)->size.value});
  }

  void next(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request) {
    const auto found = registry.next_after(SegmentId(request.head.segment));
    if (!found) return answer(live, request, found.error());
    answer(live, request, Answer{.segment = found->id, .size = found->size.value, .signalled = found->signalled,
                                 .enclave = found->enclave, .app = found->app, .name = found->name});
  }

  void remove(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    const Status removed = registry.remove(SegmentId(request.head.segment), who);
    removed ? answer(live, request, Answer{}) : answer(live, request, removed.error());
  }

  void attach(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    auto plan = plan_attach(live, request, who);
    if (!plan) return answer(live, request, plan.error());
    if (plan->attached.windows.empty()) return attached(live, request, who, *std::move(plan));
    node.run_on_worker([self = shared_from_this(), live, request, who, plan = *std::move(plan)]() mutable {
      Status lent;
      for (const auto& window : plan.attached.windows)
        if (lent) lent = window->lend();
      self->node.run_on_loop([self, live, request, who, lent, plan = std::move(plan)]() mutable {
        if (!lent) return self->answer(live, request, lent.error());
        self->attached(live, request, who, std::move(plan));
      });
    });
  }

  struct Plan {
    Attached attached;
    Extents extents;  ///< as the attaching enclave numbers them
  };

  Result<Plan> plan_attach(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who) {
    const hobbes_xemem_request& wanted = request.head;
    const Segment segment = TRY(registry.find(SegmentId(wanted.segment), who, request.writes()));
    if (!is_part(wanted.offset, wanted.size, segment.pages->size))
      return Error(Code::invalid, "segment: what is attached is not whole pages of it", EINVAL);
    Plan plan;
    plan.attached.pages = segment.pages;
    if (segment.home == live->id) {
      plan.extents = cut(segment.pages->extents, wanted.offset, wanted.size);
      return plan;
    }
    for (const Piece& piece : cut(TRY(pieces_of(*segment.pages)), wanted.offset, wanted.size)) {
      auto window = TRY(window_of(live, piece.file, request.writes()));
      plan.extents.push_back({window->base() + piece.offset, piece.size});
      if (std::ranges::count(plan.attached.windows, window) == 0) plan.attached.windows.push_back(std::move(window));
    }
    return plan;
  }

  Result<std::shared_ptr<Window>> window_of(const std::shared_ptr<LiveEnclave>& live, const FilePtr& file,
                                            bool writable) {
    Enclave& enclave = enclaves[live->id];
    std::erase_if(enclave.windows, [](const auto& known) { return known.second.expired(); });
    auto& known = enclave.windows[{file.get(), writable}];
    if (auto window = known.lock()) return window;
    auto window = TRY(Window::create(node, live, enclave.addresses, file, writable));
    known = window;
    return window;
  }

  void attached(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Who& who, Plan plan) {
    const auto recorded = registry.attach({.segment = SegmentId(request.head.segment),
                                           .address = request.head.address,
                                           .offset = request.head.offset,
                                           .size = request.head.size,
                                           .writable = request.writes()},
                                          who);
    if (!recorded) return answer(live, request, recorded.error());
    enclaves[live->id].attachments[*recorded] = std::move(plan.attached);
    answer(live, request, Answer{.segment = SegmentId(request.head.segment), .attachment = *recorded,
                                 .size = request.head.size, .extents = std::move(plan.extents)});
  }

  void detach(EnclaveId enclave, db::AttachmentId attachment) {
    // An enclave names its own attachments alone.
    if (enclaves[enclave].attachments.erase(attachment) == 0 && !was_adopted(enclave, attachment)) return;
    if (const Status detached = registry.detach(attachment); !detached) log::error(detached.error());
  }

  /// Attached with an earlier leviathan.
  bool was_adopted(EnclaveId enclave, db::AttachmentId attachment) {
    const auto txn = node.db().read();
    if (!txn) return false;
    const auto record = txn->get<db::Attachment>(attachment);
    return record && *record && (*record)->enclave == enclave;
  }

  void answer(const std::shared_ptr<LiveEnclave>& live, const EnclaveRequest& request, const Result<Answer>& what) {
    if (request.head.request_id == 0) return;
    const Answer undo = what ? *what : Answer{};
    live->control.request(HOBBES_CMD_XEMEM_ANSWER, encode(request.head.request_id, what), patience,
                          [weak = weak_from_this(), undo, op = request.head.op,
                           id = live->id](const Result<ControlQueue::Payload>& taken) {
                            const auto self = weak.lock();
                            if (!taken && self) self->undo(id, op, undo);
                          });
  }

  /// Nobody has waited for the answer.
  void undo(EnclaveId enclave, std::uint32_t op, const Answer& answer) {
    if (op == HOBBES_XEMEM_ATTACH && answer.attachment.value != 0) detach(enclave, answer.attachment);
    if (op == HOBBES_XEMEM_MAKE && answer.segment.value != 0) {
      const Status removed = registry.remove_of(enclave, answer.segment);
      if (!removed) log::debug(removed.error().text());
    }
  }

  // ---- Its life

  void adopt_segments(const LiveEnclave& live) {
    const auto txn = node.db().read();
    if (!txn) return log::error(txn.error());
    const auto records = txn->list_by_owner<db::Segment>(live.id);
    if (!records) return log::error(records.error());
    for (const db::Segment& record : *records) {
      if (record.removed) continue;
      Segment segment = segment_of(record);
      free_later(*segment.pages, record.id);
      registry.adopt(record.id, std::move(segment));
    }
  }

  Node& node;
  Registry& registry;
  std::map<EnclaveId, Enclave> enclaves;
};

EnclaveSide::EnclaveSide(Node& node, Registry& registry) : state_(std::make_shared<State>(node, registry)) {}
EnclaveSide::~EnclaveSide() = default;

void EnclaveSide::started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) {
  State::Enclave& known = state_->enclaves[enclave->id];
  known.live = enclave;
  known.addresses = std::make_shared<WindowAddresses>(enclave->machine->lent_range());
  for (const bridge::LentRange& lent : enclave->machine->lent()) known.addresses->mark(lent.base, lent.size.value);
  if (adopted) state_->adopt_segments(*enclave);
}

void EnclaveSide::ended(EnclaveId enclave) {
  const auto gone = state_->enclaves.extract(enclave);
  if (!gone.empty()) {
    if (const auto live = gone.mapped().live.lock()) {
      for (const auto& [id, attached] : gone.mapped().attachments) live->borrowed.push_back(attached.pages);
    }
  }
  if (const Status ended = state_->registry.end_enclave(enclave); !ended) log::error(ended.error());
}

void EnclaveSide::app_ended(EnclaveId enclave, AppId app) {
  // Its processes have gone, and what they had attached with them.
  if (const Status ended = state_->registry.end_app(enclave, app); !ended) log::error(ended.error());
}

void EnclaveSide::requested(EnclaveId enclave, std::span<const std::byte> payload) {
  const auto live = state_->node.live(enclave);
  if (!live) return;
  const auto request = decode_request(payload);
  if (!request) return log::warning("enclave '" + live->name + "': " + request.error().text());
  const auto who = state_->registry.process_of(enclave, AppId(request->head.app_id), request->head.pid);
  if (!who) return state_->answer(live, *request, who.error());
  switch (request->head.op) {
    case HOBBES_XEMEM_MAKE: return state_->make(live, *request, *who);
    case HOBBES_XEMEM_REMOVE: return state_->remove(live, *request, *who);
    case HOBBES_XEMEM_GET: return state_->get(live, *request, *who);
    case HOBBES_XEMEM_ATTACH: return state_->attach(live, *request, *who);
    case HOBBES_XEMEM_DETACH: return state_->detach(enclave, db::AttachmentId(request->head.attachment));
    case HOBBES_XEMEM_LOOKUP: return state_->lookup(live, *request);
    case HOBBES_XEMEM_NEXT: return state_->next(live, *request);
    case HOBBES_XEMEM_SIGNAL: {
      const SegmentId id(request->head.segment);
      const auto segment = state_->registry.find(id, *who, false);
      const Status sent = segment ? state_->signal(id, *segment) : Status(segment.error());
      return sent ? state_->answer(live, *request, Answer{}) : state_->answer(live, *request, sent.error());
    }
    default:
      return state_->answer(live, *request, Error(Code::unsupported, "segment: no such request", ENOSYS));
  }
}

Result<Pieces> EnclaveSide::pieces_of(const Pages& pages) { return state_->pieces_of(pages); }
Status EnclaveSide::signal(SegmentId id, const Segment& segment) { return state_->signal(id, segment); }

}  // namespace hobbes::leviathan::segments
