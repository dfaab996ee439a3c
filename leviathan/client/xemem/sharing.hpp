// SPDX-License-Identifier: Apache-2.0
// Sharing: what this process shares: its link to leviathan, what it exported, its handles and attachments. The C API
// is a thin layer over it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "leviathan/client/link.hpp"
#include "leviathan/client/xemem/own_memory.hpp"
#include "leviathan/client/xemem/publisher.hpp"
#include "leviathan/client/xemem/signals.hpp"
#include "leviathan/client/xemem/versions.hpp"
#include "leviathan/protocol/segment_messages.hpp"

namespace hobbes::xemem {

struct MakeRequest {
  char* address = nullptr;
  std::uint64_t size = 0;
  std::string name;
  std::uint32_t mode = 0;
  SegmentId wanted;
  bool signalled = false;
};

struct Made {
  SegmentId segment;
  int bell = -1;
};

/// Any thread. Errors carry the errno of the C API.
class Sharing {
 public:
  explicit Sharing(const std::filesystem::path& run_dir) : link_(run_dir), self_(Credentials::of_process()) {}

  [[nodiscard]] Result<Made> make(const MakeRequest& request);
  [[nodiscard]] Status remove(SegmentId segment);
  /// A version of what a range of allocate() is now (hobbes/xasm.h).
  [[nodiscard]] Result<SegmentId> snapshot(char* address, std::uint64_t size, const std::string& name,
                                           std::uint32_t mode);
  /// EBADF: not of a signalled segment of ours.
  [[nodiscard]] Result<std::shared_ptr<SignalWord>> signals_of(int bell);

  [[nodiscard]] Result<SegmentId> lookup(std::string_view name);
  /// One whose id is greater than `after`.
  [[nodiscard]] Result<SegmentId> wait_for(const std::string& name, SegmentId after,
                                   std::chrono::milliseconds patience);
  [[nodiscard]] Result<std::vector<db::Segment>> list();

  [[nodiscard]] Result<std::int64_t> get(SegmentId segment, bool writable);
  [[nodiscard]] Status release(std::int64_t handle);
  [[nodiscard]] Result<char*> attach(std::int64_t handle, std::uint64_t offset, std::uint64_t size, char* address);
  [[nodiscard]] Status detach(char* address);
  [[nodiscard]] Status signal(std::int64_t handle);
  [[nodiscard]] Status signal(SegmentId segment);

  [[nodiscard]] Result<char*> allocate(std::uint64_t size);
  [[nodiscard]] Status free(char* address);

  // Around fork() (process.cpp).
  /// Under mutex(): what this process has published is there for itself at once, and nothing of it is under way.
  void settle();
  /// In the child: its parent's connection must end with the parent.
  void leave_to_parent();
  [[nodiscard]] std::mutex& mutex() { return mutex_; }
  [[nodiscard]] OwnMemory& memory() { return memory_; }

 private:
  /// A segment that leviathan has opened for us: its pages stay until this goes.
  struct Opened;
  struct Handle {
    SegmentId segment;
    bool writable = false;
    std::shared_ptr<Opened> opened;  ///< once something was attached or signalled
    std::uint32_t alive_at = 0;      ///< the database's change word when its exporter was last seen; with `opened`
  };
  struct Attachment {
    std::uint64_t size = 0;
    std::uint64_t key = 0;
    std::shared_ptr<Opened> opened;
  };
  /// Taken once, as leviathan takes them when it is connected to: asking Linux takes longer than all else that get() does.
  struct Credentials {
    uid_t uid = 0;
    std::vector<gid_t> groups;
    [[nodiscard]] static Credentials of_process();
  };
  /// What the record said that was found last, while the database's change word stays `at`.
  struct Found {
    SegmentId segment;
    std::uint32_t mode = 0;
    uid_t owner_uid = 0;
    gid_t owner_gid = 0;
    std::uint32_t at = 0;
  };

  // REQUIRES: mutex_ is held.
  [[nodiscard]] Result<VersionedRange*> range_of(char* address, std::uint64_t size);
  [[nodiscard]] Result<db::Environment*> database();
  [[nodiscard]] Result<Handle*> find(std::int64_t handle);
  [[nodiscard]] Result<Found> record_of(SegmentId segment);
  [[nodiscard]] Result<Opened*> open(Handle& handle);
  [[nodiscard]] Result<std::shared_ptr<Opened>> open(SegmentId segment, bool writable);
  [[nodiscard]] MemoryFilePtr known(MemoryFilePtr file);
  [[nodiscard]] Result<std::uint64_t> size_of(SegmentId segment);
  [[nodiscard]] Status check_alive(Handle& handle);
  /// A request whose answer nobody waits for; its errors are for the log.
  template <protocol::Message Request>
  void tell(std::uint32_t code, const Request& request);

  std::mutex mutex_;
  client::Link link_;
  const Credentials self_;
  OwnMemory memory_;
  Found found_;
  std::map<int, std::pair<SegmentId, std::shared_ptr<SignalWord>>> signals_;  ///< by their bells
  std::map<char*, VersionedRange*> ranges_;
  std::unique_ptr<Publisher> publisher_;  ///< once a snapshot was taken
  std::map<std::pair<SegmentId, bool>, std::weak_ptr<Opened>> opened_;
  std::map<std::pair<std::pair<dev_t, ino_t>, bool>, std::weak_ptr<const MemoryFile>> files_;
  std::map<std::int64_t, Handle> handles_;
  std::map<char*, Attachment> attachments_;
  std::int64_t next_handle_ = 1;
  std::uint64_t next_key_ = 1;
};

}  // namespace hobbes::xemem
