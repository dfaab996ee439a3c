/* SPDX-License-Identifier: Apache-2.0 */
/* XPMEM's names (Cray and SGI) for XEMEM, so that programs written for it compile unchanged. */
#ifndef HOBBES_XPMEM_H
#define HOBBES_XPMEM_H

#include <hobbes/xemem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef xemem_segid_t xpmem_segid_t;
typedef xemem_apid_t xpmem_apid_t;
#define xpmem_addr xemem_addr

#define XPMEM_CURRENT_VERSION 0x00026003
#define XPMEM_PERMIT_MODE 1
#define XPMEM_RDONLY XEMEM_RDONLY
#define XPMEM_RDWR XEMEM_RDWR
#define XPMEM_MAXADDR_SIZE ((size_t)-1L)

static inline int xpmem_version(void) { return XPMEM_CURRENT_VERSION; }
/* `permit_type` is XPMEM_PERMIT_MODE (else EINVAL), `permit_value` the mode as a pointer. */
xpmem_segid_t xpmem_make(void* vaddr, size_t size, int permit_type, void* permit_value);
static inline int xpmem_remove(xpmem_segid_t segid) { return xemem_remove(segid); }
/* The permissions asked for are those of `flags`. */
xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int permit_type, void* permit_value);
static inline int xpmem_release(xpmem_apid_t apid) { return xemem_release(apid); }
static inline void* xpmem_attach(struct xpmem_addr addr, size_t size, void* vaddr) {
	return xemem_attach(addr, size, vaddr);
}
static inline int xpmem_detach(void* vaddr) { return xemem_detach(vaddr); }

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
