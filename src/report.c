/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "text.h"

static const char *
failure_hint(const struct result *r)
{
	if ((r->error == EACCES || r->error == EPERM) && r->to < r->from)
		return " (lowering needs CAP_SYS_RESOURCE)";
	return "";
}

int
report_init(struct report *report, const struct config *config, bool verbose,
    bool dry_run)
{
	*report = (struct report) {
		.config = config, .verbose = verbose, .dry_run = dry_run
	};
	report->tally = calloc(config->rules.n + 1, sizeof(*report->tally));
	return report->tally != NULL ? 0 : -1;
}

void
report_free(struct report *report)
{
	free(report->tally);
	free(report->results);
}

static void
count_result(struct report *report, const struct result *r)
{
	struct tally *tally;

	report->count[r->outcome]++;
	if (r->rule == NULL)
		return;
	tally = &report->tally[r->rule - report->config->rules.rule];
	if (r->outcome == OUTCOME_PASSED_USER) {
		tally->passed_user++;
		tally->uid = r->uid;
	} else if (r->outcome == OUTCOME_PASSED_CONTAINER) {
		tally->passed_container++;
	} else {
		tally->reached++;
	}
}

/*
 * Find the place for the result of process PID: that of its PREVIOUS one, or a
 * new one. Returns NULL with errno set if there is no memory.
 */
static struct result *
find_room(struct report *report, pid_t pid, enum outcome previous)
{
	struct result *p;
	size_t i;

	for (i = 0; previous != OUTCOME_NONE && i < report->nresults; i++) {
		if (report->results[i].pid == pid)
			return &report->results[i];
	}
	p = grow_array(report->results, report->nresults, sizeof(*p));
	if (p == NULL)
		return NULL;
	report->results = p;
	return &p[report->nresults++];
}

void
report_add(
    struct report *report, const struct result *result, enum outcome previous)
{
	int value = result->to;
	struct result *room;

	if (previous != OUTCOME_NONE)
		report->count[previous]--;
	count_result(report, result);
	if (result->outcome == OUTCOME_FAILED) {
		if (strcmp(result->value_file, "oom_adj") == 0)
			value = oom_score_adj_to_adj(value);
		complain(NULL, 0, "%s (%d): cannot set %s to %d: %s%s",
		    result->comm, result->pid, result->value_file, value,
		    strerror(result->error), failure_hint(result));
	}
	if (!report->verbose && !report->dry_run)
		return;
	if ((room = find_room(report, result->pid, previous)) != NULL)
		*room = *result;
	else
		report->incomplete = true;
}

void
report_conflict(struct report *report, const struct result *result)
{
	report->conflict = true;
	complain(NULL, 0,
	    "%s (%d): changed back during this run: does it share memory with "
	    "a process of another rule?",
	    result->comm, result->pid);
}

static void
warn_passed_over(const struct rule *r, const struct tally *tally)
{
	size_t n = tally->passed_user + tally->passed_container;

	if (n == 0 || tally->reached > 0)
		return;
	if (tally->passed_user > 0)
		complain(r->file, r->line,
		    "%s: passed over %s (user id %u): a process block with "
		    "user = {...} allows it",
		    r->name, n == 1 ? "its only process" : "all its processes",
		    tally->uid);
	else
		complain(r->file, r->line,
		    "%s: passed over %s (container): a process block with "
		    "containers = true allows it",
		    r->name, n == 1 ? "its only process" : "all its processes");
}

void
report_warn(const struct report *report, bool favours)
{
	const struct rules *rules = &report->config->rules;
	size_t i;

	if (report->exe_denied)
		complain(NULL, 0,
		    "rules by path are incomplete: reading /proc/PID/exe of "
		    "some processes needs CAP_SYS_PTRACE");
	for (i = 0; favours && i < rules->n; i++)
		warn_passed_over(&rules->rule[i], &report->tally[i]);
	if (report->incomplete)
		complain(NULL, 0, "not enough memory for a full report");
}

bool
report_failed(const struct report *report)
{
	return report->count[OUTCOME_FAILED] > 0 || report->incomplete ||
	    report->conflict || report->exe_denied;
}

