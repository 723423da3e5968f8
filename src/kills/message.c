/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kills/kill.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORD_MIN 6 /* bytes that a pattern begins with, at least */
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
 *	%f  nothing, or in the same or the next line " to free 4kB"
 *	%*  anything
 *	%.  nothing more
 *
 * A pattern need not reach the end of the text. The first that fits counts.
 * Above each are the kernels that have it. A new one is a line here and one in
 * tests/corpus/kills/formats.
 */
static const struct format {
	const char *pattern;
	enum killer killer;
	enum meaning meaning;
	const char *before;
} formats[] = {
	/* mm/oom_kill.c */
	/* 2.6.18 to now; RHEL 7: ", UID 0, " after; Virtuozzo 7: " in VE" */
	{ "Killed process %p (%c)%r", .killer = 0 },
	/* RHEL 5, RHEL 6 */
	{ "Killed process %p, UID %u, (%c)%r", .killer = 0 },
	/* Virtuozzo and OpenVZ 6, RHEL 6's with container limits */
	{ "killed process %p (%c)%r", .before = "OOM " },
	/* 2.6.36 to 4.3: of another thread group, but with the same memory */
	{ "Kill process %p (%c) sharing same memory",
	    .meaning = MEANING_KILL_SHARED },
	/* Virtuozzo 7 */
	{ "Kill process %p (%c) in VE \"%* same memory",
	    .meaning = MEANING_KILL_SHARED },
	/* 2.6.18 ("and children"), 2.6.36 to 5.0 */
	{ "Kill process %p (%c) score %n or sacrifice child",
	    .meaning = MEANING_ANNOUNCED },
	{ "Kill process %p (%c) score %n", .meaning = MEANING_ANNOUNCED },
	/* 2.6.19 to 2.6.35 */
	{ "kill process %p (%c) score %n or a child",
	    .meaning = MEANING_ANNOUNCED },
	{ "kill process %p (%c) score %n", .meaning = MEANING_ANNOUNCED },
	/* 4.19 to now; the names in it may hold commas */
	{ "kill:constraint=CONSTRAINT_MEMCG,%*,pid=%p,uid=%u%.", KILLER_MEMCG,
	    MEANING_ANNOUNCED, "oom-" },
	{ "kill:constraint=CONSTRAINT_MEMCG,", KILLER_MEMCG, MEANING_ANNOUNCED,
	    "oom-" },
	{ "kill:constraint=%*,pid=%p,uid=%u%.", KILLER_OOM, MEANING_ANNOUNCED,
	    "oom-" },
	{ "kill:constraint=", KILLER_OOM, MEANING_ANNOUNCED, "oom-" },
	/* 4.19 to now: "Tasks in /a are going to be killed due to" */
	{ "killed due to memory.oom.group set", KILLER_MEMCG,
	    MEANING_ANNOUNCED_GROUP, " are going to be " },
	/* mm/memcontrol.c, 2.6.29 to 4.20: "Task in /a killed as a result" */
	{ "killed as a result of limit of ", KILLER_MEMCG, MEANING_ANNOUNCED,
	    " " },
	/* 2.6.19 to now: "httpd invoked oom-killer: gfp_mask=" */
	{ "killer: ", .meaning = MEANING_REPORT, .before = " invoked oom-" },
	/* 2.6.18 */
	{ "killer: gfp_mask=", .meaning = MEANING_REPORT, .before = "oom-" },
	/* arch/.../mm/fault.c, 2.6.18 to 2.6.3x: no memory for a page fault */
	{ "killing process %c(%p)%.", KILLER_OOM, .before = "VM: " },
	{ "killing process %c%.", KILLER_OOM, .before = "VM: " },
	/* drivers/staging/android/lowmemorykiller.c, once in drivers/misc */
	/* Android's 2.6.25 to 3.9; Samsung's go on after the size */
	{ "kill to %p (%c), adj %A, size %s", KILLER_LOWMEMORYKILLER,
	    .before = "send sig" },
	/* MediaTek's 3.4 to 4.4, with both scales */
	{ "Killing '%c' (%p), adj %n, score_adj %a,%f",
	    .killer = KILLER_LOWMEMORYKILLER },
	/* 3.10 to 4.11 */
	{ "Killing '%c' (%p), adj %a,%f", .killer = KILLER_LOWMEMORYKILLER },
	/* Android's 3.18 to 4.9, with the thread's id first */
	{ "Killing '%c' (%n) (tgid %p), adj %a,%f",
	    .killer = KILLER_LOWMEMORYKILLER },
	/* User space: systemd-oomd, earlyoom, Android's lmkd */
	{ "Killed /%* due to ", .killer = KILLER_OOMD },
	{ "sending SIG%* to process %p ", .killer = KILLER_EARLYOOM },
	{ "Kill '%c' (%p), uid %u", .killer = KILLER_LMKD },
	{ "Killing '%c' (%p), uid %u", .killer = KILLER_LMKD },
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
	{ "anon-rss", 'k' },
	{ "file-rss", 'k' },
	{ "shmem-rss", 'k' },
	{ "rss", 'k' },
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

	if (word == 'n')
		max = INT64_MAX;
	else if (word == 'p')
		min = 1;
	else if (word == 'u')
		max = UINT32_MAX;
	else if (word == 's' || word == 'k')
		min = 0, max = KIB_MAX;
	else if (word == 'a')
		min = -1000, max = 1000;
	if (!is_digit((*p)[**p == '-']))
		return false;
	*value = strtoll(*p, p, 10);
	return *value >= min && *value <= max;
}

