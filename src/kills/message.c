/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kills/kill.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KIB_MAX (INT64_MAX >> 14) /* a few of these do not overflow */

/*
 * The messages. A pattern begins with the word that lines are searched for;
 * what the kernel writes before that word is in BEFORE, and before that may
 * stand one of openings[]. The % words are
 *
 *	%p  the process's id
 *	%c  its comm, to the last place that fits
 *	%u  its user id
 *	%s  its size in pages
 *	%a  its oom_score_adj
 *	%A  its oom_adj or oom_score_adj, nobody can tell
 *	%n  any number
 *	%r  nothing, a full stop, or a list: " total-vm:8kB, anon-rss:4kB"
 *	%f  anything, perhaps with "to free 4kB" in it
 *	%*  anything
 *	%.  nothing more
 *	%l  a cgroup: "/a/b due to memory pressure"
 *
 * A pattern need not reach the end of the text. The first that fits counts.
 * Above each are the kernels that have it. A new one is a line here and one in
 * tests/corpus/kills/formats.
 */
static const struct format {
	enum meaning meaning;
	enum killer killer;
	const char *before;
	const char *pattern;
} formats[] = {
	/* mm/oom_kill.c */
	/* 2.6.18 to now; RHEL 7: ", UID 0, " after; Virtuozzo 7: " in VE" */
	{ MEANING_KILL, KILLER_UNKNOWN, "", "Killed process %p (%c)%r" },
	/* RHEL 5, RHEL 6 */
	{ MEANING_KILL, KILLER_UNKNOWN, "",
	    "Killed process %p, UID %u, (%c)%r" },
	/* Virtuozzo and OpenVZ 6, RHEL 6's with container limits */
	{ MEANING_KILL, KILLER_UNKNOWN, "OOM ", "killed process %p (%c)%r" },
	/* 2.6.36 to 4.3: of another thread group, but with the same memory */
	{ MEANING_KILL_SHARED, KILLER_UNKNOWN, "",
	    "Kill process %p (%c) sharing same memory" },
	/* Virtuozzo 7 */
	{ MEANING_KILL_SHARED, KILLER_UNKNOWN, "",
	    "Kill process %p (%c) in VE \"%* same memory" },
	/* 2.6.18 ("and children"), 2.6.36 to 5.0 ("or sacrifice child") */
	{ MEANING_ANNOUNCED, KILLER_UNKNOWN, "",
	    "Kill process %p (%c) score %n" },
	/* 2.6.19 to 2.6.35 ("or a child") */
	{ MEANING_ANNOUNCED, KILLER_UNKNOWN, "",
	    "kill process %p (%c) score %n" },
	/* 4.19 to now; the names in it may hold commas */
	{ MEANING_ANNOUNCED, KILLER_MEMCG, "oom-",
	    "kill:constraint=CONSTRAINT_MEMCG,%*,pid=%p,uid=%u%." },
	{ MEANING_ANNOUNCED, KILLER_MEMCG, "oom-",
	    "kill:constraint=CONSTRAINT_MEMCG,%*" },
	{ MEANING_ANNOUNCED, KILLER_OOM, "oom-",
	    "kill:constraint=%*,pid=%p,uid=%u%." },
	{ MEANING_ANNOUNCED, KILLER_OOM, "oom-", "kill:constraint=%*" },
	/* 4.19 to now: "Tasks in /a are going to be killed due to" */
	{ MEANING_ANNOUNCED_GROUP, KILLER_MEMCG, " are going to be ",
	    "killed due to memory.oom.group set" },
	/* mm/memcontrol.c, 2.6.29 to 4.20: "Task in /a killed as a result" */
	{ MEANING_ANNOUNCED, KILLER_MEMCG, " ",
	    "killed as a result of limit of %*" },
	/* 2.6.19 to now: "httpd invoked oom-killer: gfp_mask=" */
	{ MEANING_REPORT, KILLER_UNKNOWN, " invoked oom-", "killer: " },
	/* 2.6.18 */
	{ MEANING_REPORT, KILLER_UNKNOWN, "oom-", "killer: gfp_mask=" },
	/* arch/.../mm/fault.c, 2.6.18 to 2.6.3x: no memory for a page fault */
	{ MEANING_KILL, KILLER_OOM, "VM: ", "killing process %c(%p)%." },
	{ MEANING_KILL, KILLER_OOM, "VM: ", "killing process %c%." },
	/* drivers/staging/android/lowmemorykiller.c, once in drivers/misc */
	/* Android's 2.6.25 to 3.9; Samsung's go on after the size */
	{ MEANING_KILL, KILLER_LOWMEMORYKILLER, "send sig",
	    "kill to %p (%c), adj %A, size %s" },
	/* MediaTek's 3.4 to 4.4, with both scales */
	{ MEANING_KILL, KILLER_LOWMEMORYKILLER, "",
	    "Killing '%c' (%p), adj %n, score_adj %a,%f" },
	/* 3.10 to 4.11 */
	{ MEANING_KILL, KILLER_LOWMEMORYKILLER, "",
	    "Killing '%c' (%p), adj %a,%f" },
	/* Android's 3.18 to 4.9, with the thread's id first */
	{ MEANING_KILL, KILLER_LOWMEMORYKILLER, "",
	    "Killing '%c' (%n) (tgid %p), adj %a,%f" },
	/* User space: systemd-oomd, earlyoom, Android's lmkd */
	{ MEANING_KILL, KILLER_OOMD, "", "Killed %l" },
	{ MEANING_KILL, KILLER_EARLYOOM, "", "sending SIG%* to process %p%*" },
	{ MEANING_KILL, KILLER_LMKD, "", "Kill '%c' (%p), uid %u%*" },
	{ MEANING_KILL, KILLER_LMKD, "", "Killing '%c' (%p), uid %u%*" },
};

