/* SPDX-License-Identifier: ISC */
#ifndef ADJUSTMENT_H
#define ADJUSTMENT_H

#include "process.h"

/*
 * The adjustment of one process, on the oom_score_adj scale: what it has, what
 * it had before this run, and what it should have.
 */

/* A process that this run has changed. A PID alone may be reused. */
struct change {
	pid_t pid;
	unsigned long long start; /* as in struct facts */
	int before;               /* the value before this run */
	bool repeated;            /* it had to be changed again */
};

/* A child of PID 1 that a rule may give its value: perhaps a daemon. */
struct orphan {
	pid_t pid;
	unsigned long long start;
	const struct rule *rule;
	int before; /* as in struct change */
};

struct changes {
	struct change *change; /* sorted by PID and start */
	size_t n;
	bool has_orphans; /* they are read once, when they are first needed */
	struct orphan *orphan;
	size_t norphans;
};

/* Find the change of process PID, begun at START; NULL if there is none. */
struct change *changes_find(
    const struct changes *changes, pid_t pid, unsigned long long start);

/*
 * Remember that process PID, begun at START and not in CHANGES yet, had the
 * value BEFORE. Returns 0, or -1 with errno set to ENOMEM.
 */
int changes_add(
    struct changes *changes, pid_t pid, unsigned long long start, int before);

/* Release what CHANGES holds. */
void changes_free(struct changes *changes);

/*
 * Read the value of the process into facts.value. p->value_file becomes the
 * file that it is in: oom_score_adj, or oom_adj where the kernel has nothing
 * else (before Linux 2.6.36). Returns 0, or -1 with errno set.
 */
int adjustment_read(struct process *p);

/*
 * Return the value that the process has after VALUE is written to
 * p->value_file: oom_adj has fewer values, so there it is the nearest one.
 */
int adjustment_nearest(const struct process *p, int value);

/*
 * Write VALUE to the file that adjustment_read() has found. Returns 0, or -1
 * with errno set.
 */
int adjustment_write(const struct process *p, int value);

/*
 * Decide by RULES for the process that process_look() has begun to read. Reads
 * the facts that they need, and opens the process as soon as a rule may match.
 * CHANGES are those of this run so far. The verdict is never NEED or NO_MEMORY.
 * Returns 0, or -1 with errno set: ENOENT or ESRCH if the process has ended.
 */
int adjustment_decide(struct process *p, const struct rules *rules,
    struct changes *changes, struct decision *decision);

#endif
