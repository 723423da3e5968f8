/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kills/message.h"

#define COMM 15                   /* TASK_COMM_LEN less the NUL */
#define KIB_MAX (INT64_MAX >> 14) /* a few of these are no overflow */

/*
 * The formats. A pattern stands for a whole message, less one of openings[],
 * which may say which killer it is. Its % words are
 *
 *	%p  the process's id
 *	%c  its comm, to the last place that fits
 *	%u  its user id
 *	%s  its size in pages
 *	%a  its oom_score_adj
 *	%A  its oom_adj or oom_score_adj, nobody can tell
 *	%n  any number
 *	%r  nothing, a full stop, or a list: " total-vm:8kB, anon-rss:4kB"
 *	%f  anything, with "to free 4kB" in it
 *	%*  anything
 *
 * The first that fits counts. Above each are the kernels that have it. A new
 * one is a line here and one in tests/corpus/kills/formats.
 */
static const struct format {
	enum meaning meaning;
	enum killer killer;
	const char *pattern;
} formats[] = {
	/*
	 * mm/oom_kill.c
	 */
	/* 2.6.18 to now; RHEL 7: ", UID 0, " behind; Virtuozzo 7: " in VE" */
	{ KILL, KILLER_UNKNOWN, "Killed process %p (%c)%r" },
	/* RHEL 5, RHEL 6 */
	{ KILL, KILLER_UNKNOWN, "Killed process %p, UID %u, (%c)%r" },
	/* Virtuozzo and OpenVZ 6, RHEL 6's with container limits */
	{ KILL, KILLER_UNKNOWN, "OOM killed process %p (%c)%r" },
	{ KILL, KILLER_MEMCG,
	    "Out of memory in UB %n: OOM killed process %p (%c)%r" },
	/* 2.6.36 to 4.3: of another thread group, but with the same memory */
	{ KILL_ALSO, KILLER_UNKNOWN,
	    "Kill process %p (%c) sharing same memory" },
	/* Virtuozzo 7 */
	{ KILL_ALSO, KILLER_UNKNOWN,
	    "Kill process %p (%c) in VE \"%* same memory" },
	/* 2.6.18 ("and children"), 2.6.36 to 5.0 ("or sacrifice child") */
	{ ANNOUNCED, KILLER_UNKNOWN, "Kill process %p (%c) score %*" },
	/* 2.6.19 to 2.6.35 ("or a child") */
	{ ANNOUNCED, KILLER_UNKNOWN, "kill process %p (%c) score %*" },
	/* 4.19 to now; the names in it may hold commas */
	{ ANNOUNCED, KILLER_MEMCG,
	    "oom-kill:constraint=CONSTRAINT_MEMCG,%*,pid=%p,uid=%u" },
	{ ANNOUNCED, KILLER_MEMCG, "oom-kill:constraint=CONSTRAINT_MEMCG,%*" },
	{ ANNOUNCED, KILLER_OOM, "oom-kill:constraint=%*,pid=%p,uid=%u" },
	{ ANNOUNCED, KILLER_OOM, "oom-kill:constraint=%*" },
	/* 4.19 to now */
	{ ANNOUNCED_GROUP, KILLER_MEMCG,
	    "Tasks in %* are going to be killed %*" },
	/* mm/memcontrol.c, 2.6.29 to 4.20 */
	{ ANNOUNCED, KILLER_MEMCG,
	    "Task in %* killed as a result of limit of %*" },
	/* 2.6.19 to now */
	{ REPORT, KILLER_UNKNOWN, "%c invoked oom-killer: %*" },
	/* 2.6.18 */
	{ REPORT, KILLER_UNKNOWN, "oom-killer: gfp_mask=%*" },

	/*
	 * arch/.../mm/fault.c, 2.6.18 to 2.6.3x: no memory for a page fault
	 */
	{ KILL, KILLER_OOM, "VM: killing process %c(%p)" },
	{ KILL, KILLER_OOM, "VM: killing process %c" },

	/*
	 * drivers/staging/android/lowmemorykiller.c, at first in drivers/misc
	 */
	/* Android's 2.6.25 to 3.9; Samsung's go on after the size */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "send sigkill to %p (%c), adj %A, size %s%*" },
	/* MediaTek's 3.4 to 4.4, with both scales */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "Killing '%c' (%p), adj %n, score_adj %a,%f" },
	/* 3.10 to 4.11 */
	{ KILL, KILLER_LOWMEMORYKILLER, "Killing '%c' (%p), adj %a,%f" },
	/* Android's 3.18 to 4.9, with the thread's id first */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "Killing '%c' (%n) (tgid %p), adj %a,%f" },
};

