/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <libutil.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#define LIBBSD_OPENBSD_VIS /* says of strnvis(), not used here, which it is */
#include <vis.h>

#include "report.h"

char *
escape_bytes(char *dst, size_t size, const char *src, size_t len)
{
	char *out = dst, *p;
	wchar_t wc;
	size_t n;

	if (len > (size - 1) / 4)
		len = (size - 1) / 4;
	for (; len > 0; src += n, len -= n) {
		unsigned char c = (unsigned char)*src;

		n = mbrtowc(&wc, src, len, &(mbstate_t) { 0 });
		if (n > 1 && n <= len && iswprint((wint_t)wc)) {
			out = mempcpy(out, src, n);
			continue;
		}
		n = 1;
		/* vis(3) of libbsd lets bytes that are no UTF-8 through. */
		if (c >= 0x80)
			out += snprintf(out, 5, "\\%03o", c);
		else if (c >= ' ' && c <= '~' && c != '\\')
			*out++ = (char)c;
		else if ((p = vis(out, c,
			      VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL,
			      len > 1 ? src[1] : '\0')) != NULL)
			out = p;
		else
			*out++ = '?'; /* no memory */
	}
	*out = '\0';
	return dst;
}

const char *
printable(const char *s)
{
	static char *shown;
	static size_t size;
	size_t need = 4 * strlen(s) + 1;
	char *p;

	if (shown == NULL || need > size) {
		if ((p = realloc(shown, need)) == NULL)
			return "?";
		shown = p;
		size = need;
	}
	return escape_bytes(shown, size, s, strlen(s));
}

char *
format_size(char buf[5], int64_t bytes)
{
	humanize_number(
	    buf, 5, bytes, "", HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B);
	return buf;
}

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
		warnx("%s (%d): cannot set %s to %d: %s%s",
		    printable(result->comm), result->pid, result->file, value,
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
	/* Room doubles whenever there is a power of two of them. */
	if ((report->nresults & (report->nresults - 1)) == 0) {
		p = reallocarray(report->results,
		    report->nresults > 0 ? 2 * report->nresults : 1,
		    sizeof(*p));
		if (p == NULL) {
			report->incomplete = true;
			return;
		}
		report->results = p;
	}
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

static void
print_result(const struct result *r)
{
	const struct passwd *pw;

	printf("    %7d (%s): ", r->pid, printable(r->comm));
	switch (r->outcome) {
	case OUTCOME_CHANGED:
		printf("%d -> %d\n", r->from, r->to);
		break;
	case OUTCOME_ALREADY:
		printf("%d already\n", r->to);
		break;
	case OUTCOME_FAILED:
		printf("failed: %s%s\n", strerror(r->error), failure_hint(r));
		break;
	case OUTCOME_PASSED_USER:
		if ((pw = getpwuid(r->uid)) != NULL)
			printf("passed over: user %s (%u)\n",
			    printable(pw->pw_name), r->uid);
		else
			printf("passed over: user %u\n", r->uid);
		break;
	case OUTCOME_PASSED_CONTAINER:
		printf("passed over: container (another PID namespace)\n");
		break;
	case OUTCOME_GONE:
		break;
	}
}

/* The line of the shell script, and what a block has beyond it. */
static void
print_rule(const struct rule *r)
{
	bool titled = strcmp(r->title, r->name) != 0;

	printf("  Setting %s to %d", printable(r->name), r->value);
	if (titled || !r->oom_adj)
		printf(" (%s%s%s)", titled ? printable(r->title) : "",
		    titled && !r->oom_adj ? ", " : "",
		    r->oom_adj ? "" : "oom_score_adj");
	putchar('\n');
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
			printf("  lowmemorykiller is not loaded\n");
		return;
	}
	printf("  %s lowmemorykiller (adj %s, minfree %s)\n",
	    disabled ? "Disabling" : "Setting",
	    format_list(adj, sizeof(adj), killer->adj, killer->n),
	    format_list(minfree, sizeof(minfree), killer->minfree, killer->n));
	if (report->dry_run && outcome == KILLER_CHANGED)
		printf("            would be changed\n");
	else if (report->verbose || report->dry_run)
		printf("            %s\n", outcomes[outcome]);
}

void
report_print(const struct report *report, const struct config *config,
    const enum killer_outcome *killer)
{
	const struct rules *rules = &config->rules;
	size_t i, n, next = 0;
	const char *would = report->dry_run ? "would be " : "";

	printf("oom_adjust is setting oom_killer priorities%s\n",
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
		printf("  Resetting inherited values to 0\n");
	for (; next < report->nresults; next++)
		print_result(&report->results[next]);
	if (killer != NULL)
		print_killer(report, &config->lowmemorykiller, *killer);

	n = report->changed + report->already + report->failed + report->passed;
	printf("%zu %s: %zu %schanged, %zu already set, %zu failed, "
	       "%zu %spassed over\n",
	    n, n == 1 ? "process" : "processes", report->changed, would,
	    report->already, report->failed, report->passed, would);
}
