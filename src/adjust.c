/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adjust.h"
#include "adjustment.h"

#define PASSES 5
#define PID_LIMIT 10000000 /* one more than PID_DIGITS can write */

struct run {
	const struct config *config;
	bool reset;
	struct report *report;
	struct watchdog *watchdog;
	int procfd;
	pid_t self; /* by the PIDs of procfd, or 0 */
	struct process process;
	/* The processes reported of in an earlier pass; untouched pages of it
	   take no memory. */
	unsigned char seen[PID_LIMIT / CHAR_BIT];
};

static bool
has_ended(int error)
{
	return error == ENOENT || error == ESRCH;
}

/* Give the process that is open the value that RESULT is to be for. */
static void
set_value(struct run *run, struct result *result)
{
	const struct process *p = &run->process;
	bool readable;

	readable = adjustment_read(p, &result->from, &result->file) == 0;
	/* oom_adj has fewer values: the nearest of them is the one. */
	if (readable && strcmp(result->file, "oom_adj") == 0)
		result->to =
		    oom_adj_to_score_adj(oom_score_adj_to_adj(result->to));

	if (!readable) {
		result->error = errno;
	} else if (result->from == result->to) {
		result->outcome = OUTCOME_ALREADY;
		return;
	} else if (run->report->dry_run) {
		result->outcome = OUTCOME_CHANGED;
		return;
	} else {
		/* Whatever comes of it, status 1 is no longer the truth. */
		run->watchdog->changed = true;
		if (adjustment_write(p, result->file, result->to) == 0) {
			result->outcome = OUTCOME_CHANGED;
			return;
		}
		result->error = errno;
	}
	result->outcome =
	    has_ended(result->error) ? OUTCOME_GONE : OUTCOME_FAILED;
}

static void
add_result(struct run *run, struct result *result)
{
	unsigned char *byte = &run->seen[result->pid / CHAR_BIT];
	unsigned char bit = (unsigned char)(1 << result->pid % CHAR_BIT);

	if (result->outcome == OUTCOME_GONE)
		return;
	/* A later pass finds again what an earlier one has reported. */
	if ((*byte & bit) && result->outcome != OUTCOME_CHANGED)
		return;
	*byte |= bit;
	if (process_read(&run->process, FACT_COMM) == 0)
		strlcpy(result->comm, run->process.facts.comm,
		    sizeof(result->comm));
	report_add(run->report, result);
}

/*
 * Decide for the process that has been looked at or opened. Returns what is to
 * be done as 1, or 0 for nothing, or -1 with errno set.
 */
static int
decide(struct run *run, struct decision *d)
{
	int inherited;

	if (process_decide(&run->process, &run->config->rules, d) == -1)
		return -1;
	if (run->reset) {
		inherited = adjustment_inherited(
		    &run->process, &run->config->rules, d->verdict);
		if (inherited == -1)
			return -1;
		if (inherited) {
			d->verdict = VERDICT_NONE;
			d->rule = NULL;
			return 1;
		}
	}
	return d->verdict != VERDICT_NONE && d->rule->selected;
}

static void
act(struct run *run, const struct decision *d)
{
	struct result result = {
		.pid = run->process.pid,
		.rule = d->rule,
		.to = d->rule != NULL ? d->rule->oom_score_adj : 0,
		.uid = d->uid,
	};

	if (d->verdict == VERDICT_USER)
		result.outcome = OUTCOME_PASSED_USER;
	else if (d->verdict == VERDICT_CONTAINER)
		result.outcome = OUTCOME_PASSED_CONTAINER;
	else
		set_value(run, &result);
	add_result(run, &result);
}

/*
 * The first look goes by PID and is only to find out that there is nothing to
 * do, as for most. What is decided and written goes through the process's own
 * directory: if it ends, a stranger can have its PID, but not that.
 */
static int
visit(struct run *run, const char *pid)
{
	struct process *p = &run->process;
	struct decision d;
	int answer;

	/* With hidepid= what is not ours may be there and not be read. */
	if (process_look(p, run->procfd, pid) == -1)
		return errno == EACCES || errno == EPERM ? 0 : -1;
	if ((answer = decide(run, &d)) != 1)
		return answer;
	if (process_open(p) == -1)
		return -1;
	if ((answer = decide(run, &d)) == 1)
		act(run, &d);
	close(p->dirfd);
	return answer;
}

/* Errors that are ours: with the next process it would be no better. */
static bool
is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int
pass(struct run *run, DIR *proc)
{
	const char *pid;
	int error;

	rewinddir(proc);
	while ((pid = process_next(proc)) != NULL) {
		run->watchdog->pid = (pid_t)strtol(pid, NULL, 10);
		if (run->watchdog->pid == run->self)
			continue;
		if (visit(run, pid) == -1 && !has_ended(errno)) {
			error = errno;
			warnc(error, "process %s", pid);
			if (is_ours(error))
				return -1;
			run->report->failed++;
		}
	}
	run->watchdog->pid = 0;
	return 0;
}

int
adjust(const struct config *config, const char *proc, bool reset,
    struct report *report, struct watchdog *watchdog)
{
	static struct run run;
	char self[16] = "";
	size_t changed;
	DIR *dir;
	int i, status = 0;

	if ((dir = opendir(proc)) == NULL) {
		warn("%s", proc);
		return -1;
	}
	run.config = config;
	run.reset = reset;
	run.report = report;
	run.watchdog = watchdog;
	run.procfd = dirfd(dir);
	/* Where it dangles, we are in a PID namespace that PROC cannot see. */
	if (readlinkat(run.procfd, "self", self, sizeof(self) - 1) > 0)
		run.self = (pid_t)strtol(self, NULL, 10);
	if (process_next(dir) == NULL) {
		warnx("%s: no process here: is it where procfs is mounted?",
		    proc);
		closedir(dir);
		return -1;
	}

	/* A child that was forked just before its parent was adjusted has the
	   old value, and may come earlier in the walk. */
	for (i = 0; i < PASSES && status == 0; i++) {
		changed = report->changed;
		status = pass(&run, dir);
		if (report->changed == changed || report->dry_run)
			break;
	}
	closedir(dir);
	return status;
}