/* What out_of_memory() and its like call the killer with, and drivers begin. */
static const struct {
	enum killer killer;
	const char *text;
} openings[] = {
	/* 2.6.25 to now */
	{ KILLER_MEMCG, "Memory cgroup out of memory: " },
	/* 2.6.18 to now */
	{ KILLER_OOM, "Out of memory: " },
	/* 2.6.18's announcement; the kill itself before */
	{ KILLER_OOM, "Out of Memory: " },
	/* 2.6.24 to now */
	{ KILLER_OOM, "Out of memory (oom_kill_allocating_task): " },
	/* 2.6.18 to 2.6.23 */
	{ KILLER_OOM, "No available memory in cpuset: " },
	/* 2.6.18 to 3.9 */
	{ KILLER_OOM, "No available memory (MPOL_BIND): " },
	/* where there is pr_fmt() or lowmem_print() */
	{ KILLER_LOWMEMORYKILLER, "lowmemorykiller: " },
	{ KILLER_LOWMEMORYKILLER, "lowmem_shrink " },
};

/* What a list or the heads of a table call what we want. */
static const struct {
	const char *name;
	char word;
} names[] = {
	{ "anon-rss", 's' },
	{ "file-rss", 's' },
	{ "shmem-rss", 's' },
	{ "rss", 's' },
	{ "uid", 'u' },
	{ "oom_score_adj", 'a' },
	{ "oom_adj", 'o' },
};

/* How many bytes a comm has, an escaped one (\x1b, \033, #033) being one. */
static size_t
comm_bytes(const char *p, size_t len)
{
	const char *end = p + len;
	size_t n;

	for (n = 0; p < end; n++)
		p += end - p >= 4 && (*p == '\\' || *p == '#') &&
			(p[1] == 'x' || isdigit((unsigned char)p[1]))
		    ? 4
		    : 1;
	return n;
}

/*
 * Take a number from *P, in the range of what WORD stands for. The kernel
 * prints some as if they had a sign.
 */
static bool
number(char **p, char word, int64_t *value)
{
	int64_t min = -INT_MAX, max = INT_MAX;

	if (word == 'p') {
		min = 1;
	} else if (word == 'u') {
		max = UINT32_MAX;
	} else if (word == 's') {
		min = 0;
		max = KIB_MAX;
	}
	if (!isdigit((unsigned char)(*p)[**p == '-']))
		return false;
	*value = strtoll(*p, p, 10);
	return *value >= min && *value <= max;
}

/* VALUE is what WORD stands for, REST what follows it. */
static void
tell(struct kill *kill, char word, int64_t value, const char *rest)
{
	switch (word) {
	case 'p':
		kill->pid = (pid_t)value;
		break;
	case 'u':
		kill->uid = (uid_t)value;
		kill->has_uid = true;
		break;
	case 's':
		kill->rss +=
		    (uint64_t)value * (*rest == 'k' ? 1024 : kill->page_size);
		kill->has_rss = true;
		break;
	case 'a':
	case 'A':
	case 'o':
		kill->adj = (int)value;
		kill->has_adj = true;
		if (word == 'o')
			kill->scale = SCALE_OOM_ADJ;
		else if (word == 'a' || value < -17 || value > 15)
			kill->scale = SCALE_OOM_SCORE_ADJ;
		break;
	default:
		break;
	}
}

/* Tell KILL the value TEXT, if NAME is one of names[]. */
static void
read_value(const char *name, char *text, struct kill *kill)
{
	int64_t v;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i].name) == 0 &&
		    number(&text, names[i].word, &v))
			tell(kill, names[i].word, v, text);
}

/* "total-vm:8kB, anon-rss:4kB UID:0": a value stands behind its name. */
static void
read_list(char *p, struct kill *kill)
{
	char *word, *next, *rest;

	for (word = strtok_r(p, " ,:", &rest); word != NULL; word = next) {
		next = strtok_r(NULL, " ,:", &rest);
		if (next != NULL)
			read_value(word, next, kill);
	}
}

/* lowmemorykiller's "to free 4kB on behalf of". */
static bool
read_free(char *p, struct kill *kill)
{
	int64_t v;

	p = strstr(p, "to free ");
	if (p == NULL)
		return false;
	p += strlen("to free ");
	if (!number(&p, 's', &v) || strncmp(p, "kB", 2) != 0)
		return false;
	tell(kill, 's', v, p);
	return true;
}

