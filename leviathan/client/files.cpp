// SPDX-License-Identifier: Apache-2.0
// cat_file and cat_into_file. A file of Linux is opened here, with the caller's own permissions; one in an enclave is
// moved in chunks, several of them on their way at a time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <optional>

#include "base/open_in_root.hpp"
#include "kernel-bridge/abi/commands.h"
#include "leviathan/client/copy.hpp"
#include "leviathan/client/link.hpp"
#include "leviathan/protocol/codes.hpp"
#include "leviathan/protocol/messages.hpp"

namespace hobbes::client {

namespace fs = std::filesystem;
namespace request = protocol::request;

namespace {

constexpr mode_t new_file_mode = 0666;
constexpr std::size_t window = 8;  // chunks on their way

mode_t current_umask() {
  const mode_t mask = ::umask(0);  // it can only be read by setting it
  ::umask(mask);
  return mask;
}

std::string in_quotes(std::string_view path) { return "'" + std::string(path) + "'"; }

/// A file in an enclave, open through leviathan.
class RemoteFile {
 public:
  RemoteFile(Connection& connection, std::uint64_t handle, std::string name)
      : connection_(connection), handle_(handle), name_(std::move(name)) {}
  RemoteFile(const RemoteFile&) = delete;
  RemoteFile& operator=(const RemoteFile&) = delete;
  ~RemoteFile() {
    if (open_) (void)close();  // after an error that is being reported
  }

  Result<std::uint64_t> read_all(int out_fd) {
    std::uint64_t written = 0;  // also the offset of the first chunk in `ahead`
    std::deque<cmdqueue::RequestId> ahead;
    while (true) {
      while (ahead.size() < window) ahead.push_back(TRY(begin_read(written + ahead.size() * chunk)));
      const auto data = TRY(finish(ahead));
      if (data.empty()) {
        TRY(discard(ahead));
        return written;
      }
      TRY(write_all(out_fd, data, "output", connection_.interrupt_fd()));
      written += data.size();
      if (data.size() < chunk) TRY(discard(ahead));  // those ahead were asked from the wrong offsets
    }
  }

  Result<std::uint64_t> write_all_of(int in_fd, bool append) {
    std::uint64_t taken = 0;
    std::deque<cmdqueue::RequestId> ahead;
    std::vector<std::byte> buffer(chunk);
    while (const std::size_t count = TRY(read_some(in_fd, buffer, "input", connection_.interrupt_fd()))) {
      // What is appended has no place of its own: one chunk after the other.
      if (ahead.size() == (append ? 1 : window)) TRY(finish(ahead));
      ahead.push_back(TRY(begin_write(append ? HOBBES_FILE_AT_POSITION : taken, std::span(buffer).first(count))));
      taken += count;
    }
    while (!ahead.empty()) TRY(finish(ahead));
    return taken;
  }

  Status close() {
    open_ = false;
    TRY(connection_.call(request::file_close, protocol::FileRef{.handle = handle_}, short_patience));
    return {};
  }

 private:
  static constexpr std::size_t chunk = protocol::max_chunk.value;

  Result<cmdqueue::RequestId> begin_read(std::uint64_t offset) {
    const protocol::FileRead message{.handle = handle_, .offset = offset, .length = chunk};
    return connection_.queue().begin(request::file_read, protocol::encode(message), cmdqueue::within(short_patience));
  }
  Result<cmdqueue::RequestId> begin_write(std::uint64_t offset, std::span<const std::byte> data) {
    const protocol::FileWrite message{.handle = handle_, .offset = offset, .data = data};
    return connection_.queue().begin(request::file_write, protocol::encode(message), cmdqueue::within(short_patience));
  }
  Result<protocol::Payload> finish(std::deque<cmdqueue::RequestId>& ahead) {
    const cmdqueue::RequestId first = ahead.front();
    ahead.pop_front();
    auto reply = connection_.await(first);
    if (!reply) return std::move(reply).error().in(name_);
    return std::move(reply->payload);
  }
  Status discard(std::deque<cmdqueue::RequestId>& ahead) {
    while (!ahead.empty()) TRY(finish(ahead));
    return {};
  }

