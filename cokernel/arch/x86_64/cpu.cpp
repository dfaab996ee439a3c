// SPDX-License-Identifier: Apache-2.0
#include "cokernel/arch/x86_64/cpu.hpp"

#include "cokernel/arch/common/fpu.hpp"
#include "cokernel/arch/x86_64/entry.hpp"
#include "cokernel/arch/x86_64/registers.hpp"
#include "cokernel/kernel/print.hpp"

namespace hobbes::lwk::x86 {

Cpu cpus[max_cpus];
Features features;

namespace {

/// Interrupt gates: Intel SDM vol. 3, 6.14.1.
struct Gate {
  uint16_t offset_low, selector;
  uint8_t stack, type;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};
static_assert(sizeof(Gate) == 16);

constexpr uint32_t vectors = 256;
constexpr uint8_t gate_kernel = 0x8e, gate_user = 0xee;  // present, interrupts off; from privilege level 0, 3
constexpr uint32_t nmi = 2, breakpoint = 3, overflow = 4, double_fault = 8, machine_check = 18, int80 = 0x80;

Gate gates[vectors];  // the same for all CPUs

struct [[gnu::packed]] TablePointer {
  uint16_t limit;
  uint64_t base;
};

uint8_t stack_of(uint32_t vector) {
  switch (vector) {
    case nmi: return stack_nmi;
    case double_fault: return stack_double_fault;
    case machine_check: return stack_machine_check;
    default: return 0;
  }
}

void fill_gates() {
  for (uint32_t vector = 0; vector < vectors; ++vector) {
    const uint64_t to = x86_vectors[vector];
    const bool from_user = vector == breakpoint || vector == overflow || vector == int80;
    gates[vector] = {static_cast<uint16_t>(to), kernel_code, stack_of(vector), from_user ? gate_user : gate_kernel,
                     static_cast<uint16_t>(to >> 16), static_cast<uint32_t>(to >> 32), 0};
  }
}

/// Segment descriptors: Intel SDM vol. 3, 3.4.5. In 64-bit mode little of them counts.
void load_segments(Cpu& cpu) {
  const auto base = reinterpret_cast<uint64_t>(&cpu.tss);
  const uint64_t limit = sizeof(Tss) - 1;
  cpu.descriptors[kernel_code / 8] = 0x00af9b000000ffff;
  cpu.descriptors[kernel_data / 8] = 0x00cf93000000ffff;
  cpu.descriptors[user_code32 / 8] = 0x00cffb000000ffff;
  cpu.descriptors[user_data / 8] = 0x00cff3000000ffff;
  cpu.descriptors[user_code / 8] = 0x00affb000000ffff;
  cpu.descriptors[task / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
  cpu.descriptors[task / 8 + 1] = base >> 32;
  const TablePointer table{sizeof(cpu.descriptors) - 1, reinterpret_cast<uint64_t>(cpu.descriptors)};
  x86_load_segments(&table);
  asm volatile("ltr %w0" : : "r"(static_cast<uint16_t>(task)));
  const TablePointer interrupts{sizeof(gates) - 1, reinterpret_cast<uint64_t>(gates)};
  asm volatile("lidt %0" : : "m"(interrupts));
}

void start_control_registers() {
  write_cr0((read_cr0() & ~(cr0_em | cr0_ts | cr0_nw | cr0_cd | cr0_am)) | cr0_mp | cr0_ne | cr0_wp);
  const uint64_t bits = cr4_pae | cr4_mce | cr4_osfxsr | cr4_osxmmexcpt | cr4_osxsave |
                        if_has(features.smep, cr4_smep) | if_has(features.smap, cr4_smap) |
                        if_has(features.umip, cr4_umip) | if_has(features.fsgsbase, cr4_fsgsbase);
  write_cr4(bits);  // and with it no translation that the starter took for everybody's
  write_cr4(bits | if_has(features.global_pages, cr4_pge));
  const CpuId xsave = cpuid(0xd, 0);
  write_xcr0((static_cast<uint64_t>(xsave.edx) << 32 | xsave.eax) & ~arch::amx_features);
}

void start_system_calls() {
  constexpr uint64_t cleared_flags = 0x47700;  // TF IF DF IOPL NT AC
  write_msr(msr_efer, read_msr(msr_efer) | efer_sce | if_has(features.nx, efer_nxe));
  write_msr(msr_star, static_cast<uint64_t>(user_code32) << 48 | static_cast<uint64_t>(kernel_code) << 32);
  write_msr(msr_lstar, reinterpret_cast<uint64_t>(x86_syscall_entry));
  write_msr(msr_cstar, reinterpret_cast<uint64_t>(x86_syscall32_entry));  // AMD: from compatibility mode
  write_msr(msr_fmask, cleared_flags);
  write_msr(msr_sysenter_cs, 0);  // what Linux left there is not ours; sysenter is a fault
}

}  // namespace

void learn_features() {
  const CpuId basic = cpuid(1), more = cpuid(7), extended = cpuid(0x80000001), xsave = cpuid(0xd, 1);
  features.large_gigabyte = (extended.edx >> 26 & 1) != 0;
  features.nx = (extended.edx >> 20 & 1) != 0;
  features.global_pages = (basic.edx >> 13 & 1) != 0;
  features.tsc_deadline = (basic.ecx >> 24 & 1) != 0;
  features.smep = (more.ebx >> 7 & 1) != 0;
  features.smap = (more.ebx >> 20 & 1) != 0;
  features.fsgsbase = (more.ebx & 1) != 0;
  features.umip = (more.ecx >> 2 & 1) != 0;
  features.xsaveopt = (xsave.eax & 1) != 0;
  x86_has_smap = features.smap ? 1 : 0;
  if ((basic.ecx >> 26 & 1) == 0) panic("this CPU has no XSAVE");
  fill_gates();
}

void start_cpu(Cpu& cpu) {
  // The page tables that are loaded already may have NX bits: first what understands them.
  start_system_calls();
  load_segments(cpu);
  write_msr(msr_gs_base, reinterpret_cast<uint64_t>(&cpu));
  write_msr(msr_kernel_gs_base, 0);
  start_control_registers();
}

}  // namespace hobbes::lwk::x86