/* Sort by rule, in the order of the file; what no rule decided comes last. */
static int
compare_results(const void *va, const void *vb)
{
	const struct result *a = va, *b = vb;

	if (a->rule != b->rule) {
		if (a->rule == NULL || b->rule == NULL)
			return a->rule == NULL ? 1 : -1;
		return a->rule < b->rule ? -1 : 1;
	}
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* Say what became of a process, as its line shows it. */
static void
describe_result(const struct result *r, char *buf, size_t size)
{
	const struct passwd *pw;

	switch (r->outcome) {
	case OUTCOME_CHANGED:
		snprintf(buf, size, "%d -> %d", r->from, r->to);
		break;
	case OUTCOME_ALREADY:
		snprintf(buf, size, "%d already", r->to);
		break;
	case OUTCOME_FAILED:
		snprintf(buf, size, "failed: %s%s", strerror(r->error),
		    failure_hint(r));
		break;
	case OUTCOME_PASSED_USER:
		if ((pw = getpwuid(r->uid)) != NULL)
			snprintf(buf, size, "passed over: user %s (%u)",
			    pw->pw_name, r->uid);
		else
			snprintf(buf, size, "passed over: user %u", r->uid);
		break;
	case OUTCOME_PASSED_CONTAINER:
		snprintf(buf, size,
		    "passed over: container (another PID namespace)");
		break;
	case OUTCOME_PASSED_PUT_BACK:
		if (r->successor != 0)
			snprintf(buf, size,
			    "passed over: put back before its daemon was "
			    "restarted as %d",
			    r->successor);
		else
			snprintf(buf, size,
			    "passed over: put back by its parent %d", r->ppid);
		break;
	default:
		break;
	}
}

static void
print_result(const struct result *r)
{
	char what[256] = "";

	describe_result(r, what, sizeof(what));
	print_line("    %7d (%s): %s", r->pid, r->comm, what);
}

/* Print the shell script's line and, after it, what only a block can have. */
static void
print_rule(const struct rule *r)
{
	bool titled = strcmp(r->title, r->name) != 0;

	if (titled && !r->oom_adj)
		print_line("  Setting %s to %d (%s, oom_score_adj)", r->name,
		    r->value, r->title);
	else if (titled || !r->oom_adj)
		print_line("  Setting %s to %d (%s)", r->name, r->value,
		    titled ? r->title : "oom_score_adj");
	else
		print_line("  Setting %s to %d", r->name, r->value);
}

static void
print_killer(const struct report *report, const struct lowmemorykiller *killer,
    enum lmk_outcome outcome)
{
	static const char *const outcomes[] = {
		[LMK_ALREADY] = "already",
		[LMK_CHANGED] = "changed",
		[LMK_FAILED] = "failed",
	};
	bool disabled =
	    killer->n == 1 && killer->adj[0] == 9999 && killer->minfree[0] == 1;
	char adj[128], minfree[128];

	if (outcome == LMK_NOT_LOADED) {
		if (report->verbose)
			print_line("  lowmemorykiller is not loaded");
		return;
	}
	print_line("  %s lowmemorykiller (adj %s, minfree %s)",
	    disabled ? "Disabling" : "Setting",
	    format_list(adj, sizeof(adj), killer->adj, killer->n),
	    format_list(minfree, sizeof(minfree), killer->minfree, killer->n));
	if (report->dry_run && outcome == LMK_CHANGED)
		print_line("            would be changed");
	else if (report->verbose || report->dry_run)
		print_line("            %s", outcomes[outcome]);
}

void
report_print(const struct report *report, const enum lmk_outcome *killer)
{
	const struct rules *rules = &report->config->rules;
	const size_t *count = report->count;
	size_t i, n, passed, next = 0;
	const char *would = report->dry_run ? "would be " : "";

	print_line("oom_adjust is setting oom_killer priorities%s",
	    report->dry_run ? " (dry run)" : "");
	if (report->nresults > 0)
		qsort(report->results, report->nresults,
		    sizeof(*report->results), compare_results);
	for (i = 0; i < rules->n; i++) {
		if (!rules->rule[i].selected)
			continue;
		print_rule(&rules->rule[i]);
		for (; next < report->nresults &&
		     report->results[next].rule == &rules->rule[i];
		     next++)
			print_result(&report->results[next]);
	}
	if (next < report->nresults)
		print_line("  Resetting inherited values to 0");
	for (; next < report->nresults; next++)
		print_result(&report->results[next]);
	if (killer != NULL)
		print_killer(report, &report->config->lowmemorykiller, *killer);

	passed = count[OUTCOME_PASSED_USER] + count[OUTCOME_PASSED_CONTAINER] +
	    count[OUTCOME_PASSED_PUT_BACK];
	n = count[OUTCOME_CHANGED] + count[OUTCOME_ALREADY] +
	    count[OUTCOME_FAILED] + passed;
	print_line("%zu %s: %zu %schanged, %zu already set, %zu failed, "
		   "%zu %spassed over",
	    n, n == 1 ? "process" : "processes", count[OUTCOME_CHANGED], would,
	    count[OUTCOME_ALREADY], count[OUTCOME_FAILED], passed, would);
}
