// SPDX-License-Identifier: Apache-2.0
// Small sizes come from free lists of their class, refilled a slab at a time; a slab stays with its class. Larger ones
// are chunks of the page allocator. A page's tag tells which: the class, or large_tag + order.
#include "cokernel/kernel/heap.hpp"

#include "cokernel/kernel/lock.hpp"
#include "cokernel/kernel/page_allocator.hpp"
#include "cokernel/kernel/port.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t smallest_shift = 4;   // 16 bytes
constexpr uint32_t largest_shift = 11;   // 2 KiB
constexpr uint32_t slab_order = 2;       // 16 KiB
constexpr uint8_t large_tag = 64;

struct FreeObject {
  FreeObject* next;
};

struct SizeClass {
  Mutex lock;
  FreeObject* free = nullptr;
};

SizeClass classes[largest_shift + 1];

bool refill(SizeClass& size_class, uint32_t shift) {
  const PhysAddr slab = page_allocator().allocate(slab_order, false);
  if (slab == 0) return false;
  for (uint64_t page = 0; page < 1u << slab_order; ++page)
    page_allocator().tag(slab + page * page_size) = static_cast<uint8_t>(shift);
  auto* start = static_cast<char*>(port::direct(slab));
  for (uint64_t offset = 0; offset < page_size << slab_order; offset += 1ull << shift) {
    auto* object = reinterpret_cast<FreeObject*>(start + offset);
    object->next = size_class.free;
    size_class.free = object;
  }
  return true;
}

void* allocate_pages(size_t size, bool zeroed) {
  const uint64_t pages = pages_of(size);
  const uint32_t order = pages <= 1 ? 0 : 64u - static_cast<uint32_t>(__builtin_clzll(pages - 1));
  const PhysAddr base = order <= PageAllocator::max_order ? page_allocator().allocate(order, zeroed) : 0;
  if (base == 0) return nullptr;
  page_allocator().tag(base) = static_cast<uint8_t>(large_tag + order);
  return port::direct(base);
}

}  // namespace

void* allocate(size_t size) {
  if (size > 1ull << largest_shift) return allocate_pages(size, false);
  uint32_t shift = smallest_shift;
  while (1ull << shift < size) ++shift;
  SizeClass& size_class = classes[shift];
  Guard guard(size_class.lock);
  if (size_class.free == nullptr && !refill(size_class, shift)) return nullptr;
  FreeObject* object = size_class.free;
  size_class.free = object->next;
  return object;
}

void* allocate_zeroed(size_t size) {
  if (size > 1ull << largest_shift) return allocate_pages(size, true);
  void* object = allocate(size);
  if (object != nullptr) memset(object, 0, size);
  return object;
}

void release(void* pointer) {
  if (pointer == nullptr) return;
  const PhysAddr address = port::physical(pointer);
  const uint8_t tag = page_allocator().tag(align_down(address, page_size));
  if (tag >= large_tag) return page_allocator().free(address, page_size << (tag - large_tag));
  SizeClass& size_class = classes[tag];
  Guard guard(size_class.lock);
  auto* object = static_cast<FreeObject*>(pointer);
  object->next = size_class.free;
  size_class.free = object;
}

}  // namespace hobbes::lwk

void operator delete(void* pointer) noexcept { hobbes::lwk::release(pointer); }
void operator delete(void* pointer, size_t) noexcept { hobbes::lwk::release(pointer); }
