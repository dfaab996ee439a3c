// SPDX-License-Identifier: GPL-2.0
// The memory that an enclave's devices reach: its own blocks, at their own addresses, in one IOMMU domain for all of them.
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/version.h>

#include "block.h"
#include "enclave.h"
#include "pci.h"
#include "pci_device.h"

static struct iommu_domain *make_domain(struct device *device)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	struct iommu_domain *domain = iommu_paging_domain_alloc(device);

	return IS_ERR(domain) ? NULL : domain;
#else
	return iommu_domain_alloc(device->bus);
#endif
}

static int map_block(struct iommu_domain *domain, const struct pisces_held_block *block)
{
	const int rights = IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return iommu_map(domain, block->base, block->base, block->size, rights, GFP_KERNEL);
#else
	return iommu_map(domain, block->base, block->base, block->size, rights);
#endif
}

int pisces_show_block_to_pci(struct pisces_enclave *enclave, const struct pisces_held_block *block)
{
	return enclave->dma ? map_block(enclave->dma, block) : 0;
}

void pisces_hide_block_from_pci(struct pisces_enclave *enclave, const struct pisces_held_block *block)
{
	if (enclave->dma)
		iommu_unmap(enclave->dma, block->base, block->size);
}

void pisces_drop_pci_domain(struct pisces_enclave *enclave)
{
	if (enclave->dma)
		iommu_domain_free(enclave->dma);
	enclave->dma = NULL;
}

static int open_domain(struct pisces_enclave *enclave, struct device *device)
{
	const struct pisces_held_block *block;
	int result;

	if (enclave->dma)
		return 0;
	enclave->dma = make_domain(device);
	if (!enclave->dma)
		return -ENOMEM;
	list_for_each_entry(block, &enclave->blocks, link) {
		result = map_block(enclave->dma, block);
		if (result) {
			pisces_drop_pci_domain(enclave);
			return result;
		}
	}
	return 0;
}

/* Another device of the enclave brought the group in, or keeps it. */
static bool has_group(const struct pisces_enclave *enclave, const struct iommu_group *group)
{
	u32 place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++)
		if (enclave->devices[place] && enclave->devices[place]->group == group)
			return true;
	return false;
}

static int bring_group(struct pisces_enclave *enclave, struct iommu_group *group)
{
	int result = iommu_group_claim_dma_owner(group, enclave);

	if (result)
		return result == -EPERM ? -EBUSY : result;
	result = iommu_attach_group(enclave->dma, group);
	if (result)
		iommu_group_release_dma_owner(group);
	return result;
}

int pisces_isolate_device(struct pisces_enclave *enclave, struct pisces_held_device *device)
{
	struct iommu_group *group = iommu_group_get(&device->pci->dev);
	int result = 0;

	if (!group)
		return 0;
	if (!has_group(enclave, group)) {
		result = open_domain(enclave, &device->pci->dev);
		if (!result)
			result = bring_group(enclave, group);
	}
	if (result)
		iommu_group_put(group);
	else
		device->group = group;
	return result;
}

void pisces_release_isolation(struct pisces_enclave *enclave, struct pisces_held_device *device)
{
	struct iommu_group *group = device->group;

	device->group = NULL;
	if (!group)
		return;
	if (!has_group(enclave, group)) {
		iommu_detach_group(enclave->dma, group);
		iommu_group_release_dma_owner(group);
	}
	iommu_group_put(group);
}
