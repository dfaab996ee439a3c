// SPDX-License-Identifier: Apache-2.0
// The C API (hobbes/xemem.h, xasm.h, xpmem.h): arguments are checked, errors become errnos.
#include <hobbes/xasm.h>
#include <hobbes/xemem.h>
#include <hobbes/xpmem.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "leviathan/client/client.hpp"
#include "leviathan/client/xemem/process.hpp"

namespace hobbes::xemem {
namespace {

template <typename T>
T fail(int error, T value) {
  errno = error;
  return value;
}

int result_of(const Status& status) { return status ? 0 : fail(errno_of(status.error()), -1); }

int result_of(int error) { return error == 0 ? 0 : fail(error, -1); }

/// The name an exporter gives; nothing, with errno, if it cannot be one.
std::optional<std::string> name_of(const char* name) {
  if (name == nullptr) return std::string();
  if (::strnlen(name, XEMEM_NAME_MAX + 1) <= XEMEM_NAME_MAX) return std::string(name);
  errno = ENAMETOOLONG;
  return std::nullopt;
}

bool is_range(const void* address, size_t size) {
  const auto start = reinterpret_cast<std::uint64_t>(address);
  return start % page_size == 0 && size % page_size == 0 && size <= UINT64_MAX - start;
}

mode_t mode_of_new_files() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  constexpr mode_t all = 0666;
  return all & ~mask;
}

xemem_segid_t make(void* address, size_t size, const char* name, mode_t mode, xemem_segid_t wanted, int* bell) {
  const auto text = name_of(name);
  if (!text) return -1;
  if (!is_range(address, size) || (size == 0 && bell == nullptr)) return fail<xemem_segid_t>(EINVAL, -1);
  const auto made = sharing().make({.address = static_cast<char*>(address),
                                    .size = size,
                                    .name = *text,
                                    .mode = mode,
                                    .wanted = SegmentId(static_cast<std::uint64_t>(wanted)),
                                    .signalled = bell != nullptr});
  if (!made) return fail<xemem_segid_t>(errno_of(made.error()), -1);
  if (bell != nullptr) *bell = made->bell;
  return static_cast<xemem_segid_t>(made->segment.value);
}

SegmentId id_of(xemem_segid_t segid) { return SegmentId(static_cast<std::uint64_t>(segid)); }

xemem_segid_t segid_of(const Result<SegmentId>& found) {
  if (!found) return fail<xemem_segid_t>(errno_of(found.error()), -1);
  return static_cast<xemem_segid_t>(found->value);
}

}  // namespace
}  // namespace hobbes::xemem

using namespace hobbes;
using namespace hobbes::xemem;

xemem_segid_t xemem_make(void* vaddr, size_t size, const char* name) {
  return make(vaddr, size, name, mode_of_new_files(), 0, nullptr);
}

xemem_segid_t xemem_make_mode(void* vaddr, size_t size, const char* name, mode_t mode) {
  return make(vaddr, size, name, mode, 0, nullptr);
}

xemem_segid_t xemem_make_signalled(void* vaddr, size_t size, const char* name, int* fd) {
  if (fd == nullptr) return fail<xemem_segid_t>(EINVAL, -1);
  return make(vaddr, size, name, mode_of_new_files(), 0, fd);
}

int xemem_make_segid(void* vaddr, size_t size, const char* name, xemem_segid_t request) {
  if (request < 1) return fail(EINVAL, -1);
  return make(vaddr, size, name, mode_of_new_files(), request, nullptr) == request ? 0 : -1;
}

int xemem_remove(xemem_segid_t segid) { return result_of(sharing().remove(id_of(segid))); }

int xemem_ack(int fd) {
  const auto signals = sharing().signals_of(fd);
  return signals ? result_of((*signals)->take_one()) : result_of(errno_of(signals.error()));
}

int xemem_ack_all(int fd) {
  const auto signals = sharing().signals_of(fd);
  return signals ? result_of((*signals)->take_all()) : result_of(errno_of(signals.error()));
}

int xemem_wait_signal(int fd, int timeout_ms) {
  const auto signals = sharing().signals_of(fd);
  return signals ? result_of((*signals)->wait(timeout_ms)) : result_of(errno_of(signals.error()));
}

xemem_segid_t xemem_lookup_segid(const char* name) {
  if (name == nullptr || *name == '\0') return fail<xemem_segid_t>(EINVAL, -1);
  if (!name_of(name)) return -1;
  return segid_of(sharing().lookup(name));
}

