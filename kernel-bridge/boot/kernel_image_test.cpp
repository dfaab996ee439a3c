// SPDX-License-Identifier: Apache-2.0
#include "kernel-bridge/boot/kernel_image.hpp"

#include <catch2/catch.hpp>
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/hosted.h"
#include "base/test_dir.hpp"

namespace hobbes::bridge {
namespace {

using Catch::Contains;

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t base = HOBBES_HOSTED_KERNEL_BASE;

/// A good image: a page of code, then a page with 16 bytes of data.
struct Image {
  Elf64_Ehdr header{};
  Elf64_Phdr segments[2]{};
  std::byte content[2 * page]{};

  Image() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_entry = base + 8;
    header.e_phoff = offsetof(Image, segments);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    segments[0] = {PT_LOAD, PF_R | PF_X, offsetof(Image, content), base, 0, page - 100, page - 100, page};
    segments[1] = {PT_LOAD, PF_R | PF_W, offsetof(Image, content) + page, base + page, 0, 16, 3 * page, page};
    content[0] = std::byte{1};
    content[page] = std::byte{2};
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(this, 1)); }
};

}  // namespace

TEST_CASE("an image is laid out with its code before its data", "[hosted]") {
  const Image file;
  const KernelImage image = KernelImage::parse(file.bytes()).value();
  CHECK(image.layout().text == Bytes(page));
  CHECK(image.layout().size == Bytes(4 * page));
  CHECK(image.layout().entry == base + 8);
  std::vector<std::byte> place(image.layout().size.value);
  image.copy_to(place);
  CHECK(place[0] == std::byte{1});
  CHECK(place[page] == std::byte{2});
  CHECK(place.back() == std::byte{0});
}

TEST_CASE("a broken image is refused with what is wrong", "[hosted]") {
  struct Case {
    const char* says;
    std::function<void(Image&)> breakage;
  };
  const Case cases[] = {
      {"not an ELF file", [](Image& i) { i.header.e_ident[0] = 'x'; }},
      {"not a 64-bit", [](Image& i) { i.header.e_ident[EI_CLASS] = ELFCLASS32; }},
      {"not a little-endian", [](Image& i) { i.header.e_ident[EI_DATA] = ELFDATA2MSB; }},
      {"another machine", [](Image& i) { i.header.e_machine = EM_AARCH64; }},
      {"fixed address", [](Image& i) { i.header.e_type = ET_DYN; }},
      {"unknown size", [](Image& i) { i.header.e_phentsize = 1; }},
      {"0 program headers", [](Image& i) { i.header.e_phnum = 0; }},
      {"65535 program headers", [](Image& i) { i.header.e_phnum = 65535; }},
      {"truncated", [](Image& i) { i.header.e_phoff = sizeof(Image); }},
      {"truncated", [](Image& i) { i.header.e_phoff = UINT64_MAX; }},
      {"larger in the file", [](Image& i) { i.segments[0].p_filesz = page * 2; }},
      {"behind the end of the file", [](Image& i) { i.segments[1].p_offset = sizeof(Image); }},
      {"behind the end of the file", [](Image& i) { i.segments[1].p_offset = UINT64_MAX; }},
      {"outside of the kernel's addresses", [](Image& i) { i.segments[0].p_vaddr = 0x400000; }},
      {"outside of the kernel's addresses", [](Image& i) { i.segments[1].p_memsz = HOBBES_BOOT_KERNEL_LIMIT; }},
      {"outside of the kernel's addresses", [](Image& i) { i.segments[1].p_memsz = UINT64_MAX; }},
      {"overlap", [](Image& i) { i.segments[1].p_vaddr = base + 8; }},
      {"share a page", [](Image& i) { i.segments[1].p_vaddr = base + page - 100; }},
      {"behind writable ones",
       [](Image& i) {
         std::swap(i.segments[0].p_flags, i.segments[1].p_flags);
         i.header.e_entry = base + page;
       }},
      {"nothing to load", [](Image& i) { i.segments[0].p_type = i.segments[1].p_type = PT_NOTE; }},
      {"entry point", [](Image& i) { i.header.e_entry = base + page; }},
      {"entry point", [](Image& i) { i.header.e_entry = 0; }},
  };
  for (const Case& broken : cases) {
    Image file;
    broken.breakage(file);
    const auto image = KernelImage::parse(file.bytes());
    INFO(broken.says);
    REQUIRE_FALSE(image);
    CHECK(image.error().code() == Code::invalid);
    CHECK_THAT(image.error().text(), Contains(broken.says));
  }
}

TEST_CASE("an image cut off anywhere is refused, not read past its end", "[hosted]") {
  const Image file;
  const std::size_t whole = offsetof(Image, content) + page + 16;
  for (std::size_t size = 0; size < whole; size += 13) {
    // A copy of exactly this size: a checker of memory sees a byte too far.
    const std::vector<std::byte> cut(file.bytes().begin(), file.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    INFO(size);
    CHECK_FALSE(KernelImage::parse(cut));
  }
  CHECK(KernelImage::parse(file.bytes().first(whole)));
}

TEST_CASE("what is not a file with an image in it is named", "[hosted]") {
  const TestDir dir;
  CHECK_THAT(KernelImage::open(dir.path() / "none").error().text(), Contains("none: No such file"));
  CHECK_THAT(KernelImage::open(dir.path()).error().text(), Contains("not a regular file"));
  std::ofstream(dir.path() / "empty").flush();
  CHECK_THAT(KernelImage::open(dir.path() / "empty").error().text(), Contains("empty: empty"));
}

}  // namespace hobbes::bridge
