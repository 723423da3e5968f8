/* SPDX-License-Identifier: ISC */
#ifndef REPORT_H
#define REPORT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "lowmemorykiller.h"

/* What was done to one process. */
enum outcome {
	OUTCOME_NONE,
	OUTCOME_CHANGED, /* or, in a dry run, would be */
	OUTCOME_ALREADY,
	OUTCOME_FAILED,
	OUTCOME_PASSED_USER,      /* a login user's */
	OUTCOME_PASSED_CONTAINER, /* in another PID namespace */
	OUTCOME_PASSED_PUT_BACK,  /* by its own daemon */
	OUTCOME_GONE,             /* it has ended; not reported */
	OUTCOMES
};

struct result {
	enum outcome outcome;
	const struct rule *rule; /* NULL: an inherited value is reset */
	pid_t pid, ppid;
	pid_t successor; /* PASSED_PUT_BACK: the restarted daemon, or 0 */
	char comm[16];
	int from, to;           /* on the oom_score_adj scale */
	int error;              /* FAILED: an errno value */
	uid_t uid;              /* PASSED_USER */
	const char *value_file; /* the file's name under /proc/PID */
};

/* What became of the processes of one rule. */
struct tally {
	size_t passed_user, passed_container;
	size_t reached; /* all others */
	uid_t uid;      /* the login user of the last one in passed_user */
};

struct report {
	const struct config *config;
	bool verbose;
	bool dry_run;
	size_t count[OUTCOMES];
	struct tally *tally;    /* for each rule */
	struct result *results; /* kept for verbose and dry_run alone */
	size_t nresults;
	bool incomplete; /* there was no memory to keep a result */
	bool conflict;   /* a process had to be changed twice */
	bool exe_denied; /* rules by path could not be decided */
};

/*
 * Begin a report on what the rules of CONFIG do. Returns 0, or -1 with errno
 * set to ENOMEM. report_free() releases what it holds.
 */
int report_init(struct report *report, const struct config *config,
    bool verbose, bool dry_run);
void report_free(struct report *report);

/*
 * Count RESULT, keep it for report_print(), and complain of a failure at once.
 * It replaces the result with outcome PREVIOUS that the same process had in an
 * earlier pass, if that is not OUTCOME_NONE.
 */
void report_add(
    struct report *report, const struct result *result, enum outcome previous);

/* Complain that the process of RESULT had to be changed twice. */
void report_conflict(struct report *report, const struct result *result);

/*
 * Complain of what did not fail and yet had no effect: rules by path that could
 * not be decided and, with FAVOURS, rules whose processes were all passed over.
 */
void report_warn(const struct report *report, bool favours);

/*
 * Print what was done to standard output: a line for each selected rule and,
 * with verbose or dry_run, for each of its processes; then, unless KILLER is
 * NULL, what was done about the lowmemorykiller module.
 */
void report_print(const struct report *report, const enum lmk_outcome *killer);

/* Whether something could not be applied: exit status 2. */
bool report_failed(const struct report *report);

#endif