static void
set_value(struct message *message, char word, int64_t value)
{
	struct kill *kill = &message->kill;

	switch (word) {
	case 'p':
		kill->pid = (pid_t)value;
		break;
	case 'u':
		kill->uid = (uid_t)value;
		kill->has_uid = true;
		break;
	case 'k':
	case 's':
		kill->rss +=
		    (uint64_t)value * (word == 'k' ? 1024 : message->page_size);
		kill->has_rss = true;
		break;
	case 'a':
	case 'A':
		kill->adj = (int)value;
		kill->has_adj = true;
		if (word == 'a' || value < -17 || value > 15)
			kill->scale = SCALE_OOM_SCORE_ADJ;
	}
}

/* Whether a list's item may end at P. Where it was cut, it does not. */
static bool
is_item_end(const char *p)
{
	return strchr(" ,\n[<`", *p) != NULL;
}

/*
 * "total-vm:8kB, anon-rss:4kB UID:0", "UID 0", "in VE \"7\"", "score 0". Sizes
 * have a unit, and a value that was cut is not known. Always true.
 */
static bool
read_list(char *p, struct message *message)
{
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
		if (word == 'k') {
			if (strncmp(p, "kB", 2) != 0)
				break;
			p += 2;
		}
		/* The kernel never ends with the user id. */
		if (!is_item_end(p) || (word == 'u' && *p == '\0'))
			break;
		set_value(message, word, value);
	}
	message->cut |= strnlen(p, 2) < 2;
	return true;
}

static bool match_pattern(
    const char *pattern, char *p, struct message *message);

/*
 * A comm, and then PATTERN. It may hold anything that the format has after it,
 * too: it goes on to the last place that fits and leaves it no more bytes than
 * the kernel has for it, or else, in a log that escapes bytes, to the last one.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): as deep as a pattern */
match_comm(const char *pattern, char *p, struct message *message)
{
	size_t len = strnlen(p, NAME_SIZE - 1), i, n;

	for (i = 0; i <= len; i++) {
		n = len <= COMM ? len - i
		    : i <= COMM ? COMM - i
				: len + COMM + 1 - i;
		if ((p[n] == *pattern || *pattern == '%') &&
		    match_pattern(pattern, p + n, message)) {
			*(char *)mempcpy(message->kill.comm, p, n) = '\0';
			return true;
		}
	}
	message->cut |= p[len] == '\0';
	return false;
}

/*
 * Match P. What a word stands for is written to the kill when all after it has
 * matched, so nothing is left of an attempt that failed.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): has words */
match_pattern(const char *pattern, char *p, struct message *message)
{
	int64_t value;
	char word, *end;

	for (; *pattern != '%' && *pattern != '\0'; pattern++, p++) {
		if (*pattern == ' ' && (*p == ' ' || *p == '\n'))
			p += strspn(p, " \n") - 1;
		else if (*pattern != *p)
			break;
	}
	message->end = p;
	if (*pattern != '%') {
		message->cut |= *p == '\0' && *pattern != '\0';
		return *pattern == '\0';
	}
	word = pattern[1];
	pattern += 2;
	switch (word) {
	case 'c':
		return match_comm(pattern, p, message);
	case 'r':
		return (is_item_end(p) || *p == '.') && read_list(p, message);
	case 'f':
		if (!match_pattern(" to free %kkB", p, message))
			message->end = p;
		return true;
	case '.':
		return *p == '\0';
	case '*':
		/* Hostile lines are long: leave them to the C library. */
		for (end = strchr(p, '\0');
		     (p = memmem(p, (size_t)(end - p), pattern,
			  strcspn(pattern, "%"))) != NULL;
		     p++)
			if (match_pattern(pattern, p, message))
				return true;
		return false;
	default:
		message->cut |= *p == '\0';
		if (!read_number(&p, word, &value) ||
		    (word == 's' && !is_item_end(p)) ||
		    !match_pattern(pattern, p, message))
			return false;
		set_value(message, word, value);
		return true;
	}
}

