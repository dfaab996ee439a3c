// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/elf.hpp"

#include "cokernel/kernel/string.hpp"
#include "cokernel/kernel/user_memory.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint16_t type_exec = 2, type_dyn = 3, machine_x86_64 = 62;
constexpr uint8_t class_64 = 2, little_endian = 1;
constexpr uint32_t segment_load = 1, segment_interp = 3, segment_headers = 6;
constexpr uint32_t flag_exec = 1, flag_write = 2, flag_read = 4;
constexpr UserAddr pie_base = 0x555555554000;
constexpr uint64_t largest_image = 1ull << 36;

int refuse(const char*& why, const char* reason) {
  why = reason;
  return -ENOEXEC;
}

int read_exactly(fs::File& file, void* to, uint64_t size, uint64_t offset) {
  auto* out = static_cast<char*>(to);
  while (size > 0) {
    const Sysret got = fs::read_at(file, out, size, offset);
    if (got < 0) return static_cast<int>(got);
    if (got == 0) return -ENOEXEC;
    out += got;
    size -= static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  return 0;
}

/// Out of the head if it is there: the host is asked once, not for each table.
int read_table(ElfImage& image, void* to, uint64_t size, uint64_t offset) {
  if (offset > image.head_size || size > image.head_size - offset) return read_exactly(*image.file, to, size, offset);
  memcpy(to, image.head + offset, size);
  return 0;
}

int check_load(ElfImage& image, const ElfSegment& segment, const char*& why) {
  if (segment.file_size > segment.memory_size) return refuse(why, "a segment is larger in the file than in memory");
  if (segment.address > UINT64_MAX - largest_image - page_size || segment.memory_size > largest_image)
    return refuse(why, "a segment is too large");
  if (segment.offset % page_size != segment.address % page_size) return refuse(why, "a segment is misaligned");
  const UserAddr start = align_down(segment.address, page_size);
  if (image.high != 0 && start < image.high) return refuse(why, "segments overlap or are out of order");
  if (image.high == 0) image.low = start;
  image.high = align_up(segment.address + segment.memory_size, page_size);
  return 0;
}

int check_size(ElfImage& image, const char*& why) {
  const Sysret size = fs::file_size(*image.file);
  if (size < 0) return static_cast<int>(size);
  for (uint16_t i = 0; i < image.header.program_count; ++i) {
    const ElfSegment& segment = image.segments[i];
    if (segment.type == segment_load && (segment.offset > static_cast<uint64_t>(size) ||
                                         segment.file_size > static_cast<uint64_t>(size) - segment.offset))
      return refuse(why, "the file is truncated");
  }
  return 0;
}

uint32_t protection_of(const ElfSegment& segment) {
  uint32_t protection = 0;
  if ((segment.flags & flag_read) != 0) protection |= port::prot_read;
  if ((segment.flags & flag_write) != 0) protection |= port::prot_write;
  if ((segment.flags & flag_exec) != 0) protection |= port::prot_exec;
  return protection;
}

/// Fills [address, address + size) of the process from the file, through the direct map.
int load(AddressSpace& space, fs::File& file, UserAddr address, uint64_t size, uint64_t offset) {
  while (size > 0) {
    uint64_t piece = 0;
    void* memory = space.direct(address, size, 0, piece);
    if (memory == nullptr) return -EFAULT;
    if (const int error = read_exactly(file, memory, piece, offset); error != 0) return error;
    address += piece;
    offset += piece;
    size -= piece;
  }
  return 0;
}

}  // namespace

UserAddr ElfImage::program_headers() const {
  for (uint16_t i = 0; i < header.program_count; ++i) {
    const ElfSegment& segment = segments[i];
    if (segment.type == segment_headers) return bias + segment.address;
    if (segment.type == segment_load && segment.offset <= header.program_offset &&
        header.program_offset - segment.offset < segment.file_size)
      return bias + segment.address + header.program_offset - segment.offset;
  }
  return 0;
}

int read_head(ElfImage& image) {
  const Sysret got = fs::read_at(*image.file, image.head, sizeof(image.head), 0);
  image.head_size = got < 0 ? 0 : static_cast<uint64_t>(got);
  return got < 0 ? static_cast<int>(got) : 0;
}

int read_elf(ElfImage& image, const char*& why) {
  ElfHeader& header = image.header;
  if (const int error = read_table(image, &header, sizeof(header), 0); error != 0)
    return error == -ENOEXEC ? refuse(why, "the file is too short for an ELF header") : error;
  if (memcmp(header.ident, "\177ELF", 4) != 0) return refuse(why, "it is not an ELF file");
  if (header.ident[4] != class_64 || header.ident[5] != little_endian || header.machine != machine_x86_64)
    return refuse(why, "it is an ELF file for another machine, not x86-64");
  if (header.type != type_exec && header.type != type_dyn) return refuse(why, "it is an ELF file, but not executable");
  if (header.program_size != sizeof(ElfSegment) || header.program_count == 0 || header.program_count > max_segments)
    return refuse(why, "its program header table is damaged");
  const uint64_t table_size = header.program_count * sizeof(ElfSegment);
  if (const int error = read_table(image, image.segments, table_size, header.program_offset); error != 0)
    return error == -ENOEXEC ? refuse(why, "the file is truncated") : error;

  image.fixed = header.type == type_exec;
  for (uint16_t i = 0; i < header.program_count; ++i) {
    const ElfSegment& segment = image.segments[i];
    if (segment.type == segment_load && segment.memory_size > 0)
      if (const int error = check_load(image, segment, why); error != 0) return error;
    if (segment.type == segment_interp) {
      if (segment.file_size < 2 || segment.file_size > sizeof(image.interpreter))
        return refuse(why, "its interpreter's name is damaged");
      if (const int error = read_table(image, image.interpreter, segment.file_size, segment.offset); error != 0)
        return error;
      if (image.interpreter[segment.file_size - 1] != '\0') return refuse(why, "its interpreter's name is damaged");
    }
  }
  if (image.high == 0) return refuse(why, "it has nothing to load");
  if (image.fixed && !is_user_range(image.low, image.high - image.low))
    return refuse(why, "its addresses are not an application's");
  if (header.entry < image.low || header.entry >= image.high) return refuse(why, "its entry point is outside of it");
  return check_size(image, why);
}

int map_elf(ElfImage& image, AddressSpace& space) {
  const uint64_t span = image.high - image.low;
  if (!image.fixed) {
    UserAddr base = pie_base < space.end() ? pie_base : align_down(space.end() / 3 * 2, page_size);
    if (space.find_hole(base, base + span, span, page_size) != base)
      base = space.find_hole(port::user_start, space.end(), span, large_page_size);
    if (base == 0) return -ENOMEM;
    image.bias = base - image.low;
  }
  for (uint16_t i = 0; i < image.header.program_count; ++i) {
    const ElfSegment& segment = image.segments[i];
    if (segment.type != segment_load || segment.memory_size == 0) continue;
    const UserAddr start = image.bias + segment.address;
    AddressSpace::Request request;
    request.address = align_down(start, page_size);
    request.size = start + segment.memory_size - request.address;
    request.protection = protection_of(segment);
    request.fixed = request.no_replace = true;
    request.kind = RegionKind::image;
    request.name = image.path;
    request.file_offset = align_down(segment.offset, page_size);
    if (const Sysret mapped = space.map(request); mapped < 0) return static_cast<int>(mapped);
    if (const int error = load(space, *image.file, start, segment.file_size, segment.offset); error != 0) return error;
  }
  return 0;
}

}  // namespace hobbes::lwk
