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

void
report_add(struct report *report, const struct result *result)
{
	int value = result->to;
	struct result *p;

	switch (result->outcome) {
	case OUTCOME_CHANGED:
		report->changed++;
		break;
	case OUTCOME_ALREADY:
		report->already++;
		break;
	case OUTCOME_FAILED:
		report->failed++;
		if (strcmp(result->file, "oom_adj") == 0)
			value = oom_score_adj_to_adj(value);
		complain(NULL, 0, "%s (%d): cannot set %s to %d: %s%s",
		    result->comm, result->pid, result->file, value,
		    strerror(result->error), failure_hint(result));
		break;
	case OUTCOME_PASSED_USER:
	case OUTCOME_PASSED_CONTAINER:
		report->passed++;
		break;
	case OUTCOME_GONE:
		return;
	}

	if (!report->verbose && !report->dry_run)
		return;
	p = grow_array(report->results, report->nresults, sizeof(*p));
	if (p == NULL) {
		report->incomplete = true;
		return;
	}
	report->results = p;
	report->results[report->nresults++] = *result;
}

/* By rule, in the order of the file; what no rule decided comes last. */
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

/* What became of a process, in the words of its line. */
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
	case OUTCOME_GONE:
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

/* The line of the shell script, and what a block has beyond it. */
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
    enum killer_outcome outcome)
{
	static const char *const outcomes[] = {
		[KILLER_ALREADY] = "already",
		[KILLER_CHANGED] = "changed",
		[KILLER_FAILED] = "failed",
	};
	bool disabled =
	    killer->n == 1 && killer->adj[0] == 9999 && killer->minfree[0] == 1;
	char adj[128], minfree[128];

	if (outcome == KILLER_NOT_LOADED) {
		if (report->verbose)
			print_line("  lowmemorykiller is not loaded");
		return;
	}
	print_line("  %s lowmemorykiller (adj %s, minfree %s)",
	    disabled ? "Disabling" : "Setting",
	    format_list(adj, sizeof(adj), killer->adj, killer->n),
	    format_list(minfree, sizeof(minfree), killer->minfree, killer->n));
	if (report->dry_run && outcome == KILLER_CHANGED)
		print_line("            would be changed");
	else if (report->verbose || report->dry_run)
		print_line("            %s", outcomes[outcome]);
}

void
report_print(const struct report *report, const struct config *config,
    const enum killer_outcome *killer)
{
	const struct rules *rules = &config->rules;
	size_t i, n, next = 0;
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
		print_killer(report, &config->lowmemorykiller, *killer);

	n = report->changed + report->already + report->failed + report->passed;
	print_line("%zu %s: %zu %schanged, %zu already set, %zu failed, "
		   "%zu %spassed over",
	    n, n == 1 ? "process" : "processes", report->changed, would,
	    report->already, report->failed, report->passed, would);
}
