// SPDX-License-Identifier: Apache-2.0
// HostFile: a descriptor of the application's proxy: a file, terminal, pipe, device or socket of the host. Its position
// is Linux's, because descriptors that came from the launcher share it with other programs.
//
// Data of regular files move between them and the application's memory without a copy of ours. What may wait long
// (terminals, pipes) is read through the slot's data instead, so that no memory is promised to Linux meanwhile.
#pragma once

#include "cokernel/kernel/fs/file.hpp"
#include "cokernel/kernel/fs/host_io.hpp"
#include "cokernel/kernel/lent_files.hpp"

namespace hobbes::lwk::fs {

class HostFile : public File {
 public:
  /// Takes over descriptor `fd` of the channel's proxy; it is closed there if this fails. 0 or -ENOMEM.
  [[nodiscard]] static int wrap(hobbes_hio_channel& channel, int fd, uint32_t flags, FileRef& file);
  /// The launcher's descriptor 0, 1 or 2, which stays the proxy's.
  [[nodiscard]] static int wrap_stdio(hobbes_hio_channel& channel, int fd, FileRef& file);
  ~HostFile() override;

  Sysret read(IoVector& to) override;
  Sysret write(IoVector& from) override;
  Sysret read_at(IoVector& to, uint64_t offset) override;
  Sysret write_at(IoVector& from, uint64_t offset) override;
  Sysret seek(int64_t offset, uint32_t whence) override;
  Sysret status(FileStatus& status) override;
  Sysret type() override;
  Sysret change(const Change& change) override;
  Sysret read_entries(IoVector& to) override;
  Sysret control(uint32_t request, uint64_t argument) override;
  Sysret sync(bool data_only) override;
  Sysret usage(LinuxStatfs& usage) override;
  Sysret attribute(const AttributeRequest& request) override;
  int share(uint64_t offset, uint64_t size, bool writes, bool& may_write, SharedMemory*& memory) override;
  Sysret flags_changed(uint32_t flags) override;
  Sysret current_flags() override;
  uint32_t poll() override;
  bool can_wait() override { return true; }  // or the host says that it cannot
  HostFile* host() override { return this; }

  /// preadv2 and pwritev2, as the host understands their flags; an offset of -1 is the position.
  [[nodiscard]] Sysret transfer_with_flags(IoVector& data, bool writes, int64_t offset, uint32_t flags);

  [[nodiscard]] hobbes_hio_channel& channel() const { return channel_; }
  [[nodiscard]] int fd() const { return fd_; }

  /// What stat tells of it that never changes; asks the host once.
  [[nodiscard]] Sysret identity(FileIdentity& identity);

  /// A call whose only argument besides the descriptor are numbers.
  template <typename... Values>
  [[nodiscard]] Sysret simple(uint32_t number, Values... values) {
    HostCall call(channel_);
    return call.error() != 0 ? call.error() : call.call(number, fd_, values...);
  }

 protected:
  HostFile(hobbes_hio_channel& channel, int fd, bool owned, uint32_t flags)
      : File(flags), channel_(channel), fd_(fd), owned_(owned) {}

 private:
  enum class Kind : uint8_t { unknown, regular, stream, socket };
  static constexpr uint64_t no_offset = ~0ull;

  [[nodiscard]] Kind kind();
  [[nodiscard]] Sysret learn();
  [[nodiscard]] Sysret borrow();
  /// What the host is to do with a transfer's data.
  struct Transfer {
    bool writes;
    uint64_t offset = no_offset;
    uint32_t flags = 0;
  };
  /// Where the data of one call lies; from the second piece on in the slot's vectors, too.
  struct Pieces {
    hobbes_hio_iov first{};
    uint32_t count = 0;
    void add(HostCall& call, const hobbes_hio_iov& piece);
  };
  [[nodiscard]] Sysret transfer(IoVector& data, Transfer how);
  [[nodiscard]] Sysret transfer_some(HostCall& call, IoVector& data, const Transfer& how, bool through_slot,
                                     uint64_t& asked);
  [[nodiscard]] Sysret bounce(HostCall& call, IoVector& data, const Transfer& how, uint64_t size);
  [[nodiscard]] Sysret ask(HostCall& call, const Transfer& how, const Pieces& pieces) const;

  hobbes_hio_channel& channel_;
  int fd_;
  bool owned_;
  Kind kind_ = Kind::unknown;  ///< atomic; learnt when first needed, with what follows
  FileIdentity identity_{};
  uint32_t type_ = 0;
};

/// From the host's struct to ours.
[[nodiscard]] FileStatus to_status(const LinuxStat& stat);
/// The two timespecs of utimensat.
void write_host_times(const Change& change, void* to);

}  // namespace hobbes::lwk::fs
