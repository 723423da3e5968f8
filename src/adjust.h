/* SPDX-License-Identifier: ISC */
#ifndef ADJUST_H
#define ADJUST_H

#include <stdbool.h>

#include "config.h"
#include "process.h"
#include "report.h"
#include "watchdog.h"

/*
 * Read the adjustment of the process P, on the oom_score_adj scale: from
 * oom_score_adj, or from oom_adj where the kernel has no other (before Linux
 * 2.6.36). FILE is set to the name of the file. Returns 0, or -1 with errno
 * set: ENOENT or ESRCH if the process has ended.
 */
int adjustment_read(const struct process *p, int *value, const char **file);

/*
 * Whether the process, of which VERDICT is the rules', has the value of a rule
 * that is not applied to it: it is a login user's, and descends from one that a
 * rule protects. Returns 1 or 0, or -1 with errno set.
 */
int adjustment_inherited(
    struct process *p, const struct rules *rules, enum verdict verdict);

/*
 * Walk over PROC, where procfs is mounted, and give every process that a
 * selected rule decides for its value; again until nothing changes. With RESET
 * inherited values are reset too. What came of it goes to REPORT; in a dry run
 * nothing is written. Returns 0, or -1 with the error reported if it could not
 * go on; watchdog->changed says whether something had been written.
 */
int adjust(const struct config *config, const char *proc, bool reset,
    struct report *report, struct watchdog *watchdog);

#endif
