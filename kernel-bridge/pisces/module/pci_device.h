/* SPDX-License-Identifier: GPL-2.0 */
/* A PCI device that the driver "pisces" has, and what of memory it reaches (pci_isolation.c). */
#ifndef PISCES_PCI_DEVICE_H
#define PISCES_PCI_DEVICE_H

#include <linux/list.h>
#include <linux/types.h>

struct iommu_group;
struct pci_dev;
struct pisces_enclave;

struct pisces_held_device {
	struct list_head link; /* devices_lock */
	struct pci_dev *pci;
	struct pisces_enclave *enclave; /* whose it is, a reference; written under both locks */

	/* The enclave's lock. */
	u32 place;
	bool direct;               /* MSI-X that Linux does not see */
	int irq;                   /* that is forwarded; 0: none */
	struct iommu_group *group; /* a reference; NULL: no IOMMU */
};

/* REQUIRES: enclave->lock. */

/* From now on the device reaches the enclave's blocks and no other memory, if there is an IOMMU: an errno otherwise. */
int pisces_isolate_device(struct pisces_enclave *enclave, struct pisces_held_device *device);
/* REQUIRES: it is none of the enclave's devices any more. */
void pisces_release_isolation(struct pisces_enclave *enclave, struct pisces_held_device *device);
/* REQUIRES: the enclave has no devices any more. */
void pisces_drop_pci_domain(struct pisces_enclave *enclave);

#endif
