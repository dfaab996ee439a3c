// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/control_reply.hpp"

namespace hobbes::lwk {
namespace {

int32_t status_of(int error) {
  switch (error) {
    case EINVAL: case ENAMETOOLONG: case ENOEXEC: case ENOTDIR: case EISDIR: return HOBBES_STATUS_INVALID;
    case ENOENT: case ESRCH: return HOBBES_STATUS_NOT_FOUND;
    case EEXIST: return HOBBES_STATUS_EXISTS;
    case EBUSY: case EAGAIN: return HOBBES_STATUS_BUSY;
    case ENOMEM: case ENOSPC: case EMFILE: return HOBBES_STATUS_EXHAUSTED;
    case EPERM: case EACCES: return HOBBES_STATUS_DENIED;
    case ENOSYS: return HOBBES_STATUS_UNSUPPORTED;
    case ETIMEDOUT: return HOBBES_STATUS_TIMEOUT;
    default: return HOBBES_STATUS_IO;
  }
}

}  // namespace

char* Reply::extend(uint64_t size) {
  if (size > limit_ - size_) {
    fail(-ENOSPC, "the reply");
    return nullptr;
  }
  if (size_ + size > capacity_) {
    auto* larger = static_cast<char*>(allocate(size_ + size));
    if (larger == nullptr) {
      fail(-ENOMEM, "the reply");
      return nullptr;
    }
    memcpy(larger, bytes_, size_);
    release(bytes_);
    bytes_ = larger;
    capacity_ = size_ + size;
  }
  size_ += size;
  return bytes_ + size_ - size;
}

void Reply::append(const void* data, uint64_t size) {
  if (char* at = extend(size)) memcpy(at, data, size);
}

void Reply::fail(int error, const char* what) {
  errno_ = -error;
  status_ = status_of(-error);
  size_ = 0;
  // leviathan adds the errno's text; this is what it cannot know.
  append(what, min<uint64_t>(strlen(what), limit_));
  status_ = status_of(-error);
}

}  // namespace hobbes::lwk