/*
 * What out_of_memory() and its like call the killer with, and drivers begin. A
 * "#" is any number.
 */
static const struct {
	enum killer killer;
	const char *text;
} openings[] = {
	{ KILLER_MEMCG, "Memory cgroup out of memory: " }, /* 2.6.25 to now */
	{ KILLER_OOM, "Out of memory: " },                 /* 2.6.18 to now */
	{ KILLER_OOM, "Out of Memory: " }, /* 2.6.18's announcement */
	/* 2.6.24 to now */
	{ KILLER_OOM, "Out of memory (oom_kill_allocating_task): " },
	{ KILLER_OOM, "No available memory in cpuset: " },   /* to 2.6.23 */
	{ KILLER_OOM, "No available memory (MPOL_BIND): " }, /* to 3.9 */
	{ KILLER_MEMCG, "Out of memory in UB #: " },         /* Virtuozzo 6 */
	/* where there is pr_fmt() or lowmem_print() */
	{ KILLER_LOWMEMORYKILLER, "lowmemorykiller: " },
	{ KILLER_LOWMEMORYKILLER, "lowmem_shrink " },
};

/* What lists and headings call the values that we want. */
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

const char *
message_pattern(size_t i)
{
	return i < COUNT(formats) ? formats[i].pattern : NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The word for the value that has this name, of N bytes; NUL if none has. */
static char
find_value(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if ((*name | ' ') == *names[i].name &&
		    strncasecmp(names[i].name, name, n) == 0 &&
		    names[i].name[n] == '\0')
			return names[i].word;
	return '\0';
}

/*
 * Read a number from *P, in the range of what WORD stands for. The kernel
 * prints some as if they had a sign.
 */
static bool
read_number(char **p, char word, int64_t *value)
{
	int64_t min = -INT_MAX, max = INT_MAX;

	if (word == 'p')
		min = 1;
	else if (word == 'u')
		max = UINT32_MAX;
	else if (word == 's')
		min = 0, max = KIB_MAX;
	else if (word == 'a')
		min = -1000, max = 1000;
	if (!is_digit((*p)[**p == '-']))
		return false;
	*value = strtoll(*p, p, 10);
	return *value >= min && *value <= max;
}

/* VALUE is what WORD stands for; sizes are in bytes. */
static void
set_value(struct kill *kill, char word, int64_t value)
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
		kill->rss += (uint64_t)value;
		kill->has_rss = true;
		break;
	case 'a':
	case 'A':
		kill->adj = (int)value;
		kill->has_adj = true;
		if (word == 'a' || value < -17 || value > 15)
			kill->scale = SCALE_OOM_SCORE_ADJ;
		break;
	default:
		break;
	}
}

/* Whether a list's item may end at P. Where it was cut, it does not. */
static bool
is_item_end(const char *p)
{
	return strchr(" ,\n.[", *p) != NULL;
}

/*
 * "total-vm:8kB, anon-rss:4kB UID:0", "UID 0", "in VE \"7\"", "score 0". Sizes
 * have a unit, and a value that was cut is not known.
 */
