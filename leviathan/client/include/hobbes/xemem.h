/* SPDX-License-Identifier: Apache-2.0 */
/* XEMEM: memory that a process of any enclave of the node shares with processes of any other, without copies.
 *
 * One header for programs of Linux (link with libhobbes) and for programs of a co-kernel (statically, with liblwk). The
 * exporter makes a segment of a range of its memory; others get a handle of it, attach it or a part of it, use it as
 * memory, detach it and release the handle; they may signal the exporter. Segments and attachments are listed by
 * `hobbes list_segments`.
 *
 * Units: sizes, offsets and addresses are bytes, and multiples of the page size, 4096 (else EINVAL). Times are
 * milliseconds; negative: for ever.
 * Ownership: strings and arrays given are the caller's; what is returned is said at its function. A segment belongs to
 * the process that made it and ends with it; a handle and an attachment to the process that has them. A child of fork()
 * has none of its parent's, and its own copy of what the parent exported (docs/xemem.md).
 * Threads: any function from any thread. Not from signal handlers.
 * Failures: -1 (xemem_attach*: XEMEM_FAILED; xemem_alloc, xemem_get_segment_list: NULL) with errno. Besides those
 * named at each function: ECONNREFUSED: no leviathan runs in $HOBBES_RUN_DIR; EACCES: it does not let the caller in;
 * EIO: it ended.
 *
 * Removal, or the end of the exporter: nobody gets the segment any more (ENOENT), who has it attached keeps its pages
 * until he detaches them, and until then they are used for nothing else. */
#ifndef HOBBES_XEMEM_H
#define HOBBES_XEMEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef int64_t xemem_segid_t; /* of the node, never reused; 1 to 31 are well known and may be asked for */
typedef int64_t xemem_apid_t;  /* of the process */

#define XEMEM_INVALID_SEGID ((xemem_segid_t)-1)
#define XEMEM_NAME_MAX 63 /* bytes of a name, without its NUL */
#define XEMEM_RDONLY 1
#define XEMEM_RDWR 2
#define XEMEM_FAILED ((void*)-1) /* MAP_FAILED */

struct xemem_addr {
	xemem_apid_t apid;
	off_t offset; /* into the segment */
};

struct xemem_segment {
	xemem_segid_t segid;
	uint64_t size;
	uint64_t enclave, app; /* of the exporter; 0: Linux, 0: no application of leviathan's */
	char name[XEMEM_NAME_MAX + 1]; /* empty: none */
};

/* ---- The exporter ---- */

/* Makes a segment of [vaddr, vaddr + size), any memory of the caller: heap, stack, static, mmap(), an attachment. A
 * range may be exported many times, and parts of it. `name`: unique on the node, or NULL. Others may use it as its
 * mode says, which is that of a new file: 0666 without the umask's bits.
 *
 * On Linux memory of xemem_alloc() and attachments cost nothing to export. Other memory is moved into a memfd in
 * place, with its addresses and content: all other threads are stopped for as long as copying takes (a real-time
 * signal of which the program has no handler, SA_RESTART; a thread that blocks all signals for a second: EBUSY). They
 * are stopped, rather than kept off by write protection, because a write by the kernel, as in read(), would fail then
 * with EFAULT; stopped in the kernel, it has ended or not begun. What is not stopped are writes that somebody else
 * makes for the process: io_uring, direct I/O and devices' DMA into the range must be over. As every signal, it ends
 * some waits early with EINTR (nanosleep, poll, epoll_wait). In a co-kernel every page of a process is exported as it
 * is.
 *
 * EFAULT: not all of it is mapped and readable. EEXIST: the name is taken. ENAMETOOLONG. EINVAL: size 0, or memory that
 * another process or file shares already. ENOMEM. EBUSY (above). */
xemem_segid_t xemem_make(void* vaddr, size_t size, const char* name);
/* The same with a mode of its own, of which the permission bits count. */
xemem_segid_t xemem_make_mode(void* vaddr, size_t size, const char* name, mode_t mode);
/* The same, and whoever may read it may signal it. `size` 0: it has signals only. On Linux *fd is an eventfd
 * (EFD_SEMAPHORE, EFD_NONBLOCK) for poll() and its like, on a co-kernel a number for the functions below alone. It is
 * the library's: valid until xemem_remove(). */
xemem_segid_t xemem_make_signalled(void* vaddr, size_t size, const char* name, int* fd);
/* As xemem_make(), with a segid of 1 to 31. Returns 0. EEXIST: it is taken. */
int xemem_make_segid(void* vaddr, size_t size, const char* name, xemem_segid_t request);
/* ENOENT: there is none. EPERM: it is another process'. */
int xemem_remove(xemem_segid_t segid);

/* Signals are counted. Takes one; EAGAIN: there is none. EBADF: not of a signalled segment. */
int xemem_ack(int fd);
/* Takes all there are. */
int xemem_ack_all(int fd);
/* Waits for a signal and takes it: looks for it for a while, at the price of a cache line, then sleeps. From the first
 * such wait until the next xemem_ack() or xemem_ack_all() the signals are counted in memory, and the eventfd does not
 * show them. ETIMEDOUT. EBADF. */
int xemem_wait_signal(int fd, int timeout_ms);

/* ---- Everybody ---- */

/* The id of a name; ENOENT: there is none. On Linux a look-up in shared memory, without a system call. */
xemem_segid_t xemem_lookup_segid(const char* name);
/* The same, and waits until there is one; ETIMEDOUT. */
xemem_segid_t xemem_wait_name(const char* name, int timeout_ms);
/* All segments, for free(); *count of them. */
struct xemem_segment* xemem_get_segment_list(int* count);

/* A handle for XEMEM_RDONLY or XEMEM_RDWR. ENOENT. EACCES: its mode does not let the caller. EINVAL: other flags. */
xemem_apid_t xemem_get(xemem_segid_t segid, int flags);
/* Attachments stay. EINVAL: not a handle. */
int xemem_release(xemem_apid_t apid);

/* Maps [addr.offset, addr.offset + size) of the segment: readable, and writable with a handle that is. At `vaddr`, if
 * that is not NULL (EEXIST: something is there), else anywhere. All of it is there when this returns: no page faults
 * follow. EINVAL: a bad handle; beyond the segment; not whole pages. ENOENT: the segment has been removed. ENOMEM: no
 * addresses are left. */
void* xemem_attach(struct xemem_addr addr, size_t size, void* vaddr);
/* For device memory, of which there is none here: as xemem_attach(). */
void* xemem_attach_nocache(struct xemem_addr addr, size_t size, void* vaddr);
/* All of the attachment that begins at vaddr. EINVAL: none does. */
int xemem_detach(void* vaddr);

/* Signals the exporter. EINVAL: a bad handle, or the segment is not signalled. EPIPE: the exporter has gone. */
int xemem_signal(xemem_apid_t apid);
/* The same without a handle. ENOENT: there is none (any more). */
int xemem_signal_segid(xemem_segid_t segid);

/* Zeroed memory that costs nothing to export, in large pages where it is that large. ENOMEM. */
void* xemem_alloc(size_t size);
/* All that xemem_alloc() returned as vaddr. EINVAL. EBUSY: snapshots were taken of it. Segments of it keep their
 * pages. */
int xemem_free(void* vaddr);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
