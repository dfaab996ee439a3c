/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave's console: two byte rings in its memory.
 *
 * Output is a history: the co-kernel is the only writer and never waits; `written` counts all bytes ever written, byte
 * k lies at output[k % HOBBES_CONSOLE_OUTPUT]. Any number of readers keep a position of their own; one that falls more
 * than the ring behind has lost the difference. A reader copies first, then re-reads `written` (acquire), and drops what
 * was overwritten meanwhile.
 *
 * Input is a queue: leviathan writes, the co-kernel reads; full when typed - taken == HOBBES_CONSOLE_INPUT. */
#ifndef HOBBES_ABI_CONSOLE_H
#define HOBBES_ABI_CONSOLE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define HOBBES_CONSOLE_MAGIC 0x4c4f534e4f434248ull /* "HBCONSOL" */
#define HOBBES_CONSOLE_OUTPUT 65536u
#define HOBBES_CONSOLE_INPUT 4096u

struct hobbes_console {
	uint64_t magic;   /* +0 */
	uint64_t written; /* +8  co-kernel: release after the bytes; partner: the readers' acquire */
	uint32_t bell;    /* +16 co-kernel: advances with `written`; futex word for readers */
	uint32_t pad0[11];
	uint64_t typed;   /* +64 leviathan: release after the bytes */
	uint32_t typed_bell; /* +72 leviathan: advances with `typed`; futex word for the co-kernel */
	uint32_t pad1[13];
	uint64_t taken;   /* +128 co-kernel */
	uint8_t pad2[56];
	uint8_t output[HOBBES_CONSOLE_OUTPUT]; /* +192 */
	uint8_t input[HOBBES_CONSOLE_INPUT];
};

#ifdef __cplusplus
static_assert(__builtin_offsetof(hobbes_console, typed) == 64);
static_assert(__builtin_offsetof(hobbes_console, taken) == 128);
static_assert(__builtin_offsetof(hobbes_console, output) == 192);
#endif

#endif
