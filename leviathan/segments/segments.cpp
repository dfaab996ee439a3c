// SPDX-License-Identifier: Apache-2.0
#include "leviathan/segments/segments.hpp"

#include <sys/resource.h>

#include "base/log.hpp"

namespace hobbes::leviathan::segments {
namespace {

/// A segment of Linux keeps two to four descriptors, and the usual soft limit is 1024.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // may always be raised so far
}

}  // namespace

Segments::Segments(Node& node)
    : registry_(node.db()), enclaves_(node, registry_), linux_(node, registry_, enclaves_) {
  node.observe(*this);
  allow_descriptors();
}

void Segments::recover() {
  if (const Status forgotten = registry_.forget_linux(); !forgotten) log::error(forgotten.error());
}

void Segments::enclave_started(const std::shared_ptr<LiveEnclave>& enclave, bool adopted) {
  enclaves_.started(enclave, adopted);
}
void Segments::enclave_ended(EnclaveId enclave) { enclaves_.ended(enclave); }
void Segments::app_ended(EnclaveId enclave, const hobbes_app_status& status) {
  enclaves_.app_ended(enclave, AppId(status.app_id));
}
void Segments::xemem_requested(EnclaveId enclave, std::span<const std::byte> payload) {
  enclaves_.requested(enclave, payload);
}

}  // namespace hobbes::leviathan::segments
