// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for Android's lowmemorykiller, which no present kernel has: the
 * same two parameters, through the kernel's own parser, and no killing.
 */

#include <linux/module.h>

static int adj[6] = { 0, 1, 6, 12 };
static int adj_n = 4;
static unsigned int minfree[6] = { 1536, 2048, 4096, 16384 };
static int minfree_n = 4;

module_param_array_named(adj, adj, int, &adj_n, 0644);
module_param_array_named(minfree, minfree, uint, &minfree_n, 0644);

static int __init
lowmemorykiller_init(void)
{
	return 0;
}

static void __exit
lowmemorykiller_exit(void)
{
}

module_init(lowmemorykiller_init);
module_exit(lowmemorykiller_exit);
MODULE_DESCRIPTION("Parameters of lowmemorykiller");
MODULE_LICENSE("GPL");
