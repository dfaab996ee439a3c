// SPDX-License-Identifier: Apache-2.0
// System V shared memory (segment_calls.cpp), to those who end processes.
#pragma once

namespace hobbes::lwk {

/// A process' mappings have gone: so do removed segments that were only mapped there. No lock is held.
void sweep_segments();

}  // namespace hobbes::lwk
