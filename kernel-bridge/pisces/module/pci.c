// SPDX-License-Identifier: GPL-2.0
// A device is bound to the driver here first, so that no other driver of Linux's can have it; then an enclave gets it.
// From then on it reaches the enclave's memory and no other, where there is an IOMMU: all devices of an enclave share
// one domain, in which its blocks lie at their own addresses. Its interrupts go to the enclave's boot CPU: MSI-X without
// Linux, by messages that the co-kernel writes into the device's table; INTx through Linux, which masks it, interrupts
// the enclave, and unmasks it when the enclave says that it has been served:
//
//   device   asserts ------------------ lets go -------------------------
//   Linux      forward(): mask, IPI ->              -> unmask, or IPI again
//   enclave             serves the device, sets its bit, rings
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <asm/irqdomain.h>

#include "block.h"
#include "enclave.h"
#include "kernel-bridge/abi/x86_64.h"
#include "pci.h"
#include "pci_device.h"

static_assert(PISCES_MAX_DEVICES == HOBBES_X86_MAX_DEVICES);

/* An APIC id in a message has eight bits, all ones are everybody. */
#define HIGHEST_MESSAGE_APIC_ID 254

/* Below an enclave's lock. */
static DEFINE_MUTEX(devices_lock);
static LIST_HEAD(devices);

static u32 vector_of(const struct pisces_held_device *device)
{
	return HOBBES_X86_DEVICE_VECTOR + device->place;
}

/* ---- Interrupts ---- */

static irqreturn_t forward(int irq, void *data)
{
	struct pisces_held_device *device = data;

	if (!pci_check_and_mask_intx(device->pci))
		return IRQ_NONE;
	pisces_interrupt(device->enclave, vector_of(device));
	return IRQ_HANDLED;
}

void pisces_hear_acknowledgements(struct pisces_enclave *enclave)
{
	unsigned long flags, served;
	unsigned int place;

	spin_lock_irqsave(&enclave->params_lock, flags);
	served = enclave->boot.params ? xchg(&enclave->boot.params->served_devices, 0) : 0;
	for_each_set_bit(place, &served, PISCES_MAX_DEVICES) {
		struct pisces_held_device *device = enclave->devices[place];

		if (device && device->irq && !pci_check_and_unmask_intx(device->pci))
			pisces_interrupt(enclave, vector_of(device)); /* it has more */
	}
	spin_unlock_irqrestore(&enclave->params_lock, flags);
}

/* Whether a message of the device's is the interrupt that it names, or an index into a table of Linux's. One vector is
 * taken to see how Linux's own messages are made; as it is given back all of them are masked in the device. */
static bool messages_are_direct(struct pci_dev *pci)
{
	const struct irq_data *data;
	bool direct;

	if (pci_alloc_irq_vectors(pci, 1, 1, PCI_IRQ_MSIX) != 1)
		return false;
	data = irq_get_irq_data(pci_irq_vector(pci, 0));
	direct = data && data->parent_data && data->parent_data->domain == x86_vector_domain;
	pci_free_irq_vectors(pci);
	return direct;
}

