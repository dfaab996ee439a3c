// SPDX-License-Identifier: Apache-2.0
// What the CPUs can do.
#pragma once

namespace hobbes::lwk::x86 {

/// What the CPUs of this machine have. Learnt from the boot CPU; an enclave's are alike.
struct Features {
  bool large_gigabyte, global_pages, nx, smep, smap, umip, fsgsbase, tsc_deadline, xsaveopt;
};
extern Features features;

void learn_features();

}  // namespace hobbes::lwk::x86