static void
read_list(char *p, struct message *message)
{
	struct kill *kill = &message->kill;
	char *name, *quote, word;
	int64_t value;
	size_t n;

	for (;;) {
		message->end = p;
		p += strspn(p, " ,\n.");
		if (strncmp(p, "in VE \"", 7) == 0 &&
		    (quote = strchr(p + 7, '"')) != NULL) {
			p = quote + 1;
			continue;
		}
		name = p;
		while (isalpha((unsigned char)*p) || *p == '-' || *p == '_')
			p++;
		word = find_value(name, (size_t)(p - name));
		if (*p != ':' &&
		    (*p != ' ' ||
			(word != 'u' && strncmp(name, "score ", 6) != 0)))
			break;
		p++;
		if (word == '\0' || word == 'o') {
			n = strcspn(p, ": ,\n");
			if (n == 0 || p[n] == ':')
				break;
			p += n;
			continue;
		}
		if (!read_number(&p, word, &value))
			break;
		if (word == 's') {
			if (strncmp(p, "kB", 2) != 0)
				break;
			p += 2;
			value *= 1024;
		}
		/* The kernel never ends with the user id. */
		if (!is_item_end(p) || (word == 'u' && *p == '\0'))
			break;
		set_value(kill, word, value);
	}
	message->cut = strnlen(p, 2) < 2;
}

/* lowmemorykiller's "to free 4kB on behalf of". */
static void
read_free(char *p, struct message *message)
{
	char *q = strstr(p, "to free ");
	int64_t value;

	message->end = p;
	message->cut = q == NULL;
	if (q == NULL)
		return;
	q += strlen("to free ");
	if (!read_number(&q, 's', &value) || strncmp(q, "kB", 2) != 0)
		return;
	set_value(&message->kill, 's', value * 1024);
	message->end = q;
}

static bool match_pattern(
    const char *pattern, char *p, uint64_t page_size, struct message *message);

/*
 * A comm, and then PATTERN. It may hold anything that the format has after it,
 * too: it goes on to the last place that fits and leaves it no more bytes than
 * the kernel has for it, or else, in a log that escapes bytes, to the last one.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): as deep as a pattern */
match_comm(
    const char *pattern, char *p, uint64_t page_size, struct message *message)
{
	size_t len = strnlen(p, NAME_SIZE - 1), i, n;

	message->cut |= p[len] == '\0';
	for (i = 0; i <= len; i++) {
		n = len <= COMM ? len - i
		    : i <= COMM ? COMM - i
				: len + COMM + 1 - i;
		if ((p[n] == *pattern || *pattern == '%') &&
		    match_pattern(pattern, p + n, page_size, message)) {
			*(char *)mempcpy(message->kill.comm, p, n) = '\0';
			return true;
		}
	}
	return false;
}

/*
 * Match P. What a word stands for is written to the kill when all after it has
 * matched, so nothing is left of an attempt that failed.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): has words */
match_pattern(
    const char *pattern, char *p, uint64_t page_size, struct message *message)
{
	int64_t value;
	char word, *end;

	for (; *pattern != '%'; pattern++, p++) {
		if (*pattern == '\0') {
			message->end = p;
			message->cut = false;
			return true;
		}
		if (*pattern != *p && (*pattern != ' ' || *p != '\n')) {
			message->cut |= *p == '\0';
			return false;
		}
	}
	word = pattern[1];
	pattern += 2;
	switch (word) {
	case 'c':
		return match_comm(pattern, p, page_size, message);
	case 'l':
		if (*p != '/' || (end = strstr(p, " due to ")) == NULL)
			return false;
		if (end - p >= NAME_SIZE)
			p = end - NAME_SIZE + 1;
		*(char *)mempcpy(message->kill.comm, p, (size_t)(end - p)) =
		    '\0';
		message->end = end;
		return true;
	case 'r':
		if (!is_item_end(p))
			return false;
		read_list(p, message);
		return true;
	case 'f':
		read_free(p, message);
		return true;
	case '.':
		message->end = p;
		message->cut = false;
		return *p == '\0';
	case '*':
		end = strchr(p, '\0');
		if (*pattern == '\0')
			return match_pattern("", end, page_size, message);
		/* Hostile lines are long: leave them to the C library. */
		while ((p = memmem(p, (size_t)(end - p), pattern,
			    strcspn(pattern, "%"))) != NULL)
			if (match_pattern(pattern, p++, page_size, message))
				return true;
		return false;
	default:
		message->cut |= *p == '\0';
		if (!read_number(&p, word, &value) ||
		    (word == 's' && !is_item_end(p)) ||
		    !match_pattern(pattern, p, page_size, message))
			return false;
		set_value(&message->kill, word,
		    word == 's' ? value * (int64_t)page_size : value);
		return true;
	}
}

bool
may_be_message(const char *word, const char *end)
{
	const char *pattern;
	ptrdiff_t n;
	size_t i;

	if (end - word < 6)
		return false;
	for (i = 0; i < COUNT(formats); i++) {
		pattern = formats[i].pattern;
		/* Be quick: after "kill" most differ. */
		if (pattern[4] != word[4] || pattern[5] != word[5])
			continue;
		for (n = 0; word + n < end && word[n] == pattern[n] && n < 8;)
			n++;
		/* A line may have been broken after a word such as Killed. */
		if (n == 8 || pattern[n] == '%' || pattern[n] == '\0' ||
		    word + n == end)
			return true;
	}
	return false;
}

