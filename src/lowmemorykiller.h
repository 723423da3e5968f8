/* SPDX-License-Identifier: ISC */
#ifndef LOWMEMORYKILLER_H
#define LOWMEMORYKILLER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Android's lowmemorykiller module kills with memory to spare. Its two
 * parameters say when, drivers/staging/android/lowmemorykiller.c in kernels
 * before 4.12: less than minfree[i] pages free, what has adj[i] or higher.
 */

#define LOWMEMORYKILLER_MAX 6 /* entries in each of its arrays */

/* What the lowmemorykiller block asks for; n is 0 where there is no block. */
struct lowmemorykiller {
	size_t n;
	int adj[LOWMEMORYKILLER_MAX];
	int minfree[LOWMEMORYKILLER_MAX]; /* pages */
};

enum killer_outcome {
	KILLER_NOT_LOADED,
	KILLER_ALREADY,
	KILLER_CHANGED, /* or, in a dry run, would be */
	KILLER_FAILED,  /* and complained of on standard error */
};

/*
 * Write KILLER's adj, and if that worked its minfree, to the module's files
 * below SYS, where sysfs is mounted; where they hold that already, nothing.
 */
enum killer_outcome lowmemorykiller_set(
    const struct lowmemorykiller *killer, const char *sys, bool dry_run);

/*
 * Write the N numbers of LIST to BUF, of SIZE bytes, with commas between them.
 * Returns BUF.
 */
char *format_list(char *buf, size_t size, const int *list, size_t n);

#endif
