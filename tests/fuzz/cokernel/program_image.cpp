// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cokernel/program_image.hpp"

#include <elf.h>

#include <array>
#include <string_view>

namespace hobbes::fuzz {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t fixed_base = 0x400000;
constexpr std::uint64_t text_offset = 0x200;
constexpr std::uint8_t relative_signed4 = 0x1b, header_relative_signed4 = 0x3b, unsigned4 = 0x03;

/// Bytes of whole instructions: some enter the kernel, some only hold bytes that look so.
void add_instruction(Bytes& code, Random& random) {
  const auto number = static_cast<std::uint32_t>(random.below(400));
  switch (random.below(9)) {
    case 0: code.insert(code.end(), {0x48, 0x89, 0xe5}); break;                   // mov %rsp,%rbp
    case 1: code.insert(code.end(), {0x8b, 0x84, 0x24, 0xb8, 0, 0, 0}); break;    // mov 0xb8(%rsp),%eax
    case 2: code.push_back(0x90); break;                                          // nop
    case 3: code.insert(code.end(), {0x66, 0x0f, 0x1f, 0x44, 0, 0}); break;       // nop
    case 4:                                                                       // mov $number,%r8d; syscall
      code.insert(code.end(), {0x41, 0xb8});
      append(code, number);
      code.insert(code.end(), {0x0f, 0x05});
      break;
    case 5:                                                                       // movabs $...,%rdx
      code.insert(code.end(), {0x48, 0xba, 0xb8});
      append(code, number);
      code.insert(code.end(), {0x0f, 0x05, 0xc3});
      break;
    case 6: code.insert(code.end(), {0xc5, 0xf8, 0x77}); break;                   // vzeroupper
    default:                                                                      // mov $number,%eax; syscall
      code.push_back(0xb8);
      append(code, number);
      code.insert(code.end(), {0x0f, 0x05});
      break;
  }
}

class Builder {
 public:
  Builder(const ProgramShape& shape, Random& random) : shape_(shape), random_(random) {}

  Bytes build() {
    file_.resize(text_offset);
    add_functions();
    add_frames();
    if (shape_.has_frame_header) add_frame_header();
    const std::uint64_t interpreter_at = file_.size();
    append(file_, shape_.interpreter, std::strlen(shape_.interpreter) + 1);
    text_size_ = file_.size();
    file_.resize((file_.size() + page - 1) / page * page);
    data_at_ = file_.size();
    for (int i = 0; i < 8; ++i) append(file_, random_.bits());
    std::uint64_t sections_at = 0;
    if (!shape_.has_frame_header) sections_at = add_sections();
    write_headers(interpreter_at, sections_at);
    return file_;
  }

 private:
  std::uint64_t base() const { return shape_.fixed ? fixed_base : 0; }
  void align() {
    while (file_.size() % 8 != 0) file_.push_back(0);
  }

  void add_functions() {
    for (std::uint64_t i = 0; i < shape_.functions; ++i) {
      starts_.push_back(file_.size());
      for (std::uint64_t left = 1 + random_.below(24); left > 0; --left) add_instruction(file_, random_);
      file_.push_back(0xc3);
      align();
    }
  }

  void add_frames() {
    frames_at_ = file_.size();
    const std::array<std::uint8_t, 20> cie = {16, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, relative_signed4};
    append(file_, cie);
    for (const std::uint64_t start : starts_) {
      constexpr std::uint32_t length = 16;
      append(file_, length);
      append(file_, static_cast<std::uint32_t>(file_.size() - frames_at_));
      append(file_, static_cast<std::int32_t>(start - file_.size()));
      append(file_, std::uint32_t{8});
      append(file_, std::uint32_t{0});
    }
    append(file_, std::uint32_t{0});
    frames_end_ = file_.size();
    align();
  }

  void add_frame_header() {
    header_at_ = file_.size();
    append(file_, std::array<std::uint8_t, 4>{1, relative_signed4, unsigned4, header_relative_signed4});
    append(file_, static_cast<std::int32_t>(frames_at_ - file_.size()));
    append(file_, static_cast<std::uint32_t>(starts_.size()));
    for (const std::uint64_t start : starts_) {
      append(file_, static_cast<std::int32_t>(start - header_at_));
      append(file_, std::int32_t{0});
    }
    header_end_ = file_.size();
  }

  std::uint64_t add_sections() {
    using namespace std::string_view_literals;
    constexpr auto names = "\0.eh_frame\0.shstrtab\0"sv;
    const std::uint64_t names_at = file_.size();
    append(file_, names.data(), names.size());
    align();
    const std::uint64_t at = file_.size();
    Elf64_Shdr none{}, frames{}, text{};
    frames.sh_name = 1;
    frames.sh_type = SHT_PROGBITS;
    frames.sh_addr = base() + frames_at_;
    frames.sh_offset = frames_at_;
    frames.sh_size = frames_end_ - frames_at_;
    text.sh_name = 11;
    text.sh_type = SHT_STRTAB;
    text.sh_offset = names_at;
    text.sh_size = names.size();
    append(file_, none);
    append(file_, frames);
    append(file_, text);
    return at;
  }

  Elf64_Phdr segment(std::uint32_t type, std::uint32_t flags, std::uint64_t offset, std::uint64_t size) const {
    return {type, flags, offset, base() + offset, base() + offset, size, size, 8};
  }

  void write_headers(std::uint64_t interpreter_at, std::uint64_t sections_at) {
    std::vector<Elf64_Phdr> segments;
    if (*shape_.interpreter != '\0')
      segments.push_back(segment(PT_INTERP, PF_R, interpreter_at, std::strlen(shape_.interpreter) + 1));
    segments.push_back(segment(PT_LOAD, PF_R | PF_X, 0, text_size_));
    segments.push_back(segment(PT_LOAD, PF_R | PF_W, data_at_, 64));
    segments.back().p_memsz = 64 + random_.below(2 * page);
    if (header_end_ > 0) segments.push_back(segment(PT_GNU_EH_FRAME, PF_R, header_at_, header_end_ - header_at_));

    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = shape_.fixed ? ET_EXEC : ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_entry = base() + text_offset;
    header.e_phoff = sizeof(header);
    header.e_ehsize = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<std::uint16_t>(segments.size());
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shoff = sections_at;
    header.e_shnum = sections_at != 0 ? 3 : 0;
    header.e_shstrndx = sections_at != 0 ? 2 : 0;
    put(file_, 0, header);
    for (std::size_t i = 0; i < segments.size(); ++i) put(file_, sizeof(header) + i * sizeof(Elf64_Phdr), segments[i]);
  }

  const ProgramShape& shape_;
  Random& random_;
  Bytes file_;
  std::vector<std::uint64_t> starts_;
  std::uint64_t frames_at_ = 0, frames_end_ = 0, header_at_ = 0, header_end_ = 0, text_size_ = 0, data_at_ = 0;
};

}  // namespace

Bytes make_program(const ProgramShape& shape, Random& random) { return Builder(shape, random).build(); }

}  // namespace hobbes::fuzz
