/* SPDX-License-Identifier: ISC */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "watchdog.h"

struct list_options {
	const char *proc;   /* where procfs is mounted */
	char *const *names; /* list what the rules of these names decide */
	size_t nnames;      /* 0: what any rule decides, and likely victims */
	bool dry_run;       /* order and scores as they would be after a run */
	bool json;
	bool color;
};

/*
 * Print the processes that the selected rules decide, and the most likely
 * victims of the kernel, in the order in which it would kill them. Returns 0,
 * or -1 if something could not be seen, which has been reported.
 */
int list(const struct config *config, const struct list_options *options,
    struct watchdog *watchdog);

#endif
