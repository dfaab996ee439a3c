// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/fake/fake_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kernel-bridge/abi/commands.h"
#include "kernel-bridge/fake/payload.hpp"

namespace hobbes::bridge {
namespace {

constexpr std::string_view host_files = "/host/";
/// No fake file is meant to be larger; a request that makes one is a bug of the test's.
constexpr std::uint64_t max_size = 64 << 20;

/// A reply that sends the caller to a file of Linux's.
template <typename Reply>
cmdqueue::Payload on_host(const std::string& path) {
  Reply reply{};
  reply.where = HOBBES_FILE_ON_HOST;
  cmdqueue::Payload payload = to_payload(reply);
  append(payload, cmdqueue::payload_of(std::string_view(path.c_str(), path.size() + 1)));
  return payload;
}

cmdqueue::Payload status_of(const cmdqueue::Payload& content) {
  hobbes_file_status status{};
  status.size = content.size();
  status.mode = S_IFREG | S_IRUSR | S_IWUSR;
  status.where = HOBBES_FILE_IN_ENCLAVE;
  return to_payload(status);
}

}  // namespace

Result<FakeFiles::Open*> FakeFiles::find(std::uint64_t handle) {
  const auto file = open_.find(handle);
  if (file == open_.end()) return errno_error(EBADF, "file handle " + std::to_string(handle));
  return &file->second;
}

Result<cmdqueue::Payload> FakeFiles::open(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_open>(request));
  const std::string path = TRY(read_text(request, sizeof wanted));
  if (path.starts_with(host_files)) return on_host<hobbes_file_opened>(path);
  const auto flags = static_cast<int>(wanted.flags);
  auto& file = files_[path];
  if (file == nullptr && (flags & O_CREAT) == 0) {
    files_.erase(path);
    return errno_error(ENOENT, path);
  }
  if (file == nullptr) file = std::make_shared<Payload>();
  if ((flags & O_TRUNC) != 0) file->clear();
  const std::uint64_t position = (flags & O_APPEND) != 0 ? file->size() : 0;
  open_[next_handle_] = {file, position};
  return to_payload(hobbes_file_opened{next_handle_++, HOBBES_FILE_IN_ENCLAVE, 0});
}

Result<cmdqueue::Payload> FakeFiles::close(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_ref>(request));
  TRY(find(wanted.handle));
  open_.erase(wanted.handle);
  return Payload();
}

Result<cmdqueue::Payload> FakeFiles::read(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_io>(request));
  Open& file = *TRY(find(wanted.handle));
  const bool at_position = wanted.offset == HOBBES_FILE_AT_POSITION;
  const Payload& content = *file.content;
  const std::uint64_t start = std::min<std::uint64_t>(at_position ? file.position : wanted.offset, content.size());
  const std::uint64_t length = std::min(wanted.length, content.size() - start);
  if (at_position) file.position = start + length;
  Payload bytes;
  append(bytes, PayloadView(content).subspan(start, length));
  return bytes;
}

Result<cmdqueue::Payload> FakeFiles::write(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_io>(request));
  Open& file = *TRY(find(wanted.handle));
  const PayloadView bytes = request.subspan(sizeof wanted);
  const bool at_position = wanted.offset == HOBBES_FILE_AT_POSITION;
  const std::uint64_t start = at_position ? file.position : wanted.offset;
  if (start > max_size || bytes.size() > max_size - start) return errno_error(EFBIG, "fake file");
  file.content->resize(std::max<std::uint64_t>(file.content->size(), start + bytes.size()));
  std::ranges::copy(bytes, file.content->begin() + static_cast<std::ptrdiff_t>(start));
  if (at_position) file.position = start + bytes.size();
  return to_payload(std::uint64_t{bytes.size()});
}

Result<cmdqueue::Payload> FakeFiles::seek(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_seek>(request));
  Open& file = *TRY(find(wanted.handle));
  std::uint64_t from = 0;
  if (wanted.whence == SEEK_CUR) from = file.position;
  if (wanted.whence == SEEK_END) from = file.content->size();
  const std::uint64_t position = from + static_cast<std::uint64_t>(wanted.offset);
  const bool before_start = wanted.offset < 0 && position > from;
  if (wanted.whence > SEEK_END || before_start) return errno_error(EINVAL, "seek");
  file.position = position;
  return to_payload(file.position);
}

Result<cmdqueue::Payload> FakeFiles::stat(PayloadView request) {
  const std::string path = TRY(read_text(request, 0));
  if (path.starts_with(host_files)) return on_host<hobbes_file_status>(path);
  const auto file = files_.find(path);
  if (file == files_.end()) return errno_error(ENOENT, path);
  return status_of(*file->second);
}

Result<cmdqueue::Payload> FakeFiles::fstat(PayloadView request) {
  const auto wanted = TRY(read_struct<hobbes_file_ref>(request));
  return status_of(*TRY(find(wanted.handle))->content);
}

}  // namespace hobbes::bridge
