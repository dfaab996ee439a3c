/* SPDX-License-Identifier: Apache-2.0 */
/* What xemem.c does for xasm.c. */
#ifndef LWK_XEMEM_MAKE_H
#define LWK_XEMEM_MAKE_H

#include <hobbes/xemem.h>

/* xemem_make_mode(); with `replace`, the process' own segment of that name is removed in the same step. */
xemem_segid_t lwk_xemem_make(void* vaddr, size_t size, const char* name, mode_t mode, int replace);

#endif
