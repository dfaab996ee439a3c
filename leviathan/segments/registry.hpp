// SPDX-License-Identifier: Apache-2.0
// Registry: the node's segments and attachments: their records, and what the records cannot hold, their pages.
//
// A change is one transaction and needs no second half: nothing of a kernel changes with it.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/mapping.hpp"
#include "db/environment.hpp"
#include "leviathan/segments/pages.hpp"

namespace hobbes::leviathan::segments {

/// Who asks: a process, as the kernel or the database says.
struct Who {
  uid_t uid = 0;
  gid_t gid = 0;
  std::span<const gid_t> groups{};
  EnclaveId enclave = master_enclave;
  AppId app;
  std::int64_t pid = 0;
};

/// How a segment's exporter hears of signals.
struct SignalWay {
  FilePtr word_file;            ///< of a Linux process
  std::uint64_t word = 0;       ///< offset of the word in its file, or physical address in the enclave
  std::shared_ptr<const UniqueFd> bell;  ///< an eventfd; null: an enclave's
  Mapping mapping{};            ///< of the word's page, once leviathan has signalled
};

struct NewSegment {
  std::string name;
  SegmentId wanted;                   ///< 0: any
  bool reserved = false;              ///< `wanted` is one of reserve(), which nobody else has
  std::uint64_t address = 0;
  std::uint32_t mode = 0;
  std::shared_ptr<Pages> pages;       ///< not null
  std::shared_ptr<SignalWay> signal;  ///< null: it is not signalled
  std::string backing{};              ///< what a later leviathan needs of the pages
  bool replace = false;               ///< the exporter's segment of that name gives way
};

struct NewAttachment {
  SegmentId segment;
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool writable = false;
};

/// A segment that somebody may use.
struct Segment {
  std::shared_ptr<Pages> pages;
  std::shared_ptr<SignalWay> signal;
  EnclaveId home;
};

/// The loop's thread. Errors carry the errno of the C API.
class Registry {
 public:
  explicit Registry(db::Environment& environment) : db_(environment) {}

  /// Ids that no segment gets but by asking for it.
  [[nodiscard]] Result<std::vector<SegmentId>> reserve(std::uint32_t count);
  /// EEXIST, ENAMETOOLONG, EINVAL.
  [[nodiscard]] Result<SegmentId> make(const NewSegment& segment, const Who& exporter);
  /// Nobody gets it from now on; who has it attached keeps it. EPERM: it is another process'. ENOENT.
  [[nodiscard]] Status remove(SegmentId segment, const Who& exporter);
  /// ENOENT: there is none (any more). EACCES: its mode, or its pages, do not let him.
  [[nodiscard]] Result<Segment> find(SegmentId segment, const Who& who, bool writable) const;
  [[nodiscard]] Result<std::optional<db::Segment>> lookup(std::string_view name) const;
  /// The segment with the next greater id. ENOENT: that was the last.
  [[nodiscard]] Result<db::Segment> next_after(SegmentId segment) const;

  /// Of a segment that `who` has found, removed meanwhile or not.
  [[nodiscard]] Result<db::AttachmentId> attach(const NewAttachment& attachment, const Who& who);
  /// Harmless if it has gone.
  [[nodiscard]] Status detach(db::AttachmentId attachment);

  /// The same for whatever process of the enclave has made it.
  [[nodiscard]] Status remove_of(EnclaveId enclave, SegmentId segment);
  /// A process of an enclave's application, as its record has it. EPERM: the enclave has no such application.
  [[nodiscard]] Result<Who> process_of(EnclaveId enclave, AppId app, std::int64_t pid) const;

  /// A process of Linux has gone: what it had made and attached.
  [[nodiscard]] Status end_process(std::span<const db::AttachmentId> attachments, std::span<const SegmentId> segments,
                                   const Who& process);
  /// The exporter, or all of them in an enclave, has ended: everything of it goes.
  [[nodiscard]] Status end_app(EnclaveId enclave, AppId app);
  [[nodiscard]] Status end_enclave(EnclaveId enclave);
  /// What an earlier leviathan kept for processes of Linux, whose connections ended with it.
  [[nodiscard]] Status forget_linux();
  /// Takes up a segment that an enclave made with an earlier leviathan.
  void adopt(SegmentId segment, Segment what) { segments_[segment] = std::move(what); }

 private:
  [[nodiscard]] Status retire(db::WriteTxn& txn, db::Segment segment);
  [[nodiscard]] Status erase(db::WriteTxn& txn, const db::Attachment& attachment);
  /// In a transaction of its own; segments that it retires are forgotten once it is committed.
  template <typename Change>
  [[nodiscard]] Status change(Change change);

  db::Environment& db_;
  std::map<SegmentId, Segment> segments_;
};

}  // namespace hobbes::leviathan::segments
