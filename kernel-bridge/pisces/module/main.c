// SPDX-License-Identifier: GPL-2.0
// pisces: CPUs and memory that Linux gave up become enclaves with a kernel of their own. See docs/pisces.md of Hobbes.
#include <linux/capability.h>
#include <linux/cc_platform.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <asm/apic.h>

#include "block.h"
#include "enclave.h"
#include "kernel-bridge/abi/x86_64.h"
#include "ledger.h"
#include "pci.h"
#include "trampoline.h"

static ulong trampoline = HOBBES_X86_TRAMPOLINE_BASE;
module_param(trampoline, ulong, 0444);
MODULE_PARM_DESC(trampoline, "address of a page below 1 MiB that Linux was told to leave alone (memmap=64K$0x10000)");

static dev_t first_device; /* minor 0: /dev/pisces; 1 + N: enclave N */
static struct cdev devices;
static struct class *device_class;

static int tell_version(void __user *to)
{
	const struct pisces_version version = {
		.abi = PISCES_ABI_VERSION,
		.trampoline = trampoline,
		.block_size = memory_block_size_bytes(),
	};

	return copy_to_user(to, &version, sizeof(version)) ? -EFAULT : 0;
}

static int create(void __user *user)
{
	struct pisces_create request;
	unsigned int number;
	int result;

	if (copy_from_user(&request, user, sizeof(request)))
		return -EFAULT;
	if (request.reserved)
		return -EINVAL;
	result = pisces_create_enclave(request.enclave_id, &number);
	if (result)
		return result;
	request.number = number;
	/* Should this fail, the enclave is there all the same, and PISCES_LIST tells. */
	return copy_to_user(user, &request, sizeof(request)) ? -EFAULT : 0;
}

static int tell_list(void __user *to)
{
	struct pisces_list list = {};

	pisces_list_enclaves(&list);
	return copy_to_user(to, &list, sizeof(list)) ? -EFAULT : 0;
}

static long call_pisces(struct file *file, unsigned int call, unsigned long raw)
{
	void __user *user = (void __user *)raw;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (call) {
	case PISCES_VERSION:
		return tell_version(user);
	case PISCES_CREATE:
		return create(user);
	case PISCES_LIST:
		return tell_list(user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations pisces_operations = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = call_pisces,
	.llseek = noop_llseek,
};

/* All minors are one device until they are opened. */
static int open_device(struct inode *inode, struct file *file)
{
	const struct file_operations *operations = iminor(inode) ? &pisces_enclave_operations : &pisces_operations;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	replace_fops(file, fops_get(operations));
	return file->f_op->open ? file->f_op->open(inode, file) : 0;
}

static const struct file_operations device_operations = {
	.owner = THIS_MODULE,
	.open = open_device,
	.llseek = noop_llseek,
};

int pisces_add_device(unsigned int number)
{
	struct device *device = device_create(device_class, NULL, first_device + 1 + number, NULL, "pisces-enclave%u", number);

	return PTR_ERR_OR_ZERO(device);
}

void pisces_remove_device(unsigned int number)
{
	device_destroy(device_class, first_device + 1 + number);
}

static struct class *make_class(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	return class_create("pisces");
#else
	return class_create(THIS_MODULE, "pisces");
#endif
}

static int add_devices(void)
{
	struct device *device;
	int result = alloc_chrdev_region(&first_device, 0, 1 + PISCES_MAX_ENCLAVES, "pisces");

	if (result)
		return result;
	device_class = make_class();
	if (IS_ERR(device_class)) {
		result = PTR_ERR(device_class);
		goto no_class;
	}
	cdev_init(&devices, &device_operations);
	devices.owner = THIS_MODULE;
	result = cdev_add(&devices, first_device, 1 + PISCES_MAX_ENCLAVES);
	if (result)
		goto no_cdev;
	device = device_create(device_class, NULL, first_device, NULL, "pisces");
	if (!IS_ERR(device))
		return 0;
	result = PTR_ERR(device);
	cdev_del(&devices);
no_cdev:
	class_destroy(device_class);
no_class:
	unregister_chrdev_region(first_device, 1 + PISCES_MAX_ENCLAVES);
	return result;
}

static void remove_devices(void)
{
	device_destroy(device_class, first_device);
	cdev_del(&devices);
	class_destroy(device_class);
	unregister_chrdev_region(first_device, 1 + PISCES_MAX_ENCLAVES);
}

/* Enclaves' CPUs must not run on in memory that firmware or, after kexec, another kernel thinks its own. */
static int go_down(struct notifier_block *self, unsigned long action, void *data)
{
	pisces_stop_all();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = { .notifier_call = go_down };

static int check_machine(void)
{
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT)) {
		pr_err("memory is encrypted here: an enclave would not see what Linux writes\n");
		return -EOPNOTSUPP;
	}
	if (!boot_cpu_has(X86_FEATURE_APIC)) {
		pr_err("there is no local APIC\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int __init start_pisces(void)
{
	int result = check_machine();

	if (result)
		return result;
	result = pisces_trampoline_init(trampoline);
	if (result) {
		pr_err("the page at 0x%lx is not reserved memory below 1 MiB: see memmap=64K$0x10000, trampoline=\n",
		       trampoline);
		return result;
	}
	result = pisces_blocks_init();
	if (result)
		goto no_blocks;
	result = pisces_ledger_init();
	if (result)
		goto no_ledger;
	result = register_reboot_notifier(&reboot_notifier);
	if (result)
		goto no_notifier;
	result = pisces_pci_init();
	if (result)
		goto no_pci;
	result = add_devices();
	if (result)
		goto no_devices;
	return 0;

no_devices:
	pisces_pci_exit();
no_pci:
	unregister_reboot_notifier(&reboot_notifier);
no_notifier:
	pisces_ledger_exit();
no_ledger:
	pisces_blocks_exit();
no_blocks:
	pisces_trampoline_exit();
	return result;
}

/* There is no enclave: each would keep the module. */
static void __exit stop_pisces(void)
{
	remove_devices();
	pisces_pci_exit();
	unregister_reboot_notifier(&reboot_notifier);
	pisces_ledger_exit();
	pisces_blocks_exit();
	pisces_trampoline_exit();
}

module_init(start_pisces);
module_exit(stop_pisces);
MODULE_DESCRIPTION("Hobbes enclaves on CPUs and memory of their own");
MODULE_LICENSE("GPL");