static void set_msix(struct pci_dev *pci, bool on)
{
	u16 control;

	pci_read_config_word(pci, pci->msix_cap + PCI_MSIX_FLAGS, &control);
	control &= ~(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_write_config_word(pci, pci->msix_cap + PCI_MSIX_FLAGS, control | (on ? PCI_MSIX_FLAGS_ENABLE : 0));
}

static int connect_interrupts(struct pisces_enclave *enclave, struct pisces_held_device *device)
{
	struct pci_dev *pci = device->pci;
	int result;

	device->direct = enclave->boot.apic_id <= HIGHEST_MESSAGE_APIC_ID && messages_are_direct(pci);
	if (device->direct) {
		pci_intx(pci, 0);
		set_msix(pci, true);
		return 0;
	}
	if (!pci->pin || !pci->irq || pci->broken_intx_masking)
		return -EOPNOTSUPP;
	result = request_irq(pci->irq, forward, IRQF_SHARED, "pisces-pci", device);
	if (!result)
		device->irq = pci->irq;
	return result;
}

static void disconnect_interrupts(struct pisces_held_device *device)
{
	if (device->irq)
		free_irq(device->irq, device);
	device->irq = 0;
	device->direct = false;
}

/* ---- Devices ---- */

static void silence(struct pisces_held_device *device)
{
	pci_clear_master(device->pci);
	pci_intx(device->pci, 0);
	if (device->direct)
		set_msix(device->pci, false);
}

/* What it still remembers goes where it can be reset; where not, whoever has it next finds it as the last one left it. */
static void reset(struct pisces_held_device *device)
{
	const int result = pci_try_reset_function(device->pci);

	if (result && result != -ENOTTY)
		pci_info(device->pci, "is not reset (%d)\n", result);
}

static int start(struct pisces_enclave *enclave, struct pisces_held_device *device)
{
	struct pci_dev *pci = device->pci;
	int result = pci_enable_device(pci);

	if (result)
		return result;
	result = pci_request_regions(pci, "pisces");
	if (result)
		goto no_regions;
	reset(device);
	pci_clear_master(pci); /* not before it is isolated */
	result = pisces_isolate_device(enclave, device);
	if (result)
		goto not_isolated;
	result = connect_interrupts(enclave, device);
	if (result)
		goto no_interrupts;
	pci_set_master(pci);
	return 0;

no_interrupts:
	pisces_release_isolation(enclave, device);
not_isolated:
	pci_release_regions(pci);
no_regions:
	pci_disable_device(pci);
	return result;
}

static void set_place(struct pisces_enclave *enclave, u32 place, struct pisces_held_device *device)
{
	unsigned long flags;

	spin_lock_irqsave(&enclave->params_lock, flags);
	enclave->devices[place] = device;
	spin_unlock_irqrestore(&enclave->params_lock, flags);
}

static void let_go(struct pisces_held_device *device)
{
	struct pisces_enclave *enclave;

	mutex_lock(&devices_lock);
	enclave = device->enclave;
	device->enclave = NULL;
	mutex_unlock(&devices_lock);
	pisces_put_enclave(enclave);
}

static void release(struct pisces_enclave *enclave, struct pisces_held_device *device)
{
	silence(device);
	set_place(enclave, device->place, NULL);
	disconnect_interrupts(device);
	reset(device);
	pisces_release_isolation(enclave, device);
	pci_release_regions(device->pci);
	pci_disable_device(device->pci);
	let_go(device);
}

static bool is_at(const struct pci_dev *pci, const struct pisces_pci_address *address)
{
	return pci_domain_nr(pci->bus) == address->domain && pci->bus->number == address->bus &&
	       PCI_SLOT(pci->devfn) == address->slot && PCI_FUNC(pci->devfn) == address->function;
}

static struct pisces_held_device *claim(struct pisces_enclave *enclave, const struct pisces_pci_address *address)
{
	struct pisces_held_device *device, *found = ERR_PTR(-ENOENT);

	mutex_lock(&devices_lock);
	list_for_each_entry(device, &devices, link) {
		if (!is_at(device->pci, address))
			continue;
		found = device->enclave ? ERR_PTR(-EBUSY) : device;
		if (!device->enclave) {
			kref_get(&enclave->references);
			device->enclave = enclave;
		}
	}
	mutex_unlock(&devices_lock);
	return found;
}

static int free_place(const struct pisces_enclave *enclave)
{
	int place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++)
		if (!enclave->devices[place])
			return place;
	return -ENOSPC;
}

static void describe(const struct pisces_held_device *device, struct pisces_device *to)
{
	struct pci_dev *pci = device->pci;
	u32 i;

	to->place = device->place;
	to->vector = vector_of(device);
	to->interrupts = device->direct ? PISCES_MSIX : PISCES_FORWARDED;
	to->isolated = device->group != NULL;
	for (i = 0; i < PISCES_MAX_BARS; i++) {
		const bool is_memory = pci_resource_flags(pci, i) & IORESOURCE_MEM;

		to->bars[i].base = is_memory ? pci_resource_start(pci, i) : 0;
		to->bars[i].size = is_memory ? pci_resource_len(pci, i) : 0;
	}
	for (i = 0; i < sizeof(to->config); i++)
		pci_read_config_byte(pci, i, &to->config[i]);
}

