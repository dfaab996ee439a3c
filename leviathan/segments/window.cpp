// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/window.hpp"

#include <cerrno>

#include "base/log.hpp"

namespace hobbes::leviathan::segments {
namespace {

/// What begins and ends with large pages is mapped by them.
constexpr std::uint64_t alignment = 2ull << 20;

std::uint64_t rounded(std::uint64_t size) { return (size + alignment - 1) / alignment * alignment; }

}  // namespace

std::uint64_t WindowAddresses::take(std::uint64_t size) {
  std::uint64_t base = range_.base;
  for (const auto& [taken, length] : taken_) {
    if (taken - base >= size) break;
    base = taken + rounded(length);
  }
  if (size > range_.size.value || base - range_.base > range_.size.value - size) return 0;
  taken_[base] = size;
  return base;
}

Result<std::shared_ptr<Window>> Window::create(Node& node, const std::shared_ptr<LiveEnclave>& enclave,
                                               const std::shared_ptr<WindowAddresses>& addresses, FilePtr file,
                                               bool writable) {
  if (enclave->machine->lent_range().size.value == 0)
    return Error(Code::unsupported, "enclave '" + enclave->name + "': its bridge lends it no memory", EOPNOTSUPP);
  const std::uint64_t base = addresses->take(rounded(file->size));
  if (base == 0) {
    return Error(Code::exhausted, "enclave '" + enclave->name + "': has no addresses left for memory of others",
                 ENOMEM);
  }
  Place place{.base = base, .file = std::move(file), .writable = writable};
  return std::shared_ptr<Window>(new Window(node, enclave, addresses, std::move(place)));
}

Status Window::lend() {
  const std::lock_guard lock(mutex_);
  if (lent_) return {};
  const auto enclave = enclave_.lock();
  if (!enclave) return Error(Code::unavailable, "segment: the enclave has ended", EIO);
  const UniqueFd& fd = place_.writable ? place_.file->writable : place_.file->readable;
  const auto exclusive = node_.locks().lock(enclave->id);
  Status lent = enclave->machine->lend({place_.base, Bytes(place_.file->size)}, fd.get(), place_.writable);
  if (!lent && lent.error().sys_errno() == ENOSPC)
    return Error(Code::exhausted, "enclave '" + enclave->name + "': can be lent no more memory", ENOMEM);
  lent_ = lent.has_value();
  return lent;
}

Window::~Window() {
  node_.run_on_worker([&node = node_, lent = lent_, base = place_.base, weak = enclave_, addresses = addresses_] {
    if (const auto enclave = weak.lock(); enclave && lent && !enclave->ending) {
      const auto exclusive = node.locks().lock(enclave->id);
      const Status back = enclave->machine->take_back(base);
      if (!back && back.error().code() != Code::unavailable)
        return log::warning("enclave '" + enclave->name + "': memory it was lent: " + back.error().text());
    }
    node.run_on_loop([base, addresses] {
      if (const auto known = addresses.lock()) known->give_back(base);
    });
  });
}

}  // namespace hobbes::leviathan::segments
