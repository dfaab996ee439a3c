// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/vdso.hpp"

#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {

extern "C" const char vdso_image[];
extern "C" const char vdso_image_end[];

namespace {

constexpr uint64_t below_end = 8 * page_size;  // above what mappings are chosen from
constexpr uint64_t entry_offset = page_size - sizeof(uint64_t);  // vdso/vdso.ld

/// Offsets in an ELF64 header: where its section table is, how long, and where its names are. The page ends before it.
constexpr uint64_t sections_at = 0x28, section_count_at = 0x3c, section_names_at = 0x3e;

Mutex making;
SharedMemory* clock_memory = nullptr;  // both are kept for ever
SharedMemory* code_memory = nullptr;

SharedMemory* one_page(PhysAddr page) {
  Owned<SharedMemory> memory(new (nothrow) SharedMemory);
  auto* extent = static_cast<Extent*>(allocate(sizeof(Extent)));
  if (!memory || extent == nullptr) {
    release(extent);
    return nullptr;
  }
  *extent = {page, page_size};
  memory->size = page_size;
  memory->extents = extent;
  memory->extent_count = 1;
  return memory.release();
}

void write_code(char* page) {
  memcpy(page, vdso_image, min<uint64_t>(static_cast<uint64_t>(vdso_image_end - vdso_image), page_size));
  memset(page + sections_at, 0, sizeof(uint64_t));
  memset(page + section_count_at, 0, sizeof(uint16_t));
  memset(page + section_names_at, 0, sizeof(uint16_t));
  const uint64_t entry = port::call_entry();
  memcpy(page + entry_offset, &entry, sizeof(entry));
}

/// When the first program is loaded: a boot need not wait for it. 0 or -ENOMEM.
int make_once() {
  Guard guard(making);
  if (clock_memory == nullptr) clock_memory = one_page(port::physical(&boot_params().clock));
  if (clock_memory == nullptr) return -ENOMEM;
  if (code_memory != nullptr) return 0;
  const PhysAddr page = page_allocator().allocate(0, false);
  if (page == 0) return -ENOMEM;
  code_memory = one_page(page);
  if (code_memory == nullptr) {
    page_allocator().free(page, page_size);
    return -ENOMEM;
  }
  write_code(static_cast<char*>(port::direct(page)));
  return 0;
}

Sysret map_page(AddressSpace& space, UserAddr address, SharedMemory* memory, uint32_t protection, const char* name) {
  AddressSpace::Request request;
  request.address = address;
  request.size = page_size;
  request.protection = protection;
  request.fixed = true;
  request.shared = true;
  request.may_write = false;
  request.memory = memory;
  request.kind = RegionKind::image;
  request.name = name;
  return space.map(request);
}

}  // namespace

Sysret map_vdso(AddressSpace& space) {
  if (const int error = make_once(); error != 0) return error;
  const UserAddr address = space.end() - below_end;
  const Sysret clock = map_page(space, address, clock_memory, port::prot_read, "[vvar]");
  return clock < 0 ? clock : map_page(space, address + page_size, code_memory, port::prot_read | port::prot_exec, "[vdso]");
}

}  // namespace hobbes::lwk