static bool match(const char *pattern, char *p, struct kill *kill);

/*
 * A comm, and then PATTERN. It may hold anything that the format has behind it,
 * too: it goes on to the last place that fits and leaves it no more bytes than
 * the kernel has for it. Failing that, to the last place that fits.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): as deep as a pattern */
match_comm(const char *pattern, char *p, struct kill *kill)
{
	static const size_t limits[] = { COMM, sizeof(kill->comm) };
	size_t i, n;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		for (n = strnlen(p, sizeof(kill->comm) - 1) + 1; n-- > 0;) {
			if (p[n] != pattern[0] ||
			    comm_bytes(p, n) > limits[i] ||
			    !match(pattern, p + n, kill))
				continue;
			*(char *)mempcpy(kill->comm, p, n) = '\0';
			return true;
		}
	}
	return false;
}

/*
 * Match P, all of it. What a word stands for is written to KILL when all behind
 * it has matched, so nothing is left of an attempt that failed.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): has words */
match(const char *pattern, char *p, struct kill *kill)
{
	int64_t v;
	char word;

	for (; *pattern != '%'; pattern++, p++) {
		if (*pattern != *p)
			return false;
		if (*pattern == '\0')
			return true;
	}
	word = pattern[1];
	pattern += 2;
	switch (word) {
	case 'c':
		return match_comm(pattern, p, kill);
	case 'p':
	case 'u':
	case 's':
	case 'n':
	case 'a':
	case 'A':
		if (!number(&p, word, &v) || !match(pattern, p, kill))
			return false;
		tell(kill, word, v, "");
		return true;
	case 'r':
		if (strcmp(p, ".") != 0 && strchr(" ,", *p) == NULL)
			return false;
		read_list(p, kill);
		return true;
	case 'f':
		read_free(p, kill);
		return true;
	default:
		while (*pattern != '\0' && !match(pattern, p, kill))
			if (*p++ == '\0')
				return false;
		return true;
	}
}

enum meaning
format_match(char *message, uint64_t page_size, struct kill *kill)
{
	enum killer killer = KILLER_UNKNOWN;
	size_t i, n;

	for (i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		n = strlen(openings[i].text);
		if (strncmp(message, openings[i].text, n) == 0) {
			killer = openings[i].killer;
			message += n;
			break;
		}
	}
	*kill = (struct kill) { .page_size = page_size };
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!match(formats[i].pattern, message, kill))
			continue;
		kill->killer = formats[i].killer != KILLER_UNKNOWN
		    ? formats[i].killer
		    : killer;
		return formats[i].meaning;
	}
	return NOTHING;
}

bool
format_goes_on(char *message, struct kill *kill)
{
	if (kill->killer == KILLER_LOWMEMORYKILLER)
		return read_free(message, kill);
	message += strspn(message, " ");
	if (strncmp(message, "total-vm:", strlen("total-vm:")) != 0)
		return false;
	read_list(message, kill);
	return true;
}

/*
 * "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name",
 * "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents
 * oom_score_adj name": the columns have changed ever since.
 * "[ 1234]  1000  1234   174693     2051   4       0             0 node"
 */
bool
format_table_row(char *head, char *row, struct kill *kill)
{
	struct kill told = { .page_size = kill->page_size };
	char *name, *cell;
	int n = 0;

	head = strchr(head, ']');
	if (head == NULL || sscanf(row, "[ %d%n", &told.pid, &n) != 1 ||
	    row[n] != ']' || told.pid != kill->pid)
		return false;
	name = strtok_r(head, " ", &head);
	cell = strtok_r(row + n, " ", &row);
	while (name != NULL && cell != NULL) {
		read_value(name, cell, &told);
		name = strtok_r(NULL, " ", &head);
		cell = strtok_r(NULL, " ", &row);
	}
	kill_complete(kill, &told);
	return true;
}

void
kill_complete(struct kill *kill, const struct kill *other)
{
	if (kill->pid == 0)
		kill->pid = other->pid;
	if (!kill->has_uid) {
		kill->has_uid = other->has_uid;
		kill->uid = other->uid;
	}
	if (!kill->has_rss) {
		kill->has_rss = other->has_rss;
		kill->rss = other->rss;
	}
	if (!kill->has_adj) {
		kill->has_adj = other->has_adj;
		kill->adj = other->adj;
		kill->scale = other->scale;
	}
}
