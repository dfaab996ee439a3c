/* SPDX-License-Identifier: Apache-2.0 */
/* Host I/O: calls of enclave programs that Linux carries out, through one channel and one proxy process an application.
 *
 * A channel lies in enclave memory: a header, then `slot_count` slots. The co-kernel claims a slot, fills in a Linux
 * system-call number and six arguments, and posts it; a worker of the proxy takes it, makes the call with the launching
 * user's credentials, and completes it. Pointer arguments are addresses in the direct map (abi/hosted.h), which the proxy
 * has mapped at the same address for all blocks in `blocks`: it passes arguments on as they are. What does not fit (paths,
 * small structs, data in blocks the proxy does not know) goes through the slot's own `data`.
 *
 * Slot states, and who moves them:
 *   FREE -> CLAIMED (co-kernel, compare-exchange) -> POSTED (co-kernel, release) -> RUNNING (proxy worker,
 *   compare-exchange, acquire) -> DONE (proxy, release) -> FREE (co-kernel, after acquire of DONE).
 * After POSTED the co-kernel adds 1 to `posted` and, if `sleepers` is not 0, wakes one futex waiter on it (sequentially
 * consistent on both sides: the proxy raises `sleepers`, re-reads `posted`, then sleeps on its value). `sleepers` is 0, too,
 * while a worker polls for calls, or makes one from which it expects to be back at once. It may be wrong: a co-kernel that
 * does not wait for the call, or finds it still POSTED when it has waited for long enough, wakes one whatever `sleepers`
 * says.
 * After DONE the proxy wakes the slot's `state` (futex) if `waiter` is not 0.
 * The co-kernel cancels by setting `cancel` and adding 1 to `cancels` (futex): the proxy interrupts the worker until the
 * call is done, as a rule with -EINTR.
 * proxy_state goes READY when the proxy serves, DEAD when it or its supervisor finds it ended. Whoever sets DEAD then
 * makes every POSTED and RUNNING slot DONE with -EIO and wakes it: a sleeper on `state` must see `state` change. After
 * POSTED the co-kernel looks at proxy_state, and on DEAD takes the slot back and answers -EIO itself (sequentially
 * consistent on both sides: one of the two sees the other). See docs/host-io.md. */
#ifndef HOBBES_ABI_HOST_IO_H
#define HOBBES_ABI_HOST_IO_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define HOBBES_HIO_MAGIC 0x4f49545348454248ull /* "HBEHSTIO" */
#define HOBBES_HIO_VERSION 4u
#define HOBBES_HIO_SLOTS 32u
#define HOBBES_HIO_IOVS 64u
#define HOBBES_HIO_DATA 14336u
#define HOBBES_HIO_BLOCKS 128u
#define HOBBES_HIO_FIRST_RANK_FD 512 /* of the proxy's descriptors: those of the ranks, in their order (HOBBES_APP_PMI) */

enum hobbes_hio_proxy_state {
	HOBBES_HIO_PROXY_NONE = 0,
	HOBBES_HIO_PROXY_READY = 1,
	HOBBES_HIO_PROXY_DEAD = 2,
};

enum hobbes_hio_slot_state {
	HOBBES_HIO_FREE = 0,
	HOBBES_HIO_CLAIMED = 1,
	HOBBES_HIO_POSTED = 2,
	HOBBES_HIO_RUNNING = 3,
	HOBBES_HIO_DONE = 4,
};

/* Numbers beside Linux's: what only a proxy can do. */
enum hobbes_hio_call {
	HOBBES_HIO_NOOP = 0x10000,         /* -> 0: measures the path */
	HOBBES_HIO_FORGET_BLOCK = 0x10001, /* args[0] base, args[1] size: unmap; -> 0 */
	HOBBES_HIO_EXIT = 0x10002,         /* the application has ended: close everything and exit */
	HOBBES_HIO_LEND = 0x10003,         /* args[0] fd, args[1] number: lends it to the enclave (abi/hosted.h); -> 0 */
};

struct hobbes_hio_iov { /* as Linux's struct iovec */
	uint64_t base;
	uint64_t length;
};

struct hobbes_hio_slot {
	uint32_t state;    /* +0  enum hobbes_hio_slot_state; futex word */
	uint32_t waiter;   /* +4  co-kernel: it sleeps on `state` */
	uint32_t cancel;   /* +8  co-kernel: give it up */
	uint32_t nr;       /* +12 Linux system-call number or enum hobbes_hio_call */
	/* One cache line there and back: who takes a request copies it, and answers in its place. */
	union {
		int64_t args[6]; /* +16 until RUNNING */
		int64_t result;  /* +16 when DONE: >= 0, or -errno */
	};
	uint8_t data[HOBBES_HIO_DATA]; /* +64 what is small lies beside the request: CPUs fetch lines by pairs */
	struct hobbes_hio_iov iov[HOBBES_HIO_IOVS]; /* +14400 */
	uint8_t pad[960];
};

/* Memory that the proxy has mapped. Written by the proxy: `base`, then `size` (release); a size of 0 takes it back, before
 * it is unmapped, when no memory of it is in use any more. */
struct hobbes_hio_block {
	uint64_t base; /* +0 physical */
	uint64_t size; /* +8 0: no block */
};

struct hobbes_hio_channel {
	uint64_t magic;       /* +0 */
	uint32_t version;     /* +8 */
	uint32_t slot_count;  /* +12 */
	uint64_t app_id;      /* +16 */
	uint64_t reserved0[5];
	uint32_t proxy_state; /* +64 proxy or supervisor: enum hobbes_hio_proxy_state; futex word */
	uint32_t sleepers;    /* +68 proxy: workers asleep on `posted`, 0 while one polls */
	uint64_t reserved1[7];
	uint32_t posted;      /* +128 co-kernel: futex word */
	uint32_t cancels;     /* +132 co-kernel: futex word */
	uint64_t reserved2[7];
	struct hobbes_hio_block blocks[HOBBES_HIO_BLOCKS]; /* +192 proxy */
	uint64_t reserved3[232];
	struct hobbes_hio_slot slots[HOBBES_HIO_SLOTS]; /* +4096 */
};

#ifdef __cplusplus
static_assert(sizeof(hobbes_hio_slot) == 16384);
static_assert(__builtin_offsetof(hobbes_hio_slot, result) == __builtin_offsetof(hobbes_hio_slot, args));
static_assert(__builtin_offsetof(hobbes_hio_slot, data) == 64);
static_assert(__builtin_offsetof(hobbes_hio_slot, iov) == 14400);
static_assert(__builtin_offsetof(hobbes_hio_channel, posted) == 128);
static_assert(__builtin_offsetof(hobbes_hio_channel, blocks) == 192);
static_assert(__builtin_offsetof(hobbes_hio_channel, slots) == 4096);
#endif

#endif
