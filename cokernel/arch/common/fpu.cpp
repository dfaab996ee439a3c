// SPDX-License-Identifier: Apache-2.0
// Layout of the XSAVE area: Intel SDM vol. 1, chapter 13. Software bytes and end marker as in Linux's signal frames
// (arch/x86/include/uapi/asm/sigcontext.h, struct _fpx_sw_bytes).
#include "cokernel/arch/common/fpu.hpp"

#include "cokernel/arch/common/user_copy.hpp"
#include "cokernel/kernel/port.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint32_t legacy_and_header = 576;
constexpr uint32_t header_offset = 512, software_offset = 464, mxcsr_offset = 24;
constexpr uint32_t mxcsr_default = 0x1f80;
constexpr uint32_t start_mark = 0x46505853, end_mark = 0x46505845;

struct SoftwareBytes {
  uint32_t mark, extended_size;
  uint64_t features;
  uint32_t size, padding[7];
};
static_assert(sizeof(SoftwareBytes) == 48);

// CPUID is expensive in a virtual machine, where most hosted enclaves are: some 10 us each time.
uint64_t features;
uint32_t area_size;
uint64_t feature_bits;
alignas(64) uint8_t initial_state[legacy_and_header];

void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  asm("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

uint64_t enabled_features() {
  uint32_t low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

void learn_fpu_layout() {
  features = enabled_features() & ~arch::amx_features;
  area_size = legacy_and_header;
  for (uint32_t component = 2; component < 63; ++component) {
    if ((features >> component & 1) == 0) continue;
    uint32_t out[4];
    cpuid(0xd, component, out);
    area_size = max(area_size, out[1] + out[0]);
  }
  *reinterpret_cast<uint32_t*>(initial_state + mxcsr_offset) = mxcsr_default;
}

}  // namespace

namespace arch {

void learn_cpu() {
  uint32_t out[4];
  cpuid(1, 0, out);
  feature_bits = out[3];
  learn_fpu_layout();
}

uint64_t fpu_features() { return features; }
size_t fpu_area_size() { return align_up(area_size, 64); }
const void* initial_fpu_state() { return initial_state; }

}  // namespace arch

namespace port {

uint64_t hwcap() { return feature_bits; }

size_t fpu_state_size() { return align_up(area_size + sizeof(end_mark), 64); }

bool save_fpu_to_user(UserAddr to) {
  const uint8_t header[64] = {};
  const SoftwareBytes software{start_mark, static_cast<uint32_t>(area_size + sizeof(end_mark)), features, area_size, {}};
  return copy_to_user(to + header_offset, header, sizeof(header)) &&
         user_xsave(reinterpret_cast<void*>(to), features) &&
         copy_to_user(to + software_offset, &software, sizeof(software)) &&
         copy_to_user(to + area_size, &end_mark, sizeof(end_mark));
}

bool restore_fpu_from_user(UserAddr from) { return user_xrstor(reinterpret_cast<const void*>(from), features); }

void reset_fpu() { (void)user_xrstor(arch::initial_fpu_state(), features); }

}  // namespace port
}  // namespace hobbes::lwk
