/* SPDX-License-Identifier: GPL-2.0 */
/* Every message begins with the module's name. Included by Kbuild before all else. */
#define pr_fmt(fmt) "pisces: " fmt
