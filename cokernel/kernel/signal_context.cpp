// SPDX-License-Identifier: Apache-2.0
#include "cokernel/kernel/signal_context.hpp"

namespace hobbes::lwk {
namespace {

constexpr uint64_t user_flags = 0x40dd5;  // CF PF AF ZF SF TF DF OF AC
constexpr uint64_t interrupts_on = 0x200;

}  // namespace

MachineContext to_context(const Registers& r) {
  MachineContext m{};
  m.r8 = r.r8, m.r9 = r.r9, m.r10 = r.r10, m.r11 = r.r11, m.r12 = r.r12, m.r13 = r.r13, m.r14 = r.r14, m.r15 = r.r15;
  m.rdi = r.rdi, m.rsi = r.rsi, m.rbp = r.rbp, m.rbx = r.rbx, m.rdx = r.rdx, m.rax = r.rax, m.rcx = r.rcx;
  m.rsp = r.rsp, m.rip = r.rip, m.eflags = r.rflags;
  m.cs = user_cs, m.ss = user_ss;
  return m;
}

void from_context(Registers& r, const MachineContext& m) {
  r.r8 = m.r8, r.r9 = m.r9, r.r10 = m.r10, r.r11 = m.r11, r.r12 = m.r12, r.r13 = m.r13, r.r14 = m.r14, r.r15 = m.r15;
  r.rdi = m.rdi, r.rsi = m.rsi, r.rbp = m.rbp, r.rbx = m.rbx, r.rdx = m.rdx, r.rax = m.rax, r.rcx = m.rcx;
  r.rsp = m.rsp, r.rip = m.rip;
  r.rflags = (m.eflags & user_flags) | interrupts_on;
  r.cs = user_cs, r.ss = user_ss;
  r.number = no_call;
}

}  // namespace hobbes::lwk
