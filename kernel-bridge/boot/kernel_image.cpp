// SPDX-License-Identifier: Apache-2.0
// An ELF file is hostile input (a descriptor may name any file): every number is checked before it is used, and nothing
// is read outside the file or written outside the image's place.
#include "kernel-bridge/boot/kernel_image.hpp"

#include <elf.h>

#include <cassert>
#include <cstring>
#include <optional>
#include <string>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/hosted.h"
#include "kernel-bridge/boot/file_content.hpp"

namespace hobbes::bridge {
namespace {

using Content = std::span<const std::byte>;

constexpr std::uint64_t page_size = 4096;
constexpr std::size_t max_program_headers = 64;
/// With symbols and debug information; what is loaded is much less.
constexpr Bytes max_file_size = mib(256);

constexpr std::uint64_t page_up(std::uint64_t value) { return (value + page_size - 1) / page_size * page_size; }

Error refuse(std::string_view why) { return Error(Code::invalid, std::string(why)); }

/// A T at `offset`, copied, since it need not be aligned there; nothing when it does not lie in the content.
template <typename T>
std::optional<T> read(Content content, std::uint64_t offset) {
  if (sizeof(T) > content.size() || offset > content.size() - sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, content.data() + offset, sizeof value);
  return value;
}

Result<Elf64_Ehdr> read_header(Content content) {
  if (content.size() < SELFMAG || std::memcmp(content.data(), ELFMAG, SELFMAG) != 0) return refuse("not an ELF file");
  const auto header = read<Elf64_Ehdr>(content, 0);
  if (!header) return refuse("truncated: its ELF header is not whole");
  if (header->e_ident[EI_CLASS] != ELFCLASS64) return refuse("not a 64-bit ELF file");
  if (header->e_ident[EI_DATA] != ELFDATA2LSB) return refuse("not a little-endian ELF file");
  if (header->e_machine != EM_X86_64)
    return refuse("built for another machine (ELF machine " + std::to_string(header->e_machine) + ", not x86-64)");
  if (header->e_type != ET_EXEC) return refuse("not an executable linked at a fixed address");
  if (header->e_phentsize != sizeof(Elf64_Phdr)) return refuse("corrupt: its program headers have an unknown size");
  if (header->e_phnum == 0 || header->e_phnum > max_program_headers)
    return refuse("corrupt: it has " + std::to_string(header->e_phnum) + " program headers");
  return *header;
}

std::string not_for(std::uint64_t base) {
  return base == HOBBES_HOSTED_KERNEL_BASE ? "not linked for the hosted port: " : "not linked for bare metal: ";
}

Status check_segment(const Elf64_Phdr& segment, Content content, std::uint64_t base) {
  if (segment.p_filesz > segment.p_memsz) return refuse("corrupt: a segment is larger in the file than in memory");
  if (segment.p_offset > content.size() || segment.p_filesz > content.size() - segment.p_offset)
    return refuse("truncated: a segment lies behind the end of the file");
  constexpr std::uint64_t window = HOBBES_BOOT_KERNEL_LIMIT;
  if (segment.p_vaddr < base || segment.p_vaddr - base > window || segment.p_memsz > window - (segment.p_vaddr - base))
    return refuse(not_for(base) + "a segment lies outside of the kernel's addresses");
  return {};
}

/// The segments to load, by ascending address, without overlaps.
Result<std::vector<Elf64_Phdr>> read_segments(Content content, const Elf64_Ehdr& header, std::uint64_t base) {
  std::vector<Elf64_Phdr> segments;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    if (header.e_phoff > content.size()) return refuse("truncated: its program headers lie behind the end of the file");
    const auto segment = read<Elf64_Phdr>(content, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return refuse("truncated: its program headers are not whole");
    if (segment->p_type != PT_LOAD || segment->p_memsz == 0) continue;
    TRY(check_segment(*segment, content, base));
    if (!segments.empty() && segment->p_vaddr < segments.back().p_vaddr + segments.back().p_memsz)
      return refuse("corrupt: its segments overlap or are out of order");
    segments.push_back(*segment);
  }
  if (segments.empty()) return refuse("corrupt: it has nothing to load");
  return segments;
}

/// Read-only segments come first and share no page with the writable ones, since all processes of an enclave map them
/// with these protections.
Result<Bytes> text_size(const std::vector<Elf64_Phdr>& segments, std::uint64_t base) {
  std::uint64_t end = 0;
  bool writable_seen = false;
  for (const Elf64_Phdr& segment : segments) {
    const std::uint64_t start = segment.p_vaddr - base;
    if ((segment.p_flags & PF_W) != 0) {
      if (start < end) return refuse(not_for(base) + "code and data share a page");
      if (!writable_seen) end = start / page_size * page_size;  // what lies between is nobody's
      writable_seen = true;
    } else {
      if (writable_seen) return refuse(not_for(base) + "read-only data lie behind writable ones");
      end = page_up(start + segment.p_memsz);
    }
  }
  return Bytes(end);
}

Status check_entry(std::uint64_t entry, const std::vector<Elf64_Phdr>& segments) {
  const bool in_code = std::any_of(segments.begin(), segments.end(), [entry](const Elf64_Phdr& segment) {
    return (segment.p_flags & PF_X) != 0 && entry >= segment.p_vaddr && entry - segment.p_vaddr < segment.p_filesz;
  });
  if (!in_code) return refuse("corrupt: its entry point lies outside of its code");
  return {};
}

}  // namespace

Result<KernelImage> KernelImage::open(const std::filesystem::path& file, std::uint64_t base) {
  Mapping content = TRY(read_content(file, "co-kernel image", max_file_size));
  auto image = parse(content.bytes(), base);
  if (!image) return std::move(image).error().in("co-kernel image " + file.string());
  image->file_ = std::move(content);
  return image;
}

Result<KernelImage> KernelImage::parse(Content content, std::uint64_t base) {
  const Elf64_Ehdr header = TRY(read_header(content));
  const std::vector<Elf64_Phdr> segments = TRY(read_segments(content, header, base));
  TRY(check_entry(header.e_entry, segments));

  KernelImage image;
  image.layout_.text = TRY(text_size(segments, base));
  image.layout_.entry = header.e_entry;
  image.layout_.size = Bytes(page_up(segments.back().p_vaddr + segments.back().p_memsz - base));
  for (const Elf64_Phdr& segment : segments)
    image.segments_.push_back({segment.p_vaddr - base, content.subspan(segment.p_offset, segment.p_filesz)});
  return image;
}

void KernelImage::copy_to(std::span<std::byte> place) const {
  assert(place.size() >= layout_.size.value);
  for (const Segment& segment : segments_)
    std::memcpy(place.subspan(segment.offset_in_memory).data(), segment.content.data(), segment.content.size());
}

}  // namespace hobbes::bridge
