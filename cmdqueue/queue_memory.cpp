// SPDX-License-Identifier: Apache-2.0
#include "cmdqueue/queue_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace hobbes::cmdqueue {
namespace {

constexpr int size_seals = F_SEAL_SHRINK | F_SEAL_GROW;

Status check(RingSizes sizes) {
  for (const Bytes size : {sizes.requests, sizes.replies}) {
    if (!abi::valid_ring_size(size.value)) {
      return Error(Code::invalid, "queue: ring size " + std::to_string(size.value) + ": not a power of two from " +
                                      std::to_string(HOBBES_RING_MIN_SIZE) + " to " +
                                      std::to_string(HOBBES_RING_MAX_SIZE));
    }
  }
  return {};
}

}  // namespace

Bytes queue_size(RingSizes sizes) {
  return Bytes(abi::queue_size(sizes.requests.value, sizes.replies.value));
}

QueueMemory::QueueMemory(UniqueFd fd, Mapping mapping, std::span<std::byte> bytes, abi::QueueView view)
    : fd_(std::move(fd)), mapping_(std::move(mapping)), bytes_(bytes), view_(view) {}

Result<QueueMemory> QueueMemory::create(RingSizes sizes) {
  TRY(check(sizes));
  const std::size_t size = queue_size(sizes).value;
  UniqueFd fd(memfd_create("hobbes-queue", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return last_errno("queue: memfd_create");
  if (ftruncate(fd.get(), static_cast<off_t>(size)) < 0) return last_errno("queue: set the memory's size");
  if (fcntl(fd.get(), F_ADD_SEALS, size_seals | F_SEAL_SEAL) < 0) return last_errno("queue: seal the memory's size");
  Mapping mapping = TRY(Mapping::shared(fd.get(), size, PROT_READ | PROT_WRITE));
  const std::span<std::byte> bytes = mapping.bytes();
  QueueMemory formatted = TRY(format(bytes, sizes));
  return QueueMemory(std::move(fd), std::move(mapping), bytes, formatted.view());
}

Result<QueueMemory> QueueMemory::receive(UniqueFd memfd) {
  const int seals = fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0) return last_errno("queue: received descriptor is not a memfd");
  if ((seals & F_SEAL_SHRINK) == 0) return Error(Code::invalid, "queue: received memory could still shrink");
  struct stat status {};
  if (fstat(memfd.get(), &status) < 0) return last_errno("queue: size of received memory");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < sizeof(hobbes_queue_header)) return Error(Code::corrupt, "queue: received memory holds no queue");
  Mapping mapping = TRY(Mapping::shared(memfd.get(), size, PROT_READ | PROT_WRITE));
  const std::span<std::byte> bytes = mapping.bytes();
  const abi::QueueView view = TRY(find(bytes));
  return QueueMemory(std::move(memfd), std::move(mapping), bytes, view);
}

Result<QueueMemory> QueueMemory::format(std::span<std::byte> range, RingSizes sizes) {
  TRY(check(sizes));
  if (!abi::format_queue(range.data(), range.size(), sizes.requests.value, sizes.replies.value)) {
    return Error(Code::invalid, "queue: needs " + std::to_string(queue_size(sizes).value) +
                                    " bytes aligned to a cache line: got " + std::to_string(range.size()));
  }
  return open(range);
}

Result<QueueMemory> QueueMemory::open(std::span<std::byte> range) {
  const abi::QueueView view = TRY(find(range));
  return QueueMemory({}, {}, range, view);
}

Result<abi::QueueView> QueueMemory::find(std::span<std::byte> bytes) {
  abi::QueueView view;
  if (!abi::open_queue(bytes.data(), bytes.size(), view)) {
    return Error(Code::corrupt, "queue: no queue of version " + std::to_string(HOBBES_QUEUE_VERSION) +
                                    " in this memory (wrong magic, version or ring places)");
  }
  return view;
}

}  // namespace hobbes::cmdqueue