  Connection& connection_;
  std::uint64_t handle_;
  std::string name_;
  bool open_ = true;
};

Result<std::string> absolute(std::string_view path) {
  std::error_code failed;
  const fs::path full = fs::absolute(path, failed);
  if (failed) return errno_error(failed.value(), in_quotes(path));
  return full.string();
}

struct Opened {
  protocol::FileOpened file;
  Connection& connection;
};

/// How a file is to be opened, wherever it is.
struct Manner {
  int flags = O_RDONLY;
  std::optional<mode_t> mode{};  ///< that it is to have, new or not; absent: a new one gets the usual
};

Result<Opened> open_in(Link& link, std::string_view enclave, std::string_view path, const Manner& manner) {
  Connection* connection = TRY(link.connect());
  auto whole_path = TRY(absolute(path));
  const protocol::FileOpen message{.enclave = std::string(enclave),
                                   .path = std::move(whole_path),
                                   .flags = static_cast<std::uint32_t>(manner.flags),
                                   .mode = manner.mode.value_or(new_file_mode & ~current_umask()),
                                   .set_mode = manner.mode.has_value()};
  const auto answer = TRY(connection->call(request::file_open, message, short_patience));
  return Opened{TRY(protocol::decode<protocol::FileOpened>(answer)), *connection};
}

/// A file of Linux below a root; "/" confines nothing.
Result<UniqueFd> open_below(const std::string& root, const std::string& path, int flags) {
  if (root == "/") {
    UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, new_file_mode));
    if (!file) return last_errno(in_quotes(path));
    return file;
  }
  const UniqueFd dir(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return last_errno(in_quotes(path) + ": the enclave's root '" + root + "'");
  const std::uint64_t mode = (flags & O_CREAT) != 0 ? new_file_mode : 0;  // openat2() minds what would not be used
  const int fd = open_in_root(dir.get(), path.c_str(),
                              {.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC), .mode = mode, .resolve = 0});
  if (fd < 0) return errno_error(-fd, in_quotes(path));
  return UniqueFd(fd);
}

Result<UniqueFd> open_here(const protocol::FileOpened& file, const Manner& manner) {
  UniqueFd opened = TRY(open_below(file.host_root, file.host_path, manner.flags));
  if (manner.mode && ::fchmod(opened.get(), *manner.mode) != 0) return last_errno(in_quotes(file.host_path) + ": its mode");
  return opened;
}

}  // namespace

Result<std::uint64_t> Client::cat_file(std::string_view enclave, std::string_view path, int out_fd) {
  const Opened opened = TRY(open_in(*impl_, enclave, path, Manner{}));
  if (!opened.file.host_path.empty()) {
    const UniqueFd file = TRY(open_here(opened.file, Manner{}));
    return copy_all(file.get(), out_fd, in_quotes(path), impl_->interrupt_fd);
  }
  RemoteFile file(opened.connection, opened.file.handle, in_quotes(path));
  const std::uint64_t size = TRY(file.read_all(out_fd));
  TRY(file.close());
  return size;
}

Result<std::uint64_t> Client::cat_into_file(std::string_view enclave, std::string_view path, int in_fd, bool append,
                                            std::optional<mode_t> mode) {
  const Manner manner{.flags = O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), .mode = mode};
  const Opened opened = TRY(open_in(*impl_, enclave, path, manner));
  if (!opened.file.host_path.empty()) {
    const UniqueFd file = TRY(open_here(opened.file, manner));
    return copy_all(in_fd, file.get(), in_quotes(path), impl_->interrupt_fd);
  }
  RemoteFile file(opened.connection, opened.file.handle, in_quotes(path));
  const std::uint64_t size = TRY(file.write_all_of(in_fd, append));
  TRY(file.close());
  return size;
}

}  // namespace hobbes::client
