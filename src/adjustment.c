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
 * Find out which RULE decides for process P, which process_look() has begun to
 * read, and the VALUE that P had before this run.
 */
static int
read_ancestor(struct process *p, const struct rules *rules,
    const struct changes *changes, const struct rule **rule, int *value)
{
	const struct change *change;
	struct decision d;

	if (process_open(p) == -1)
		return -1;
	while ((d = rules_match(rules, &p->facts)).verdict == VERDICT_NEED) {
		if (process_read(p, d.need) == -1)
			return -1;
	}
	if (d.verdict == VERDICT_NO_MEMORY) {
		errno = ENOMEM;
		return -1;
	}
	*rule = d.rule;
	if (d.rule == NULL)
		return 0;
	if (process_read(p, FACT_STAT | FACT_STATUS) == -1 ||
	    adjustment_read(p) == -1)
		return -1;
	change = changes_find(changes, p->pid, p->facts.start);
	*value = change != NULL ? change->before : p->facts.value;
	return 0;
}

/* Read FACT_PARENT of the process with FACTS. */
static int
read_parent(int procfd, struct facts *facts, const struct rules *rules,
    const struct changes *changes)
{
	static struct process ancestor;
	const struct rule *rule = NULL;
	pid_t ppid = facts->ppid;
	char pid[16];
	int i, value = 0, result;

	facts->known |= FACT_PARENT;
	facts->parent_rule = NULL;
	for (i = 0; i < ANCESTORS_MAX && ppid > 0; i++) {
		snprintf(pid, sizeof(pid), "%d", ppid);
		if ((result = process_look(&ancestor, procfd, pid)) == 0)
			result = read_ancestor(
			    &ancestor, rules, changes, &rule, &value);
		process_close(&ancestor);
		if (result == -1)
			return process_ended(errno) ? 0 : -1;
		if (rule == NULL || (i > 0 && rule != facts->parent_rule))
			break;
		facts->parent_rule = rule;
		if (i == 0 || value < facts->parent_value)
			facts->parent_value = value;
		ppid = ancestor.facts.ppid;
	}
	return 0;
}

static int
read_facts(struct process *p, unsigned int need, const struct rules *rules,
    const struct changes *changes)
{
	if (process_read(p, need & ~(FACT_VALUE | FACT_PARENT)) == -1)
		return -1;
	if ((need & FACT_VALUE) && adjustment_read(p) == -1)
		return -1;
	if (need & FACT_PARENT)
		return read_parent(p->procfd, &p->facts, rules, changes);
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
			result = read_facts(p, d->need, rules, changes);
		if (result == -1)
			return -1;
	}
}
