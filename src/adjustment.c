/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adjustment.h"
#include "text.h"

/* These facts are enough to find that no rule matches. */
#define FACTS_BEFORE_OPENING (FACT_COMM | FACT_STAT | FACT_EXE | FACT_CMDLINE)

/* Daemons have fewer generations. Processes that have more, or a loop, which
   reused PIDs can make, would take the run's time: they count as put back. */
#define ANCESTORS_MAX 10

/* The index of the first change that is not before PID and START. */
static size_t
find_index(const struct changes *changes, pid_t pid, unsigned long long start)
{
	size_t low = 0, high = changes->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct change *c = &changes->change[mid];

		if (c->pid < pid || (c->pid == pid && c->start < start))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct change *
changes_find(const struct changes *changes, pid_t pid, unsigned long long start)
{
	size_t i = find_index(changes, pid, start);

	if (i == changes->n || changes->change[i].pid != pid ||
	    changes->change[i].start != start)
		return NULL;
	return &changes->change[i];
}

int
changes_add(
    struct changes *changes, pid_t pid, unsigned long long start, int before)
{
	size_t i = find_index(changes, pid, start);
	struct change *p;

	p = grow_array(changes->change, changes->n, sizeof(*p));
	if (p == NULL)
		return -1;
	changes->change = p;
	memmove(p + i + 1, p + i, (changes->n - i) * sizeof(*p));
	p[i] = (struct change) { .pid = pid, .start = start, .before = before };
	changes->n++;
	return 0;
}

void
changes_free(struct changes *changes)
{
	free(changes->change);
	free(changes->orphan);
	*changes = (struct changes) { 0 };
}

int
adjustment_read(struct process *p)
{
	char buf[32], *end;

	p->value_file = "oom_score_adj";
	if (process_read_file(p, p->value_file, buf, sizeof(buf)) == -1) {
		if (errno != ENOENT)
			return -1;
		p->value_file = "oom_adj";
		if (process_read_file(p, p->value_file, buf, sizeof(buf)) == -1)
			return -1;
	}
	p->facts.value = (int)strtol(buf, &end, 10);
	if (end == buf) {
		errno = EINVAL;
		return -1;
	}
	if (strcmp(p->value_file, "oom_adj") == 0)
		p->facts.value = oom_adj_to_score_adj(p->facts.value);
	p->facts.known |= FACT_VALUE;
	return 0;
}

int
adjustment_nearest(const struct process *p, int value)
{
	if (strcmp(p->value_file, "oom_adj") != 0)
		return value;
	return oom_adj_to_score_adj(oom_score_adj_to_adj(value));
}

int
adjustment_write(const struct process *p, int value)
{
	char buf[32];
	int fd, len, saved;
	ssize_t n;

	if (strcmp(p->value_file, "oom_adj") == 0)
		value = oom_score_adj_to_adj(value);
	len = snprintf(buf, sizeof(buf), "%d\n", value);

	fd = openat(p->dirfd, p->value_file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = write(fd, buf, (size_t)len);
	saved = n == -1 ? errno : EIO;
	close(fd);
	errno = saved;
	return n == len ? 0 : -1;
}

/*
 * Read process PID in PROCFD. Returns 1 if a RULE decides for it, with the
 * VALUE that it had before this run, or 0 if none does, or -1 with errno set.
 * process_close() must follow.
 */
static int
read_relative(struct process *p, int procfd, pid_t pid,
    const struct rules *rules, const struct changes *changes,
    const struct rule **rule, int *value)
{
	const struct change *change;
	struct decision d;
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	if (process_look(p, procfd, name) == -1 || process_open(p) == -1)
		return -1;
	while ((d = rules_match(rules, &p->facts)).verdict == VERDICT_NEED) {
		if (process_read(p, d.need) == -1)
			return -1;
	}
	if (d.verdict == VERDICT_NO_MEMORY) {
		errno = ENOMEM;
		return -1;
	}
	if ((*rule = d.rule) == NULL)
		return 0;
	if (process_read(p, FACT_STAT | FACT_STATUS) == -1 ||
	    adjustment_read(p) == -1)
		return -1;
	change = changes_find(changes, p->pid, p->facts.start);
	*value = change != NULL ? change->before : p->facts.value;
	return 1;
}

/* Add the process to the orphans if its RULE may give it its value. */
static int
add_orphan(struct process *p, const struct rule *rule, int value,
    const struct rules *rules, struct changes *changes)
{
	struct orphan *orphan;

	p->facts.known |= FACT_PARENT;
	p->facts.parent_rule = NULL;
	if (rules_decide(rules, &p->facts).verdict != VERDICT_APPLY)
		return 0;
	orphan =
	    grow_array(changes->orphan, changes->norphans, sizeof(*orphan));
	if (orphan == NULL)
		return -1;
	changes->orphan = orphan;
	orphan[changes->norphans++] =
	    (struct orphan) { p->pid, p->facts.start, rule, value };
	return 0;
}

/*
 * Read the orphans from /proc/PID/task/PID/children, proc_pid(5). A kernel that
 * was built without CONFIG_PROC_CHILDREN does not have it.
 */
static int
read_orphans(int procfd, const struct rules *rules, struct changes *changes)
{
	static struct process p;
	const struct rule *rule;
	int fd, value, result = 0;
	FILE *children;
	pid_t pid;

	if (changes->has_orphans)
		return 0;
	changes->has_orphans = true;
	fd = openat(procfd, "1/task/1/children", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	if ((children = fdopen(fd, "r")) == NULL) {
		close(fd);
		return -1;
	}
	while (result != -1 && fscanf(children, "%d", &pid) == 1) {
		result = read_relative(
		    &p, procfd, pid, rules, changes, &rule, &value);
		if (result == 1)
			result = add_orphan(&p, rule, value, rules, changes);
		process_close(&p);
		if (result == -1 && process_ended(errno))
			result = 0;
	}
	fclose(children);
	return result;
}

/* The first in a line of parents and children for which one rule decides. */
struct eldest {
	pid_t pid, ppid;
	unsigned long long start;
	char cgroup[4096];
};

static void
set_eldest(struct eldest *eldest, const struct process *p)
{
	eldest->pid = p->pid;
	eldest->ppid = p->facts.ppid;
	eldest->start = p->facts.start;
	if (process_read_file(
		p, "cgroup", eldest->cgroup, sizeof(eldest->cgroup)) == -1)
		eldest->cgroup[0] = '\0';
}

/* Whether the orphan is in the same cgroup as ELDEST. */
static bool
shares_cgroup(
    int procfd, const struct orphan *orphan, const struct eldest *eldest)
{
	static struct process p;
	char cgroup[sizeof(eldest->cgroup)], name[32];
	ssize_t n;

	p.procfd = p.dirfd = procfd;
	p.prefix[0] = '\0';
	snprintf(name, sizeof(name), "%d/cgroup", orphan->pid);
	n = process_read_file(&p, name, cgroup, sizeof(cgroup));
	cgroup[n > 0 ? n : 0] = '\0';
	return strcmp(cgroup, eldest->cgroup) == 0;
}

/*
 * Look for a restarted daemon with a lower value than P: one in the same cgroup
 * as ELDEST that started later.
 */
static int
read_successor(struct process *p, const struct eldest *eldest,
    const struct rule *rule, const struct rules *rules, struct changes *changes)
{
	const struct orphan *o;

	if (read_orphans(p->procfd, rules, changes) == -1)
		return -1;
	for (o = changes->orphan; o < changes->orphan + changes->norphans;
	     o++) {
		if (o->rule != rule || o->before >= p->facts.value ||
		    o->start <= eldest->start ||
		    !shares_cgroup(p->procfd, o, eldest))
			continue;
		p->facts.parent_rule = rule;
		p->facts.parent_value = o->before;
		p->facts.successor = o->pid;
		break;
	}
	return 0;
}

/* Read FACT_PARENT of the process, for which RULE decides. */
static int
read_parent(struct process *p, const struct rule *rule,
    const struct rules *rules, struct changes *changes)
{
	static struct process ancestor;
	static struct eldest eldest;
	const struct rule *parent_rule;
	struct facts *f = &p->facts;
	int i, value, result = 1;

	if (process_read(p, FACT_STAT) == -1)
		return -1;
	set_eldest(&eldest, p);
	f->known |= FACT_PARENT;
	f->parent_rule = NULL;
	f->successor = 0;
	for (i = 0; i < ANCESTORS_MAX && eldest.ppid > 0; i++) {
		result = read_relative(&ancestor, p->procfd, eldest.ppid, rules,
		    changes, &parent_rule, &value);
		if (result == 1 && parent_rule != rule)
			result = 0;
		if (result == 1) {
			if (i == 0 || value < f->parent_value)
				f->parent_value = value;
			f->parent_rule = rule;
			set_eldest(&eldest, &ancestor);
		}
		process_close(&ancestor);
		if (result != 1)
			break;
	}
	if (result == -1)
		return process_ended(errno) ? 0 : -1;
	if (i == ANCESTORS_MAX)
		f->parent_value = OOM_SCORE_ADJ_MIN;
	if (eldest.ppid != 1 || f->value == rule->oom_score_adj ||
	    (f->parent_rule != NULL && f->parent_value < f->value))
		return 0;
	return read_successor(p, &eldest, rule, rules, changes);
}

static int
read_facts(struct process *p, const struct decision *d,
    const struct rules *rules, struct changes *changes)
{
	if (process_read(p, d->need & ~(FACT_VALUE | FACT_PARENT)) == -1)
		return -1;
	if ((d->need & FACT_VALUE) && adjustment_read(p) == -1)
		return -1;
	if (d->need & FACT_PARENT)
		return read_parent(p, d->rule, rules, changes);
	return 0;
}

int
adjustment_decide(struct process *p, const struct rules *rules,
    struct changes *changes, struct decision *d)
{
	int result;

	for (;;) {
		*d = rules_decide(rules, &p->facts);
		if (d->verdict == VERDICT_NO_MEMORY) {
			errno = ENOMEM;
			return -1;
		}
		if (d->verdict != VERDICT_NEED)
			return 0;
		/* A write may follow: begin again in the opened directory. */
		if (p->dirfd == p->procfd &&
		    (d->need & ~(unsigned int)FACTS_BEFORE_OPENING) != 0)
			result = process_open(p);
		else
			result = read_facts(p, d, rules, changes);
		if (result == -1)
			return -1;
	}
}
