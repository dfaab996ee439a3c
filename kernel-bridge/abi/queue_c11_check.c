// SPDX-License-Identifier: Apache-2.0
// Compiles queue.h as C11, the way the driver sees it.
#include "kernel-bridge/abi/queue.h"

uint64_t hobbes_queue_c11_check(const struct hobbes_queue_header* header, const struct hobbes_frame* frame) {
  return header->magic + frame->request_id;
}
