// SPDX-License-Identifier: GPL-2.0
// /dev/pisces-enclave<N>: decode, check, call.
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "block.h"
#include "enclave.h"
#include "pci.h"

static int open_enclave(struct inode *inode, struct file *file)
{
	struct pisces_enclave *enclave;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	enclave = pisces_find_enclave(iminor(inode) - 1);
	if (!enclave)
		return -ENODEV;
	file->private_data = enclave;
	return 0;
}

static int close_enclave(struct inode *inode, struct file *file)
{
	pisces_put_enclave(file->private_data);
	return 0;
}

static int tell_info(struct pisces_enclave *enclave, void __user *to)
{
	struct pisces_info *info = kzalloc(sizeof(*info), GFP_KERNEL);
	int result = 0;

	if (!info)
		return -ENOMEM;
	pisces_get_info(enclave, info);
	if (copy_to_user(to, info, sizeof(*info)))
		result = -EFAULT;
	kfree(info);
	return result;
}

static int open_block(struct pisces_enclave *enclave, const struct pisces_block *range)
{
	struct pisces_held_block *block = pisces_find_block(enclave, range->base);

	if (!block || block->size != range->size)
		return -ENOENT;
	return pisces_open_block(enclave, block);
}

static int add_cpu(struct pisces_enclave *enclave, struct pisces_cpu *cpu, void __user *to)
{
	const int result = pisces_add_cpu(enclave, cpu);

	if (result)
		return result;
	return copy_to_user(to, cpu, sizeof(*cpu)) ? -EFAULT : 0;
}

static int add_device(struct pisces_enclave *enclave, struct pisces_device *device, void __user *to)
{
	const int result = pisces_add_pci(enclave, device);

	if (result)
		return result;
	return copy_to_user(to, device, sizeof(*device)) ? -EFAULT : 0;
}

/* What calls take; read before the lock is. */
union argument {
	struct pisces_pci_address address;
	struct pisces_device device;
	struct pisces_block block;
	struct pisces_cpu cpu;
	struct pisces_boot boot;
};

static int carry_out(struct pisces_enclave *enclave, unsigned int call, union argument *argument, unsigned long raw)
{
	void __user *user = (void __user *)raw;

	switch (call) {
	case PISCES_ADD_BLOCK:
		return pisces_add_block(enclave, &argument->block);
	case PISCES_REMOVE_BLOCK:
		return pisces_remove_block(enclave, &argument->block);
	case PISCES_ADD_CPU:
		return add_cpu(enclave, &argument->cpu, user);
	case PISCES_REMOVE_CPU:
		return pisces_remove_cpu(enclave, argument->cpu.cpu);
	case PISCES_BOOT:
		return pisces_boot(enclave, &argument->boot);
	case PISCES_STOP:
		return pisces_stop(enclave);
	case PISCES_DESTROY:
		return pisces_destroy(enclave);
	case PISCES_RING:
		pisces_ring(enclave);
		return 0;
	case PISCES_INFO:
		return tell_info(enclave, user);
	case PISCES_OPEN_BLOCK:
		return open_block(enclave, &argument->block);
	case PISCES_OPEN_BELL:
		return pisces_open_bell(enclave, raw);
	case PISCES_ADD_DEVICE:
		return add_device(enclave, &argument->device, user);
	case PISCES_REMOVE_DEVICE:
		return pisces_remove_pci(enclave, &argument->address);
	default:
		return -ENOTTY;
	}
}

static long call_enclave(struct file *file, unsigned int call, unsigned long raw)
{
	struct pisces_enclave *enclave = file->private_data;
	union argument argument = {};
	int result;

	/* Whoever got the descriptor from somebody who has it needs the capability as well. */
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((_IOC_DIR(call) & _IOC_WRITE) &&
	    (_IOC_SIZE(call) > sizeof(argument) || copy_from_user(&argument, (void __user *)raw, _IOC_SIZE(call))))
		return _IOC_SIZE(call) > sizeof(argument) ? -ENOTTY : -EFAULT;
	if (mutex_lock_killable(&enclave->lock))
		return -EINTR;
	result = enclave->dead ? -ENODEV : carry_out(enclave, call, &argument, raw);
	mutex_unlock(&enclave->lock);
	return result;
}

const struct file_operations pisces_enclave_operations = {
	.owner = THIS_MODULE,
	.open = open_enclave,
	.release = close_enclave,
	.unlocked_ioctl = call_enclave,
	.llseek = noop_llseek,
};
