/* SPDX-License-Identifier: ISC */
#ifndef ADJUSTMENT_H
#define ADJUSTMENT_H

#include "process.h"

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
 * Write VALUE, on the oom_score_adj scale, to FILE of the process, as
 * adjustment_read() named it. Returns 0, or -1 with errno set.
 */
int adjustment_write(const struct process *p, const char *file, int value);

#endif
