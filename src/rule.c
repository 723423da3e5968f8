/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "rule.h"

#define TASK_COMM_LEN 16 /* include/linux/sched.h: 15 bytes and NUL */

int
oom_adj_to_score_adj(int v)
{
	if (v == OOM_ADJUST_MAX)
		return OOM_SCORE_ADJ_MAX;
	return v * OOM_SCORE_ADJ_MAX / -OOM_DISABLE;
}

int
oom_score_adj_to_adj(int v)
{
	int half = v < 0 ? -OOM_SCORE_ADJ_MAX / 2 : OOM_SCORE_ADJ_MAX / 2;
	int adj = (v * -OOM_DISABLE + half) / OOM_SCORE_ADJ_MAX;

	/* Only the lowest value means never. */
	if (adj == OOM_DISABLE && v > OOM_SCORE_ADJ_MIN)
		return OOM_DISABLE + 1;
	return adj > OOM_ADJUST_MAX ? OOM_ADJUST_MAX : adj;
}

static int
compare_keys(const void *va, const void *vb)
{
	const struct rule_key *a = va, *b = vb;
	int c = strcmp(a->key, b->key);

	if (c != 0)
		return c;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

int
rules_index(struct rules *rules)
{
	size_t i;

	/* A path has two spellings when it leads over a symbolic link. */
	rules->by_name = calloc(rules->n + 1, sizeof(*rules->by_name));
	rules->by_exe = calloc(2 * rules->n + 1, sizeof(*rules->by_exe));
	if (rules->by_name == NULL || rules->by_exe == NULL)
		return -1;

	for (i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->rule[i];

		rules->by_name[i] = (struct rule_key) { r->name, r };
		if (r->name[0] != '/')
			continue;
		rules->by_exe[rules->nexe++] = (struct rule_key) { r->name, r };
		if (r->path != NULL && strcmp(r->path, r->name) != 0)
			rules->by_exe[rules->nexe++] =
			    (struct rule_key) { r->path, r };
	}
	qsort(rules->by_name, rules->n, sizeof(*rules->by_name), compare_keys);
	qsort(rules->by_exe, rules->nexe, sizeof(*rules->by_exe), compare_keys);
	return 0;
}

/*
 * How many of the N entries of TABLE come before or at NAME: the entry below
 * the answer is the last rule for NAME, if there is one.
 */
static size_t
upper_bound(const struct rule_key *table, size_t n, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(table[mid].key, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
has_rule(const struct rules *rules, const char *name)
{
	size_t i = upper_bound(rules->by_name, rules->n, name);

	return i > 0 && strcmp(rules->by_name[i - 1].key, name) == 0;
}

static bool
match_user(const struct rule *r, const struct facts *f, unsigned int *need)
{
	size_t i;

	if (r->unknown_user)
		return false;
	if (!(f->known & FACT_STATUS)) {
		*need |= FACT_STATUS;
		return false;
	}
	for (i = 0; i < r->nusers; i++) {
		if (r->users[i] == f->euid)
			return true;
	}
	return false;
}

static bool
match_cmdline(const struct rule *r, const struct facts *f, unsigned int *need)
{
	if (!(f->known & FACT_CMDLINE)) {
		*need |= FACT_CMDLINE;
		return false;
	}
	switch (regexec(&r->cmdline, f->cmdline, 0, NULL, 0)) {
	case 0:
		return true;
	case REG_NOMATCH:
		return false;
	default:
		*need |= FACT_NO_MEMORY;
		return false;
	}
}

/*
 * The last rule that TABLE has for NAME, that was written after BEST and whose
 * other conditions hold; BEST where there is none. What must be known to tell
 * is added to NEED.
 */
static const struct rule *
later(const struct rule_key *table, size_t n, const char *name,
    const struct facts *f, const struct rule *best, unsigned int *need)
{
	size_t i = upper_bound(table, n, name);

	for (; i > 0 && strcmp(table[i - 1].key, name) == 0; i--) {
		const struct rule *r = table[i - 1].rule;

		if (best != NULL && r <= best)
			break;
		if (r->has_users && !match_user(r, f, need))
			continue;
		if (r->has_cmdline && !match_cmdline(r, f, need))
			continue;
		return r;
	}
	return best;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/*
 * Every way in which a name means a process, as pidof -x of sysvinit has it;
 * but of a path the process's own argv[0] is no proof.
 */
static const struct rule *
match(const struct rules *rules, const struct facts *f, unsigned int *need)
{
	const struct rule *best = NULL;
	const char *base;

	if (f->argv0[0] != '\0')
		best = later(rules->by_name, rules->n, base_name(f->argv0), f,
		    best, need);

	if (rules->nexe > 0) {
		if (!(f->known & FACT_EXE))
			*need |= FACT_EXE;
		else
			best = later(
			    rules->by_exe, rules->nexe, f->exe, f, best, need);
	}

	/* An interpreter is this script's only if it took the script's name. */
	if (f->script != NULL) {
		base = base_name(f->script);
		if (has_rule(rules, base) || has_rule(rules, f->script)) {
			if (!(f->known & FACT_COMM)) {
				*need |= FACT_COMM;
			} else if (strncmp(f->comm, base, TASK_COMM_LEN - 1) ==
			    0) {
				best = later(rules->by_name, rules->n, base, f,
				    best, need);
				best = later(rules->by_name, rules->n,
				    f->script, f, best, need);
			}
		}
	}

	/* setproctitle(3), or a login shell: argv[0] is no name. */
	if (f->argv0[0] == '\0' || strchr(f->argv0, ' ') != NULL ||
	    (f->argv0[0] == '-' && f->script == NULL)) {
		if (!(f->known & FACT_COMM))
			*need |= FACT_COMM;
		else if (f->comm[0] != '/' && strlen(f->comm) < TASK_COMM_LEN)
			best = later(
			    rules->by_name, rules->n, f->comm, f, best, need);
	}
	return best;
}

bool
is_login_user(const struct rules *rules, uid_t uid)
{
	return uid >= rules->uid_min;
}

struct decision
rules_decide(const struct rules *rules, const struct facts *f)
{
	struct decision d = { .verdict = VERDICT_NONE };
	const struct rule *r;

	r = match(rules, f, &d.need);
	if (r != NULL && !f->has_args && !(f->known & FACT_STAT))
		d.need |= FACT_STAT;
	/* Who may bear a name that protects is the kernel's to say. */
	if (r != NULL && r->oom_score_adj < 0 && !r->has_users &&
	    !(f->known & FACT_STATUS))
		d.need |= FACT_STATUS;
	if (d.need != 0) {
		d.verdict =
		    d.need & FACT_NO_MEMORY ? VERDICT_NO_MEMORY : VERDICT_NEED;
		return d;
	}
	if (r == NULL)
		return d;
	if (!f->has_args && (f->kernel_thread || f->zombie))
		return d;

	d.rule = r;
	d.verdict = VERDICT_APPLY;
	if (r->oom_score_adj >= 0 || r->has_users)
		return d;
	if (is_login_user(rules, f->ruid))
		d.uid = f->ruid;
	else if (is_login_user(rules, f->euid))
		d.uid = f->euid;
	else if (is_login_user(rules, f->suid))
		d.uid = f->suid;
	else {
		if (f->contained && !r->containers)
			d.verdict = VERDICT_CONTAINER;
		return d;
	}
	d.verdict = VERDICT_USER;
	return d;
}

bool
rules_give(const struct rules *rules, int value)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		if (rules->rule[i].oom_score_adj == value)
			return true;
	}
	return false;
}

void
rules_free(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		struct rule *r = &rules->rule[i];

		free(r->title);
		free(r->name);
		free(r->path);
		free(r->users);
		if (r->has_cmdline)
			regfree(&r->cmdline);
	}
	free(rules->rule);
	free(rules->by_name);
	free(rules->by_exe);
	*rules = (struct rules) { 0 };
}
