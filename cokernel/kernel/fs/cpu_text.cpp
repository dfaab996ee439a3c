// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/fs/cpu_text.hpp"

#include "cokernel/kernel/cpus.hpp"

namespace hobbes::lwk::fs {
namespace {

struct CpuidResult {
  uint32_t eax, ebx, ecx, edx;
};
CpuidResult cpuid(uint32_t leaf) {
  CpuidResult result{leaf, 0, 0, 0};
  asm("cpuid" : "+a"(result.eax), "=b"(result.ebx), "+c"(result.ecx), "=d"(result.edx));
  return result;
}

/// The brand string, or "unknown".
void cpu_name(char (&name)[49]) {
  constexpr uint32_t largest_leaf = 0x80000000, first_leaf = 0x80000002, last_leaf = 0x80000004;
  copy_string(name, "unknown", sizeof(name));
  if (cpuid(largest_leaf).eax < last_leaf) return;
  for (uint32_t leaf = first_leaf; leaf <= last_leaf; ++leaf) {
    const CpuidResult part = cpuid(leaf);
    memcpy(name + (leaf - first_leaf) * sizeof(part), &part, sizeof(part));
  }
  name[sizeof(name) - 1] = '\0';
}

// Linux's names of the bits of CPUID.1:EDX, CPUID.1:ECX, CPUID.7:EBX and CPUID.80000001:ECX.
constexpr const char* base_features[32] = {
    "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", nullptr, "sep", "mtrr", "pge", "mca",
    "cmov", "pat", "pse36", "pn", "clflush", nullptr, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm",
    "ia64", "pbe",
};
constexpr const char* more_features[32] = {
    "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma",
    "cx16", "xtpr", "pdcm", nullptr, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt",
    "tsc_deadline_timer", "aes", "xsave", nullptr, "avx", "f16c", "rdrand", "hypervisor",
};
constexpr const char* structured_features[32] = {
    "fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", nullptr, "smep", "bmi2", "erms", "invpcid", "rtm", "cqm",
    nullptr, "mpx", "rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", nullptr, "clflushopt",
    "clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl",
};
constexpr const char* extended_features[32] = {
    "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch", "osvw",
    "ibs", "xop", "skinit", "wdt", nullptr, "lwp", "fma4", "tce", nullptr, "nodeid_msr", nullptr, "tbm", "topoext",
    "perfctr_core", "perfctr_nb", nullptr, "bpext", "ptsc", "perfctr_llc", "mwaitx", nullptr, nullptr,
};

void add_features(Text& text, uint32_t bits, const char* const (&names)[32]) {
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if ((bits >> bit & 1) == 0 || names[bit] == nullptr) continue;
    text.append(" ");
    text.append(names[bit]);
  }
}

void write_features(Text& text) {
  constexpr uint32_t structured_leaf = 7, largest_extended_leaf = 0x80000000, extended_leaf = 0x80000001;
  const CpuidResult base = cpuid(1);
  text.append("flags\t\t:");
  add_features(text, base.edx, base_features);
  text.append(" syscall nx lm constant_tsc rep_good nopl");
  add_features(text, base.ecx, more_features);
  if (cpuid(largest_extended_leaf).eax >= extended_leaf)
    add_features(text, cpuid(extended_leaf).ecx, extended_features);
  if (cpuid(0).eax >= structured_leaf) add_features(text, cpuid(structured_leaf).ebx, structured_features);
  text.append("\n");
}

}  // namespace

void write_cpuinfo(Text& text) {
  char name[49], vendor[13] = {};
  cpu_name(name);
  const CpuidResult maker = cpuid(0);
  memcpy(vendor, &maker.ebx, 4);
  memcpy(vendor + 4, &maker.edx, 4);
  memcpy(vendor + 8, &maker.ecx, 4);
  const uint32_t version = cpuid(1).eax;
  const uint32_t base_family = version >> 8 & 0xf;
  const uint64_t family = base_family == 0xf ? base_family + (version >> 20 & 0xff) : base_family;
  const uint64_t model = (version >> 4 & 0xf) | (version >> 12 & 0xf0);
  const uint64_t khz = boot_params().tsc_hz / 1000;
  const uint64_t cpus = cpu_count();
  for (uint64_t cpu = 0; cpu < cpus; ++cpu) {
    text.print("processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n", cpu, vendor,
               family, model, name);
    text.print("stepping\t: %u\ncpu MHz\t\t: %u.%u%u%u\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\n",
               static_cast<uint64_t>(version & 0xf), khz / 1000, khz / 100 % 10, khz / 10 % 10, khz % 10, cpus, cpu);
    text.print("cpu cores\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n", cpus);
    write_features(text);
    text.print("bogomips\t: %u.%u%u\nclflush size\t: 64\ncache_alignment\t: 64\n\n", khz / 500, khz / 50 % 10,
               khz / 5 % 10);
  }
}

}  // namespace hobbes::lwk::fs