int pisces_add_pci(struct pisces_enclave *enclave, struct pisces_device *request)
{
	const int place = free_place(enclave);
	struct pisces_held_device *device;
	int result;

	if (enclave->state != PISCES_RUNNING || request->address.reserved)
		return -EINVAL;
	if (place < 0)
		return place;
	device = claim(enclave, &request->address);
	if (IS_ERR(device))
		return PTR_ERR(device);
	device->place = place;
	result = start(enclave, device);
	if (result) {
		let_go(device);
		return result;
	}
	set_place(enclave, place, device);
	describe(device, request);
	return 0;
}

int pisces_remove_pci(struct pisces_enclave *enclave, const struct pisces_pci_address *address)
{
	u32 place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++) {
		struct pisces_held_device *device = enclave->devices[place];

		if (!device || !is_at(device->pci, address))
			continue;
		release(enclave, device);
		return 0;
	}
	return -ENOENT;
}

void pisces_silence_pci(struct pisces_enclave *enclave)
{
	u32 place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++)
		if (enclave->devices[place])
			silence(enclave->devices[place]);
}

void pisces_release_pci(struct pisces_enclave *enclave)
{
	u32 place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++)
		if (enclave->devices[place])
			release(enclave, enclave->devices[place]);
	pisces_drop_pci_domain(enclave);
}

void pisces_get_pci_info(struct pisces_enclave *enclave, struct pisces_info *info)
{
	u32 place;

	for (place = 0; place < PISCES_MAX_DEVICES; place++) {
		const struct pci_dev *pci = enclave->devices[place] ? enclave->devices[place]->pci : NULL;

		if (!pci)
			continue;
		info->devices[info->device_count++] = (struct pisces_pci_address){
			.domain = pci_domain_nr(pci->bus),
			.bus = pci->bus->number,
			.slot = PCI_SLOT(pci->devfn),
			.function = PCI_FUNC(pci->devfn),
		};
	}
}

/* ---- The driver core ---- */

static int take(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct pisces_held_device *device;

	if (pci->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->pci = pci;
	pci_set_drvdata(pci, device);
	mutex_lock(&devices_lock);
	list_add_tail(&device->link, &devices);
	mutex_unlock(&devices_lock);
	return 0;
}

/* Its enclave, with a reference; NULL: it was nobody's, and can become nobody's any more. */
static struct pisces_enclave *leave_list(struct pisces_held_device *device)
{
	struct pisces_enclave *enclave;

	mutex_lock(&devices_lock);
	enclave = device->enclave;
	if (enclave)
		kref_get(&enclave->references);
	else
		list_del(&device->link);
	mutex_unlock(&devices_lock);
	return enclave;
}

/* The device is pulled out, or somebody unbinds it: that cannot be refused, and an enclave loses what it has. */
static void lose(struct pci_dev *pci)
{
	struct pisces_held_device *device = pci_get_drvdata(pci);
	struct pisces_enclave *enclave;

	while ((enclave = leave_list(device))) {
		mutex_lock(&enclave->lock);
		if (device->enclave == enclave) {
			pci_warn(pci, "is taken from enclave %u\n", enclave->number);
			release(enclave, device);
		}
		mutex_unlock(&enclave->lock);
		pisces_put_enclave(enclave);
	}
	kfree(device);
}

/* It knows no ids: it takes what it is told to take. */
static struct pci_driver pci_driver = {
	.name = "pisces",
	.probe = take,
	.remove = lose,
	.driver_managed_dma = true,
};

int pisces_pci_init(void)
{
	return pci_register_driver(&pci_driver);
}

void pisces_pci_exit(void)
{
	pci_unregister_driver(&pci_driver);
}