/* Where OPENING begins that ends before P, or NULL if it does not. */
static char *
match_opening(const char *text, char *p, const char *opening)
{
	size_t n;

	if (p == text || p[-1] != ' ')
		return NULL;
	for (n = strlen(opening); n > 0; n--) {
		if (p == text ||
		    (opening[n - 1] == '#' ? !is_digit(p[-1])
					   : p[-1] != opening[n - 1]))
			return NULL;
		while (opening[n - 1] == '#' && p - 1 > text && is_digit(p[-2]))
			p--;
		p--;
	}
	return p;
}

enum meaning
read_message(
    char *text, char *word, uint64_t page_size, struct message *message)
{
	char *start;
	size_t i, n;

	*message = (struct message) { .start = word };
	for (i = 0; i < COUNT(formats); i++) {
		/* Most differ after "kill"; hostile logs make this worth it. */
		if (formats[i].pattern[4] != word[4])
			continue;
		n = strlen(formats[i].before);
		if ((size_t)(word - text) < n ||
		    memcmp(word - n, formats[i].before, n) != 0 ||
		    !match_pattern(
			formats[i].pattern, word, page_size, message))
			continue;
		message->meaning = formats[i].meaning;
		message->kill.killer = formats[i].killer;
		message->start = word - n;
		message->strong =
		    message->kill.has_rss || message->kill.has_adj;
		break;
	}
	for (i = 0; i < COUNT(openings); i++) {
		start = match_opening(text, message->start, openings[i].text);
		if (start == NULL)
			continue;
		message->start = start;
		message->strong = true;
		if (message->kill.killer == KILLER_UNKNOWN)
			message->kill.killer = openings[i].killer;
		break;
	}
	return message->meaning;
}

bool
is_broken_opening(const char *p, const char *end)
{
	size_t i, n, len = end > p ? (size_t)(end - p) : 0;

	for (i = 0; i < COUNT(openings); i++) {
		n = strlen(openings[i].text);
		if (len > 1 && len < n &&
		    memcmp(openings[i].text + n - len, p, len) == 0)
			return true;
	}
	return false;
}

/*
 * dump_tasks() of mm/oom_kill.c, since 2.6.25; the columns have changed ever
 * since: "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents
 * oom_score_adj name"
 */
bool
read_heading(const char *p, struct heading *heading)
{
	unsigned int column;
	size_t n;
	char word;

	*heading = (struct heading) { .name = 0 };
	p += strcspn(p, "]");
	for (column = 0; *p != '\0'; column++, p += n) {
		n = strcspn(p, " ");
		word = find_value(p, n);
		if (word == 'u')
			heading->uid = column;
		else if (word == 's')
			heading->rss = column;
		else if (word == 'a' || word == 'o')
			heading->adj = column;
		else if (n == 4 && strncmp(p, "name", 4) == 0)
			heading->name = column;
		if (word == 'a' || word == 'o')
			heading->scale =
			    word == 'a' ? SCALE_OOM_SCORE_ADJ : SCALE_OOM_ADJ;
		n += strspn(p + n, " ");
	}
	return heading->rss > 0 && heading->name > heading->rss;
}

/* "[ 1234]  1000  1234   174693     2051   4       0             0 node" */
bool
read_task(const char *p, const struct heading *heading, struct task *task)
{
	unsigned int column;
	long long value;
	char *end;
	size_t n;

	*task = (struct task) { .pid = 0 };
	for (column = 0; column < heading->name; column++, p = end) {
		/* In another line there may be more to read. */
		p += *p == '[' || *p == ']';
		p += strspn(p, " \t");
		if (!is_digit(p[*p == '-']))
			return false;
		value = strtoll(p, &end, 10);
		if (column == 0)
			task->pid = (pid_t)value;
		else if (column == heading->uid)
			task->uid = (uid_t)value;
		else if (column == heading->rss)
			task->pages = value > 0 ? (uint64_t)value : 0;
		else if (column == heading->adj)
			task->adj = (int)value;
	}
	if (*p++ != ' ')
		return false;
	n = strcspn(p, "\r\n");
	if (n >= NAME_SIZE)
		n = NAME_SIZE - 1;
	memcpy(task->comm, p, n);
	return true;
}

void
complete_kill(struct kill *kill, const struct kill *other)
{
	if (kill->killer == KILLER_UNKNOWN)
		kill->killer = other->killer;
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
	if (kill->biggest[0].processes == 0)
		memcpy(kill->biggest, other->biggest, sizeof(kill->biggest));
}
