// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/hosted/function_table.hpp"

#include "cokernel/arch/hosted/eh_frame.hpp"
#include "cokernel/kernel/elf.hpp"
#include "cokernel/kernel/heap.hpp"
#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk::hosted {
namespace {

constexpr uint32_t segment_load = 1, segment_eh_frame = 0x6474e550;
constexpr uint8_t udata4 = 0x03, datarel_sdata4 = 0x3b;
constexpr uint64_t largest_frames = 16 << 20;
constexpr uint16_t max_sections = 256;
constexpr uint64_t largest_names = 8192;

struct FrameHeader {
  uint8_t version, frame_encoding, count_encoding, table_encoding;
  int32_t frame;
  uint32_t count;
};

struct Entry {
  int32_t start, frame;  // relative to the header
};

struct Section {  // Elf64_Shdr
  uint32_t name, type;
  uint64_t flags, address, offset, size;
  uint32_t link, info;
  uint64_t alignment, entry_size;
};

/// The address at which the image that covers `address` has its first byte; 0: none.
UserAddr image_base(AddressSpace& space, UserAddr address) {
  UserAddr base = 0, candidate = 0;
  char name[sizeof(Region::name)] = {}, candidate_name[sizeof(Region::name)] = {};
  space.for_each([&](const Region& region) {
    if (region.start > address) return;
    if (region.file_offset == 0 && (region.kind == RegionKind::image || region.kind == RegionKind::file)) {
      candidate = region.start;
      memcpy(candidate_name, region.name, sizeof(candidate_name));
    }
    if (address < region.end) {
      memcpy(name, region.name, sizeof(name));
      base = candidate;
    }
  });
  return base != 0 && strcmp(name, candidate_name) == 0 ? base : 0;
}

/// The address of the image's .eh_frame_hdr; 0: none.
UserAddr frame_header_of(UserAddr base) {
  ElfHeader header;
  if (!read_user(base, header) || memcmp(header.ident, "\177ELF", 4) != 0) return 0;
  if (header.program_size != sizeof(ElfSegment) || header.program_count > max_segments) return 0;
  UserAddr bias = base, frames = 0;
  bool first = true;
  for (uint16_t i = 0; i < header.program_count; ++i) {
    ElfSegment segment;
    if (!read_user(base + header.program_offset + i * sizeof(segment), segment)) return 0;
    if (segment.type == segment_load && first) {
      bias = base - align_down(segment.address, page_size);
      first = false;
    }
    if (segment.type == segment_eh_frame) frames = segment.address;
  }
  return frames == 0 ? 0 : bias + frames;
}

FunctionRange search_header(UserAddr at, UserAddr address) {
  FrameHeader header;
  if (!read_user(at, header)) return {};
  if (header.version != 1 || header.count_encoding != udata4 || header.table_encoding != datarel_sdata4) return {};
  const UserAddr table = at + sizeof(header);
  uint32_t low = 0, high = header.count;
  FunctionRange range;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    Entry entry;
    if (!read_user(table + middle * sizeof(entry), entry)) return {};
    const UserAddr candidate = at + static_cast<uint64_t>(static_cast<int64_t>(entry.start));
    if (candidate <= address) {
      range.start = candidate;
      low = middle + 1;
    } else {
      range.end = candidate;
      high = middle;
    }
  }
  return range;
}

/// Where .eh_frame of the process' executable lies in its memory. False: its section headers do not say.
bool find_frames(Process& process, UserAddr base, UserAddr& start, uint64_t& size) {
  ElfHeader header;
  if (!process.image || fs::read_at(*process.image, &header, sizeof(header), 0) != sizeof(header)) return false;
  if (header.section_size != sizeof(Section) || header.section_count == 0 || header.section_count > max_sections ||
      header.name_index >= header.section_count)
    return false;
  const uint64_t table_size = header.section_count * sizeof(Section);
  Buffer table(table_size);
  if (!table || fs::read_at(*process.image, table.data(), table_size, header.section_offset) !=
                    static_cast<Sysret>(table_size))
    return false;
  const auto* sections = reinterpret_cast<const Section*>(table.data());
  const Section& names = sections[header.name_index];
  Buffer text(largest_names);
  if (!text || names.size > largest_names ||
      fs::read_at(*process.image, text.data(), names.size, names.offset) != static_cast<Sysret>(names.size))
    return false;
  constexpr char wanted[] = ".eh_frame";
  for (uint16_t i = 0; i < header.section_count; ++i) {
    const Section& section = sections[i];
    if (section.name >= names.size || names.size - section.name < sizeof(wanted) ||
        memcmp(text.data() + section.name, wanted, sizeof(wanted)) != 0)
      continue;
    start = section.address + (header.type == 3 ? base : 0);
    size = section.size;
    return size > 0 && size <= largest_frames;
  }
  return false;
}

void sift_down(UserAddr* heap, uint64_t root, uint64_t count) {
  while (2 * root + 1 < count) {
    uint64_t child = 2 * root + 1;
    if (child + 1 < count && heap[child] < heap[child + 1]) ++child;
    if (heap[root] >= heap[child]) return;
    const UserAddr swapped = heap[root];
    heap[root] = heap[child];
    heap[child] = swapped;
    root = child;
  }
}

/// Heapsort (Williams, CACM 7(6), 1964).
void sort(UserAddr* values, uint64_t count) {
  for (uint64_t i = count / 2; i > 0; --i) sift_down(values, i - 1, count);
  for (uint64_t end = count; end > 1; --end) {
    const UserAddr largest = values[0];
    values[0] = values[end - 1];
    values[end - 1] = largest;
    sift_down(values, 0, end - 1);
  }
}

/// Collects the starts of the executable's functions. Called once a process; what fails leaves none.
void collect(Process& process, UserAddr base) {
  StubPages& stubs = process.stubs;
  stubs.collected = true;
  UserAddr start = 0;
  uint64_t size = 0;
  if (!find_frames(process, base, start, size)) return;
  Buffer frames(size);
  if (!frames || !copy_in(frames.data(), start, size)) return;
  const auto* bytes = reinterpret_cast<const uint8_t*>(frames.data());
  uint64_t count = 0;
  for_each_function(bytes, size, start, [&](UserAddr) { ++count; });
  stubs.functions = static_cast<UserAddr*>(allocate(max<uint64_t>(count, 1) * sizeof(UserAddr)));
  if (stubs.functions == nullptr) return;
  bool sorted = true;
  for_each_function(bytes, size, start, [&](UserAddr function) {
    if (stubs.function_count > 0 && function < stubs.functions[stubs.function_count - 1]) sorted = false;
    stubs.functions[stubs.function_count++] = function;
  });
  if (!sorted) sort(stubs.functions, stubs.function_count);
}

FunctionRange search_collected(const StubPages& stubs, UserAddr address) {
  uint64_t low = 0, high = stubs.function_count;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (stubs.functions[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return {low == 0 ? 0 : stubs.functions[low - 1], low == stubs.function_count ? 0 : stubs.functions[low]};
}

}  // namespace

FunctionRange function_at(Process& process, UserAddr address) {
  const UserAddr base = image_base(process.space, address);
  if (base == 0) return {};
  FunctionRange range;
  if (const UserAddr header = frame_header_of(base); header != 0) {
    range = search_header(header, address);
  } else {
    if (!process.stubs.collected) collect(process, base);
    range = search_collected(process.stubs, address);
  }
  return range.start >= base ? range : FunctionRange{};
}

}  // namespace hobbes::lwk::hosted
