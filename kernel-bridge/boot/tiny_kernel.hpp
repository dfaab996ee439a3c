// SPDX-License-Identifier: Apache-2.0
// For tests: the smallest ELF file that passes for a co-kernel.
#pragma once

#include <elf.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "kernel-bridge/abi/hosted.h"

namespace hobbes::bridge {

/// One segment with `size` bytes of code (hlt), entered at its start.
inline std::vector<std::byte> tiny_kernel(std::size_t size) {
  constexpr std::size_t code = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
  constexpr std::byte hlt{0xf4};
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_entry = HOBBES_HOSTED_KERNEL_BASE;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  const Elf64_Phdr segment{PT_LOAD, PF_R | PF_X, code, HOBBES_HOSTED_KERNEL_BASE, 0, size, size, 4096};
  std::vector<std::byte> file(code + size, hlt);
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, &segment, sizeof segment);
  return file;
}

inline void write_tiny_kernel(const std::filesystem::path& path, std::size_t size) {
  const std::vector<std::byte> content = tiny_kernel(size);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

}  // namespace hobbes::bridge
