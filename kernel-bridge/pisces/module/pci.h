/* SPDX-License-Identifier: GPL-2.0 */
/* PCI devices of enclaves: what Linux's driver core gave to the driver "pisces" (driver_override), and who has it. */
#ifndef PISCES_PCI_H
#define PISCES_PCI_H

#include <linux/types.h>

#include "kernel-bridge/abi/pisces.h"

struct pisces_enclave;
struct pisces_held_block;

int pisces_pci_init(void);
void pisces_pci_exit(void);

/* REQUIRES, but for the last: enclave->lock. */

/* -ENOENT: the driver does not have it; -EBUSY: another enclave has it, or one of its group; -EINVAL: the enclave does
 * not run; -EOPNOTSUPP: it has no interrupt that could reach the enclave. */
int pisces_add_pci(struct pisces_enclave *enclave, struct pisces_device *device);
int pisces_remove_pci(struct pisces_enclave *enclave, const struct pisces_pci_address *address);
void pisces_get_pci_info(struct pisces_enclave *enclave, struct pisces_info *info);
/* None of its devices reaches memory or interrupts any more, whatever the co-kernel told it to. */
void pisces_silence_pci(struct pisces_enclave *enclave);
/* It has none any more. */
void pisces_release_pci(struct pisces_enclave *enclave);
/* Memory that comes and goes while the enclave has devices. */
int pisces_show_block_to_pci(struct pisces_enclave *enclave, const struct pisces_held_block *block);
void pisces_hide_block_from_pci(struct pisces_enclave *enclave, const struct pisces_held_block *block);
/* The enclave rang: perhaps it has served interrupts that were forwarded to it. In interrupts, too. */
void pisces_hear_acknowledgements(struct pisces_enclave *enclave);

#endif
