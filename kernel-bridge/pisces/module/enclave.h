/* SPDX-License-Identifier: GPL-2.0 */
/* An enclave: what it holds, and who holds it. Open files and descriptors keep the struct, not the enclave: after
 * PISCES_DESTROY they find a dead one. */
#ifndef PISCES_ENCLAVE_H
#define PISCES_ENCLAVE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/pisces.h"
#include "page_tables.h"

struct pisces_doorbell {
	unsigned int irq; /* 0: none */
	u32 apic_id;
	u32 vector;
	atomic64_t count;
	wait_queue_head_t sleepers;
};

struct pisces_held_device;
struct iommu_domain;

struct pisces_held_cpu {
	struct list_head link;
	unsigned int cpu;
	u32 apic_id;
	bool started; /* since its last INIT */
};

struct pisces_enclave {
	struct kref references;
	u64 id;
	unsigned int number;
	struct pisces_doorbell doorbell;

	struct mutex lock; /* of all below; `state` is also read without it */
	enum pisces_state state;
	bool dead; /* destroyed, also read without the lock */
	struct list_head cpus;
	struct list_head blocks;
	unsigned int cpu_count;
	unsigned int block_count;
	struct pisces_page_tables page_tables;
	struct iommu_domain *dma; /* what its devices reach; NULL: none is behind an IOMMU */
	spinlock_t params_lock; /* of boot.params and `devices`, which interrupts read */
	struct pisces_held_device *devices[PISCES_MAX_DEVICES]; /* by place */
	struct pisces_boot_place {
		struct hobbes_boot_params *params; /* in the boot block; NULL: there is none */
		u64 boot_block;
		u64 entry;
		u32 apic_id; /* of the boot CPU */
	} boot;
};

/* The table of enclaves. */
int pisces_create_enclave(u64 id, unsigned int *number);
/* With a reference; NULL: there is none. */
struct pisces_enclave *pisces_find_enclave(unsigned int number);
void pisces_list_enclaves(struct pisces_list *list);
/* Before Linux hands the machine to firmware or to another kernel. */
void pisces_stop_all(void);
void pisces_put_enclave(struct pisces_enclave *enclave);
/* The device's number and its class, given by main.c. */
int pisces_add_device(unsigned int number);
void pisces_remove_device(unsigned int number);

/* REQUIRES, all below: enclave->lock. */
int pisces_add_block(struct pisces_enclave *enclave, const struct pisces_block *range);
int pisces_remove_block(struct pisces_enclave *enclave, const struct pisces_block *range);
int pisces_add_cpu(struct pisces_enclave *enclave, struct pisces_cpu *cpu);
int pisces_remove_cpu(struct pisces_enclave *enclave, unsigned int cpu);
int pisces_boot(struct pisces_enclave *enclave, const struct pisces_boot *boot);
int pisces_stop(struct pisces_enclave *enclave);
int pisces_destroy(struct pisces_enclave *enclave);
void pisces_ring(struct pisces_enclave *enclave);
/* Interrupts the boot CPU, if the enclave runs. Without the lock. */
void pisces_interrupt(struct pisces_enclave *enclave, u32 vector);
void pisces_get_info(struct pisces_enclave *enclave, struct pisces_info *info);
void pisces_set_params(struct pisces_enclave *enclave, struct hobbes_boot_params *params);
/* The co-kernel says that it is no longer running, or it is not. Without the lock. */
bool pisces_has_ended(struct pisces_enclave *enclave);

/* bell.c */
int pisces_open_doorbell(struct pisces_doorbell *doorbell);
void pisces_close_doorbell(struct pisces_doorbell *doorbell);
void pisces_wake_sleepers(struct pisces_doorbell *doorbell);
int pisces_open_bell(struct pisces_enclave *enclave, unsigned long kind);
int pisces_install(struct file *file);
/* What the descriptors of bells and blocks have in common: a position among the bells. */
struct pisces_listener {
	struct pisces_enclave *enclave;
	atomic64_t heard;
	bool for_end;
};
struct file;
struct iov_iter;
struct kiocb;
struct poll_table_struct;
void pisces_start_listening(struct pisces_listener *listener, struct pisces_enclave *enclave, bool for_end);
ssize_t pisces_listen(struct pisces_listener *listener, struct kiocb *request, struct iov_iter *to);
__poll_t pisces_poll(struct pisces_listener *listener, struct file *file, struct poll_table_struct *table);

/* enclave_calls.c */
extern const struct file_operations pisces_enclave_operations;

#endif