bool
may_be_message(const char *word, const char *end)
{
	/* A line may have been broken after a word such as Kill. */
	size_t n = end - word < WORD_MIN ? (size_t)(end - word) : WORD_MIN;
	const struct format *f = formats, *last = f + COUNT(formats);

	if (n < 4)
		return false;
	/* Most hits are of no pattern: be quick. */
	while (f < last &&
	    (f->pattern[n - 1] != word[n - 1] ||
		memcmp(f->pattern, word, n) != 0))
		f++;
	return f < last;
}

/*
 * Where OPENING begins that ends before P, or NULL if it does not. If TEXT
 * begins before that, sets *BROKEN: the line before may have the rest.
 */
static char *
match_opening(const char *text, char *p, const char *opening, bool *broken)
{
	const char *o = strchr(opening, '\0');

	for (; o > opening && p > text; p--) {
		/* A terminal breaks words. */
		if (*--o != ' ' && p[-1] == ' ' && p - 1 > text)
			p--;
		if (*o == '#' && is_digit(p[-1]))
			while (p - 1 > text && is_digit(p[-2]))
				p--;
		else if (*o != p[-1])
			return NULL;
	}
	*broken |= o > opening;
	return o > opening ? NULL : p;
}

enum meaning
read_message(
    char *text, char *word, uint64_t page_size, struct message *message)
{
	const struct format *f;
	char *start, fifth = word[4];
	size_t i, n;

	/* A line may have been broken after "Out of memory: Kill". */
	if (fifth == '\0' && word - text > 1 && word[-2] == ':')
		fifth = ' ';
	*message = (struct message) { MEANING_NONE, .start = word, .end = word,
		.page_size = page_size };
	for (f = formats; f < formats + COUNT(formats); f++) {
		/* Most differ after "kill"; hostile logs make this worth it. */
		if (f->pattern[4] != fifth)
			continue;
		n = f->before != NULL ? strlen(f->before) : 0;
		if ((size_t)(word - text) < n ||
		    (n > 0 && memcmp(word - n, f->before, n) != 0))
			continue;
		if (!message->cut)
			message->start = word - n;
		if (!match_pattern(f->pattern, word, message))
			continue;
		message->start = word - n;
		message->meaning = f->meaning;
		if (f->killer == KILLER_OOMD) /* its victim is a cgroup */
			strlcpy(message->kill.comm, word, NAME_SIZE);
		message->kill.killer = f->killer;
		message->strong =
		    message->kill.has_rss || message->kill.has_adj;
		break;
	}
	text += strspn(text, QUOTATION);
	for (i = 0; i < COUNT(openings); i++) {
		start = match_opening(
		    text, message->start, openings[i].text, &message->broken);
		if (start == NULL)
			continue;
		message->start = start;
		message->strong = true;
		message->broken = false;
		if (message->kill.killer == KILLER_UNKNOWN)
			message->kill.killer = openings[i].killer;
		break;
	}
	return message->meaning;
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
		else if (word == 'k')
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
read_task(char *p, const struct heading *heading, struct task *task)
{
	unsigned int column;
	int64_t value;
	char word;

	*task = (struct task) { .pid = 0 };
	for (column = 0; column < heading->name; column++) {
		word = column == 0           ? 'p'
		    : column == heading->uid ? 'u'
		    : column == heading->rss ? 's'
		    : column == heading->adj ? 'a'
					     : 'n';
		/* In another line there may be more to read. */
		p += *p == '[' || *p == ']';
		p += strspn(p, " \t");
		if (!read_number(&p, word, &value))
			return false;
		if (word == 'p')
			task->pid = (pid_t)value;
		else if (word == 'u')
			task->uid = (uid_t)value;
		else if (word == 's')
			task->pages = (uint64_t)value;
		else if (word == 'a')
			task->adj = (int)value;
	}
	if (*p++ != ' ')
		return false;
	strlcpy(task->comm, p, NAME_SIZE);
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
