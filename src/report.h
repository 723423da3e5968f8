/* SPDX-License-Identifier: ISC */
#ifndef REPORT_H
#define REPORT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "lowmemorykiller.h"
#include "rule.h"

/* What came of one process. */
enum outcome {
	OUTCOME_CHANGED, /* or, in a dry run, would be */
	OUTCOME_ALREADY,
	OUTCOME_FAILED,
	OUTCOME_PASSED_USER,      /* a login user's */
	OUTCOME_PASSED_CONTAINER, /* in another PID namespace */
	OUTCOME_GONE,             /* ended meanwhile; not reported */
};

struct result {
	enum outcome outcome;
	const struct rule *rule; /* NULL: an inherited value is reset */
	pid_t pid;
	char comm[16];
	int from, to;     /* on the oom_score_adj scale */
	int error;        /* FAILED: an errno value */
	uid_t uid;        /* PASSED_USER */
	const char *file; /* FAILED: the file's name under /proc/PID */
};

struct report {
	bool verbose;
	bool dry_run;
	size_t changed, already, failed, passed;
	struct result *results; /* kept for verbose and dry_run alone */
	size_t nresults;
	bool incomplete; /* there was no memory to keep a result */
};

/*
 * Count RESULT, keep it for report_print(), and complain of a failure on
 * standard error at once.
 */
void report_add(struct report *report, const struct result *result);

/*
 * Print what was done to standard output: the lines of the rules that are
 * selected, and with verbose or dry_run those of their processes; then, unless
 * it is NULL, what became of the lowmemorykiller module.
 */
void report_print(const struct report *report, const struct config *config,
    const enum killer_outcome *killer);

#endif