xemem_segid_t xemem_wait_name(const char* name, int timeout_ms) {
  if (name == nullptr || *name == '\0') return fail<xemem_segid_t>(EINVAL, -1);
  if (!name_of(name)) return -1;
  return segid_of(sharing().wait_for(name, SegmentId(0), std::chrono::milliseconds(timeout_ms)));
}

xemem_segment* xemem_get_segment_list(int* count) {
  if (count == nullptr) return fail<xemem_segment*>(EINVAL, nullptr);
  const auto all = sharing().list();
  if (!all) return fail<xemem_segment*>(errno_of(all.error()), nullptr);
  auto* list = static_cast<xemem_segment*>(std::calloc(all->size() + 1, sizeof(xemem_segment)));
  if (list == nullptr) return nullptr;
  *count = static_cast<int>(all->size());
  for (std::size_t i = 0; i < all->size(); ++i) {
    const db::Segment& from = (*all)[i];
    list[i].segid = static_cast<xemem_segid_t>(from.id.value);
    list[i].size = from.size.value;
    list[i].enclave = from.enclave.value;
    list[i].app = from.app.value;
    from.name.copy(list[i].name, XEMEM_NAME_MAX);
  }
  return list;
}

xemem_apid_t xemem_get(xemem_segid_t segid, int flags) {
  if (flags != XEMEM_RDONLY && flags != XEMEM_RDWR) return fail<xemem_apid_t>(EINVAL, -1);
  const auto handle = sharing().get(id_of(segid), flags == XEMEM_RDWR);
  return handle ? *handle : fail<xemem_apid_t>(errno_of(handle.error()), -1);
}

int xemem_release(xemem_apid_t apid) { return result_of(sharing().release(apid)); }

void* xemem_attach(struct xemem_addr addr, size_t size, void* vaddr) {
  if (addr.offset < 0 || reinterpret_cast<std::uint64_t>(vaddr) % page_size != 0) return fail(EINVAL, XEMEM_FAILED);
  const auto offset = static_cast<std::uint64_t>(addr.offset);
  const auto place = sharing().attach(addr.apid, offset, size, static_cast<char*>(vaddr));
  return place ? *place : fail(errno_of(place.error()), XEMEM_FAILED);
}

void* xemem_attach_nocache(struct xemem_addr addr, size_t size, void* vaddr) { return xemem_attach(addr, size, vaddr); }

int xemem_detach(void* vaddr) { return result_of(sharing().detach(static_cast<char*>(vaddr))); }

int xemem_signal(xemem_apid_t apid) { return result_of(sharing().signal(apid)); }

int xemem_signal_segid(xemem_segid_t segid) { return result_of(sharing().signal(id_of(segid))); }

void* xemem_alloc(size_t size) {
  if (size == 0 || size % page_size != 0) return fail<void*>(EINVAL, nullptr);
  const auto memory = sharing().allocate(size);
  return memory ? *memory : fail<void*>(errno_of(memory.error()), nullptr);
}

int xemem_free(void* vaddr) { return result_of(sharing().free(static_cast<char*>(vaddr))); }

xemem_segid_t xasm_snapshot(void* vaddr, size_t size, const char* name, mode_t mode) {
  if (name == nullptr || *name == '\0' || size == 0 || !is_range(vaddr, size)) return fail<xemem_segid_t>(EINVAL, -1);
  const auto text = name_of(name);
  if (!text) return -1;
  return segid_of(sharing().snapshot(static_cast<char*>(vaddr), size, *text, mode));
}

xemem_segid_t xasm_wait(const char* name, xemem_segid_t after, int timeout_ms) {
  if (name == nullptr || *name == '\0') return fail<xemem_segid_t>(EINVAL, -1);
  const auto text = name_of(name);
  if (!text) return -1;
  return segid_of(sharing().wait_for(*text, id_of(after), std::chrono::milliseconds(timeout_ms)));
}

xpmem_segid_t xpmem_make(void* vaddr, size_t size, int permit_type, void* permit_value) {
  if (permit_type != XPMEM_PERMIT_MODE || size == XPMEM_MAXADDR_SIZE) return fail<xpmem_segid_t>(EINVAL, -1);
  return make(vaddr, size, nullptr, static_cast<mode_t>(reinterpret_cast<std::uintptr_t>(permit_value)), 0, nullptr);
}

xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int permit_type, void*) {
  if (permit_type != XPMEM_PERMIT_MODE) return fail<xpmem_apid_t>(EINVAL, -1);
  return xemem_get(segid, flags);
}
