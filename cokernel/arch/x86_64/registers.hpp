// SPDX-License-Identifier: Apache-2.0
// The CPU's own registers and instructions (Intel SDM volumes 2 to 4; AMD64 APM volumes 2 and 3).
#pragma once

#include "cokernel/kernel/types.hpp"

namespace hobbes::lwk::x86 {

enum Msr : uint32_t {
  msr_apic_base = 0x1b, msr_sysenter_cs = 0x174, msr_tsc_deadline = 0x6e0, msr_x2apic = 0x800,
  msr_efer = 0xc0000080, msr_star = 0xc0000081, msr_lstar = 0xc0000082, msr_cstar = 0xc0000083, msr_fmask = 0xc0000084,
  msr_fs_base = 0xc0000100, msr_gs_base = 0xc0000101, msr_kernel_gs_base = 0xc0000102,
};

inline uint64_t read_msr(uint32_t msr) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
  return static_cast<uint64_t>(high) << 32 | low;
}
inline void write_msr(uint32_t msr, uint64_t value) {
  const auto low = static_cast<uint32_t>(value), high = static_cast<uint32_t>(value >> 32);
  asm volatile("wrmsr" : : "c"(msr), "a"(low), "d"(high) : "memory");
}

struct CpuId {
  uint32_t eax, ebx, ecx, edx;
};
inline CpuId cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  CpuId out;
  asm volatile("cpuid" : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx) : "a"(leaf), "c"(subleaf));
  return out;
}

#define HOBBES_CONTROL_REGISTER(name)                                                        \
  inline uint64_t read_##name() {                                                            \
    uint64_t value;                                                                          \
    asm volatile("mov %%" #name ", %0" : "=r"(value));                                       \
    return value;                                                                            \
  }                                                                                          \
  inline void write_##name(uint64_t value) { asm volatile("mov %0, %%" #name : : "r"(value) : "memory"); }
HOBBES_CONTROL_REGISTER(cr0)
HOBBES_CONTROL_REGISTER(cr2)
HOBBES_CONTROL_REGISTER(cr3)
HOBBES_CONTROL_REGISTER(cr4)
#undef HOBBES_CONTROL_REGISTER

enum ControlBits : uint64_t {
  cr0_mp = 1 << 1, cr0_em = 1 << 2, cr0_ts = 1 << 3, cr0_ne = 1 << 5, cr0_wp = 1 << 16, cr0_am = 1 << 18,
  cr0_nw = 1 << 29, cr0_cd = 1 << 30,
  cr4_pge = 1 << 7, cr4_osfxsr = 1 << 9, cr4_osxmmexcpt = 1 << 10, cr4_umip = 1 << 11, cr4_fsgsbase = 1 << 16,
  cr4_osxsave = 1 << 18, cr4_smep = 1 << 20, cr4_smap = 1 << 21, cr4_pae = 1 << 5, cr4_mce = 1 << 6,
  efer_sce = 1 << 0, efer_nxe = 1 << 11,
};

constexpr uint64_t if_has(bool feature, uint64_t bits) { return feature ? bits : 0; }

inline void write_xcr0(uint64_t value) {
  asm volatile("xsetbv" : : "c"(0), "a"(static_cast<uint32_t>(value)), "d"(static_cast<uint32_t>(value >> 32)));
}
inline void invalidate_page(uint64_t address) { asm volatile("invlpg (%0)" : : "r"(address) : "memory"); }

}  // namespace hobbes::lwk::x86
