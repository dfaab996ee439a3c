// SPDX-License-Identifier: Apache-2.0
// Small ELF programs for fuzzing: right in every respect until somebody changes them.
#pragma once

#include "tests/fuzz/driver/driver.hpp"

namespace hobbes::fuzz {

/// Where the target looks for what programs name as their interpreter.
inline constexpr char program_path[] = "/enclave/program";
inline constexpr char loader_path[] = "/enclave/loader";

struct ProgramShape {
  bool fixed = true;              ///< ET_EXEC, else ET_DYN
  bool has_frame_header = true;   ///< .eh_frame_hdr in the program headers; else .eh_frame in the section headers
  const char* interpreter = "";   ///< "": none
  std::uint64_t functions = 3;
};

/// A program of that shape whose functions make system calls, and hide bytes that only look like some.
Bytes make_program(const ProgramShape& shape, Random& random);

}  // namespace hobbes::fuzz
