/* SPDX-License-Identifier: ISC */
#ifndef LOWMEMORYKILLER_H
#define LOWMEMORYKILLER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Android's lowmemorykiller module does not wait until memory runs out: when
 * fewer than minfree[i] pages are free, it kills a process whose adjustment is
 * adj[i] or higher. See drivers/staging/android/lowmemorykiller.c in kernels
 * before 4.12.
 */

#define LOWMEMORYKILLER_MAX 6 /* entries in each of its arrays */

/* The lowmemorykiller block of the config; n is 0 if there is none. */
struct lowmemorykiller {
	size_t n;
	int adj[LOWMEMORYKILLER_MAX];
	int minfree[LOWMEMORYKILLER_MAX]; /* pages */
};

enum lmk_outcome {
	LMK_NOT_LOADED,
	LMK_ALREADY,
	LMK_CHANGED, /* or, in a dry run, would be */
	LMK_FAILED,  /* reported on standard error */
};

/*
 * Write KILLER's adj, and if that worked its minfree, to the parameters of the
 * module below SYS, where sysfs is mounted. Equal values are left alone.
 */
enum lmk_outcome lowmemorykiller_set(
    const struct lowmemorykiller *killer, const char *sys, bool dry_run);

/*
 * Write the N numbers of LIST to BUF, which has SIZE bytes, with commas between
 * them. Returns BUF.
 */
char *format_list(char *buf, size_t size, const int *list, size_t n);

#endif
