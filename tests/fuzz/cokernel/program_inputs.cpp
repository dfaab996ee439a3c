// SPDX-License-Identifier: Apache-2.0
// Inputs of the program target's bounded run: ELF programs with a few words changed, and scripts.
#include <array>
#include <string_view>

#include "tests/fuzz/cokernel/program_image.hpp"

namespace hobbes::fuzz {
namespace {

constexpr std::size_t header_bytes = 64 + 5 * 56;  // where most of what is checked stands

Bytes make_script(Random& random) {
  constexpr std::array<std::string_view, 12> pieces = {
      "#!", "/enclave/loader", "/enclave/program", " ",      "\t", "-x",
      "\n", "/dev/null",       "echo 1\n",        "loader", "/",  "#!/enclave/loader -a b \n"};
  Bytes script;
  append(script, "#!", random.one_in(8) ? 1 : 2);
  for (std::uint64_t i = random.below(8); i > 0; --i) {
    const std::string_view piece = pieces[random.below(pieces.size())];
    append(script, piece.data(), piece.size());
  }
  if (random.one_in(8)) script.resize(script.size() + random.below(300), 'x');
  if (random.one_in(2)) script.push_back('\n');
  return script;
}

/// A word of the headers, or of the section headers at the end.
void change_header(Bytes& program, Random& random) {
  const std::size_t size = std::size_t{1} << random.below(4);
  const std::size_t place = random.one_in(4) ? program.size() - 8 - random.below(200) : random.below(header_bytes);
  const std::uint64_t value = random.value();
  std::memcpy(program.data() + place / size * size, &value, size);
}

}  // namespace

const int bounded_inputs = 10'000;

Bytes next_input(Random& random) {
  if (random.one_in(10)) return make_script(random);
  ProgramShape shape;
  shape.fixed = random.one_in(2);
  shape.has_frame_header = random.one_in(2);
  shape.functions = random.below(6);
  if (random.one_in(4)) shape.interpreter = random.one_in(8) ? program_path : loader_path;
  Bytes program = make_program(shape, random);
  if (random.one_in(4)) return program;
  for (std::uint64_t i = random.below(4); i > 0; --i) change_header(program, random);
  if (random.one_in(2)) mutate(program, random);
  return program;
}

}  // namespace hobbes::fuzz
