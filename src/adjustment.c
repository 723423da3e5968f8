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

/* A longer line of ancestors is a loop, which reused PIDs can make. */
#define ANCESTORS_MAX 100

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
 * Read process PID in PROCFD. Returns 1 if RULE decides for it, with the VALUE
 * that it had before this run, or 0 if RULE does not, or -1 with errno set.
 * process_close() must follow.
 */
static int
read_relative(struct process *p, int procfd, pid_t pid, const struct rule *rule,
    const struct rules *rules, const struct changes *changes, int *value)
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
	if (d.rule != rule)
		return 0;
	if (process_read(p, FACT_STAT | FACT_STATUS) == -1 ||
	    adjustment_read(p) == -1)
		return -1;
	change = changes_find(changes, p->pid, p->facts.start);
	*value = change != NULL ? change->before : p->facts.value;
	return 1;
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

/*
 * Whether the opened process P has replaced the daemon that ELDEST descends
 * from: it is in the same cgroup, started later, and may get its rule's value.
 */
static bool
is_successor(
    struct process *p, const struct eldest *eldest, const struct rules *rules)
{
	char cgroup[sizeof(eldest->cgroup)];

	if (p->facts.start <= eldest->start)
		return false;
	if (process_read_file(p, "cgroup", cgroup, sizeof(cgroup)) == -1)
		cgroup[0] = '\0';
	p->facts.known |= FACT_PARENT;
	p->facts.parent_rule = NULL;
	return strcmp(cgroup, eldest->cgroup) == 0 &&
	    rules_decide(rules, &p->facts).verdict == VERDICT_APPLY;
}

/*
 * Look for a restarted daemon with a lower value than P among the children that
 * ELDEST's parent has. They are in /proc/PID/task/PID/children, proc_pid(5),
 * unless the kernel was built without CONFIG_PROC_CHILDREN.
 */
static int
read_successor(struct process *p, const struct eldest *eldest,
    const struct rule *rule, const struct rules *rules,
    const struct changes *changes)
{
	static struct process child;
	static char children[65536];
	char name[64], *next = children, *end;
	int fd, value, result;
	ssize_t n;
	pid_t pid;

	snprintf(name, sizeof(name), "%d/task/%d/children", eldest->ppid,
	    eldest->ppid);
	if ((fd = openat(p->procfd, name, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, children, sizeof(children) - 1);
	close(fd);
	children[n > 0 ? n : 0] = '\0';
	/* A PID at the end of a list that is too long may be cut. */
	if (n == sizeof(children) - 1 && (end = strrchr(children, ' ')) != NULL)
		*end = '\0';
	for (; (pid = (pid_t)strtol(next, &end, 10)) > 0; next = end) {
		if (pid == eldest->pid)
			continue;
		result = read_relative(
		    &child, p->procfd, pid, rule, rules, changes, &value);
		if (result == 1 && value < p->facts.value &&
		    is_successor(&child, eldest, rules)) {
			p->facts.parent_rule = rule;
			p->facts.parent_value = value;
			p->facts.successor = pid;
		}
		process_close(&child);
		if (result == -1 && !process_ended(errno))
			return -1;
	}
	return 0;
}

/* Read FACT_PARENT of the process, for which RULE decides. */
static int
read_parent(struct process *p, const struct rule *rule,
    const struct rules *rules, const struct changes *changes)
{
	static struct process ancestor;
	static struct eldest eldest;
	struct facts *f = &p->facts;
	int i, value, result = 1;

	if (process_read(p, FACT_STAT) == -1)
		return -1;
	set_eldest(&eldest, p);
	f->known |= FACT_PARENT;
	f->parent_rule = NULL;
	f->successor = 0;
	for (i = 0; i < ANCESTORS_MAX && eldest.ppid > 0; i++) {
		result = read_relative(&ancestor, p->procfd, eldest.ppid, rule,
		    rules, changes, &value);
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
	if (f->value == rule->oom_score_adj ||
	    (f->parent_rule != NULL && f->parent_value < f->value))
		return 0;
	return read_successor(p, &eldest, rule, rules, changes);
}

static int
read_facts(struct process *p, const struct decision *d,
    const struct rules *rules, const struct changes *changes)
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
    const struct changes *changes, struct decision *d)
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
