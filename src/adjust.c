/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "adjust.h"
#include "adjustment.h"
#include "text.h"

#define PASSES_MAX 5
#define PID_LIMIT (PID_MAX + 1)

struct run {
	const struct config *config;
	struct report *report;
	struct watchdog *watchdog;
	int procfd;
	pid_t self; /* our PID in procfd, or 0 */
	struct process process;
	struct changes changes;
	size_t nwrites;
	/* The enum outcome that was reported for each PID. Untouched pages cost
	   no memory. */
	unsigned char reported[PID_LIMIT];
};

/* Write RESULT->to to the process and set the outcome. */
static void
write_value(struct run *run, struct result *result)
{
	struct process *p = &run->process;

	result->outcome = OUTCOME_CHANGED;
	if (run->report->dry_run)
		return;
	/* From here on the status must not say "nothing was changed". */
	run->watchdog->changed = true;
	if (adjustment_write(p, result->to) == 0) {
		run->nwrites++;
		return;
	}
	result->error = errno;
	result->outcome = process_ended(errno) ? OUTCOME_GONE : OUTCOME_FAILED;
}

/*
 * Change the value of the process. The kernel copies a value to processes that
 * share the memory (CLONE_VM), so the rule of another process may undo the
 * change. Then the process is changed once more, reported, and left alone: the
 * two rules would change it back and forth in every pass.
 */
static int
change_value(struct run *run, struct result *result)
{
	struct process *p = &run->process;
	struct change *change;

	if (process_read(p, FACT_STAT | FACT_COMM) == -1)
		return -1;
	strlcpy(result->comm, p->facts.comm, sizeof(result->comm));
	change = changes_find(&run->changes, p->pid, p->facts.start);
	if (change == NULL) {
		write_value(run, result);
		if (result->outcome == OUTCOME_CHANGED)
			return changes_add(&run->changes, p->pid,
			    p->facts.start, result->from);
		return 0;
	}
	if (change->repeated) {
		result->outcome = OUTCOME_CHANGED;
		return 0;
	}
	change->repeated = true;
	write_value(run, result);
	if (result->outcome == OUTCOME_CHANGED)
		report_conflict(run->report, result);
	return 0;
}

static void
add_result(struct run *run, struct result *result)
{
	unsigned char *reported = &run->reported[result->pid];

	/* After an earlier pass only a change or a failure is news. */
	if (result->outcome == OUTCOME_GONE || *reported == result->outcome ||
	    (*reported != OUTCOME_NONE && result->outcome != OUTCOME_CHANGED &&
		result->outcome != OUTCOME_FAILED))
		return;
	if (process_read(&run->process, FACT_COMM) == 0)
		strlcpy(result->comm, run->process.facts.comm,
		    sizeof(result->comm));
	report_add(run->report, result, (enum outcome) * reported);
	*reported = (unsigned char)result->outcome;
}

/* Carry out decision D for the process in RUN. */
static int
apply_decision(struct run *run, const struct decision *d)
{
	struct process *p = &run->process;
	struct result result = {
		.pid = p->pid,
		.rule = d->rule,
		.from = p->facts.value,
		.uid = d->uid,
		.ppid = p->facts.ppid,
		.successor = p->facts.successor,
		.value_file = p->value_file,
	};

	switch (d->verdict) {
	case VERDICT_USER:
		result.outcome = OUTCOME_PASSED_USER;
		break;
	case VERDICT_CONTAINER:
		result.outcome = OUTCOME_PASSED_CONTAINER;
		break;
	case VERDICT_PUT_BACK:
		result.outcome = OUTCOME_PASSED_PUT_BACK;
		break;
	case VERDICT_RESET:
		result.rule = NULL;
		break;
	default:
		result.to = adjustment_nearest(p, d->rule->oom_score_adj);
	}
	if (result.outcome == OUTCOME_NONE && result.from == result.to)
		result.outcome = OUTCOME_ALREADY;
	if (result.outcome == OUTCOME_NONE && change_value(run, &result) == -1)
		return -1;
	add_result(run, &result);
	return 0;
}

/*
 * Decide for process PID and carry out the decision. Returns 0, or -1 with
 * errno set.
 */
static int
adjust_process(struct run *run, const char *pid)
{
	struct process *p = &run->process;
	const struct rules *rules = &run->config->rules;
	struct decision d;
	int result;

	/* With hidepid= other users' processes cannot be read: no error. */
	if (process_look(p, run->procfd, pid) == -1)
		return errno == EACCES || errno == EPERM ? 0 : -1;
	result = adjustment_decide(p, rules, &run->changes, &d);
	if (result == 0 && (p->facts.known & FACT_EXE) && p->facts.exe_denied)
		run->report->exe_denied = true;
	if (result == 0 && d.verdict != VERDICT_NONE &&
	    (d.verdict == VERDICT_RESET || d.rule->selected))
		result = apply_decision(run, &d);
	process_close(p);
	return result;
}

/* Walk once over PROC, an open /proc. */
static int
adjust_once(struct run *run, DIR *proc)
{
	const char *name;
	pid_t pid;
	int error;

	rewinddir(proc);
	while ((name = process_next(proc)) != NULL) {
		run->watchdog->pid = pid = (pid_t)strtol(name, NULL, 10);
		if (pid == run->self || run->reported[pid] == OUTCOME_FAILED)
			continue;
		if (adjust_process(run, name) == 0 || process_ended(errno))
			continue;
		error = errno;
		complain(NULL, 0, "process %d: %s", pid, strerror(error));
		if (process_exhausted(error))
			return -1;
		if (run->reported[pid] != OUTCOME_NONE)
			run->report->count[run->reported[pid]]--;
		run->reported[pid] = OUTCOME_FAILED;
		run->report->count[OUTCOME_FAILED]++;
	}
	run->watchdog->pid = 0;
	return 0;
}

int
adjust_processes(const struct config *config, const char *proc,
    struct report *report, struct watchdog *watchdog)
{
	static struct run run;
	size_t before;
	DIR *dir;
	int i, status = 0;

	if ((dir = opendir(proc)) == NULL) {
		complain(NULL, 0, "%s: %s", proc, strerror(errno));
		return -1;
	}
	run.config = config;
	run.report = report;
	run.watchdog = watchdog;
	run.procfd = dirfd(dir);
	run.self = process_self(run.procfd);
	if (process_next(dir) == NULL) {
		complain(NULL, 0,
		    "%s: no process here: is it where procfs is mounted?",
		    proc);
		closedir(dir);
		return -1;
	}

	/* A child that was forked just before its parent was adjusted has the
	   old value, and may come earlier in the walk. */
	for (i = 0; i < PASSES_MAX && status == 0; i++) {
		before = run.nwrites;
		status = adjust_once(&run, dir);
		if (run.nwrites == before)
			break;
	}
	changes_free(&run.changes);
	closedir(dir);
	return status;
}
