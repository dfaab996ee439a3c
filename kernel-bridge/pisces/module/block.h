/* SPDX-License-Identifier: GPL-2.0 */
/* A block of an enclave's memory, and the descriptors through which user space maps it. */
#ifndef PISCES_BLOCK_H
#define PISCES_BLOCK_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct inode;
struct page;
struct pisces_enclave;

struct pisces_held_block {
	struct list_head link; /* in its enclave, whose reference it is */
	struct kref references;
	u64 base;
	u64 size;
	void *memory;
	struct inode *inode; /* its mappings hang on it, so that they can be taken away */
	struct page *blank;  /* what they show then */
	struct rw_semaphore revoking;
	bool revoked;
};

int pisces_blocks_init(void);
void pisces_blocks_exit(void);

/* Claims it in the ledger and zeroes it. */
struct pisces_held_block *pisces_take_block(u64 base, u64 size);
/* Takes it out of all mappings, zeroes it, and gives it back. Nobody but user space may be using it. */
void pisces_give_block_back(struct pisces_held_block *block);
struct pisces_held_block *pisces_find_block(struct pisces_enclave *enclave, u64 base);
int pisces_open_block(struct pisces_enclave *enclave, struct pisces_held_block *block);

#endif
