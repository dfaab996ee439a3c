/* SPDX-License-Identifier: Apache-2.0 */
/* XASM: immutable versions of memory, for consumers beside a producer that goes on.
 *
 * A snapshot publishes what a range of the producer's memory is now as a version: an XEMEM segment of its own that can
 * only be read. Nothing is copied then; the range is write-protected, and a part of it is copied when the producer
 * first writes there: a large page (2 MiB), or all of a smaller range. Readers never see a write, the producer never
 * waits for them. Consumers find the newest version by name, and get, attach, detach and release it as any segment
 * (hobbes/xemem.h). A version's memory is the producer's again when it has been replaced or removed and its last
 * reader has let go.
 *
 * Units, ownership, threads, failures: as in hobbes/xemem.h. The first snapshot installs a handler of SIGSEGV, which
 * passes on what is none of its business. Until it is written by the program itself, the range is not for system calls
 * to write into (read() and its like: EFAULT), nor for SIGSEGV-blocking threads to write (they end). */
#ifndef HOBBES_XASM_H
#define HOBBES_XASM_H

#include <hobbes/xemem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Publishes [vaddr, vaddr + size), whole pages of private memory (on Linux: of xemem_alloc(), all of it, or a part
 * that later snapshots take, too), under `name` (not NULL): this process' version of that name before it is removed in
 * the same step. Ranges of different snapshots are the same or do not overlap (else EINVAL). Not while other threads
 * take a snapshot of the same range. The version's id: ids of later versions are greater. Errors as of
 * xemem_make_mode().
 *
 * On Linux the first snapshot under a name returns when everybody can find the version; later ones return as soon as the
 * range is write-protected, and the version is to be found soon after, at once by this process. Consumers wait for it with
 * xasm_wait(). Should that fail, no version becomes of it, and the next snapshot of this process returns the error. */
xemem_segid_t xasm_snapshot(void* vaddr, size_t size, const char* name, mode_t mode);

/* The newest version of a name whose id is greater than `after` (0: any); waits for it. ETIMEDOUT. */
xemem_segid_t xasm_wait(const char* name, xemem_segid_t after, int timeout_ms);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
