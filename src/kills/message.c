/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kills/kills.h"

#define WORD_MIN 6   /* bytes that a pattern begins with, at least */
#define ITEMS_MAX 32 /* kernels have ten */
#define VALUE_ENDS " ,[<`\n\\"
#define PAGES_MAX (NUMBER_MAX >> 9)  /* of all tasks in a table, as bytes */
#define NUMBER_MAX (INT64_MAX >> 20) /* that many pages have as many bytes */

/*
 * The messages. A pattern begins with the word that lines are searched for; in
 * BEFORE is what the kernel writes before it, and before that may stand one of
 * openings[]. It need not reach the end of the text; the first that fits
 * counts. Where the killer is 0, other lines name it. A new format is a line
 * here and one in tests/corpus/kills/formats.
 *
 *	%p  process id		%s  size in pages
 *	%u  user id		%n  any number
 *	%a  oom_score_adj	%A  that or oom_adj, nobody can tell
 *	%c  comm, to the last place that fits
 *	%r  nothing, a full stop, or a list: " total-vm:8kB, anon-rss:4kB"
 *	%w  a name
 *	%*  anything, to the last place that may fit
 *	%.  nothing more of the message
 *	%e  nothing: a value ends there, and was not cut
 */
static const struct format {
	const char *before, *pattern;
	enum meaning meaning;
	enum killer killer;
} formats[] = {
	/* mm/oom_kill.c */
	/* 2.6.18 to now; RHEL 7: ", UID 0, " after; Virtuozzo 7: " in VE" */
	{ "", "Killed process %p (%c)%r", KILLED, 0 },
	{ "", "Killed process %p, UID %u, (%c)%r", KILLED, 0 }, /* RHEL 5, 6 */
	/* Virtuozzo and OpenVZ 6, RHEL 6's with container limits */
	{ "OOM ", "killed process %p (%c)%r", KILLED, 0 },
	/* 2.6.36 to 4.3, Virtuozzo 7: another thread group, the same memory */
	{ "", "Kill process %p (%c) sharing same memory", KILLED_SHARED, 0 },
	{ "", "Kill process %p (%c) in VE \"%* same memory", KILLED_SHARED, 0 },
	/* 2.6.18, 2.6.36 to 5.0: " score 7 or sacrifice child" */
	{ "", "Kill process %p (%c) score %n%r", ANNOUNCED, 0 },
	/* 2.6.19 to 2.6.35: " score 7 or a child" */
	{ "", "kill process %p (%c) score %n%r", ANNOUNCED, 0 },
	/* 4.19 to now, names may hold commas; "Tasks in /a are going to be" */
	{ "oom-", "kill:constraint=CONSTRAINT_MEMCG,%*,pid=%p,uid=%u%.",
	    ANNOUNCED, KILLER_MEMCG },
	{ "oom-", "kill:constraint=CONSTRAINT_MEMCG", ANNOUNCED, KILLER_MEMCG },
	{ "oom-", "kill:constraint=%*,pid=%p,uid=%u%.", ANNOUNCED, KILLER_OOM },
	{ "oom-", "kill:constraint=", ANNOUNCED, KILLER_OOM },
	{ " are going to be ", "killed due to memory.oom.group set",
	    ANNOUNCED_GROUP, KILLER_MEMCG },
	/* mm/memcontrol.c, 2.6.29 to 4.20: "Task in /a killed as a result" */
	{ " ", "killed as a result of limit of ", ANNOUNCED, KILLER_MEMCG },
	/* 2.6.19 to now: "httpd invoked oom-killer: gfp_mask=" */
	{ " invoked oom-", "killer: ", REPORT, 0 },
	{ "oom-", "killer: gfp_mask=", REPORT, 0 }, /* 2.6.18 */
	/* arch/.../mm/fault.c, 2.6.18 to 2.6.3x: no memory for a page fault */
	{ "VM: ", "killing process %c(%p)%.", KILLED, KILLER_OOM },
	{ "VM: ", "killing process %c%.", KILLED, KILLER_OOM },
	/* lowmemorykiller.c, 2.6.25 to 3.9; Samsung's go on after the size */
	{ "send sig", "kill to %p (%c), adj %A, size %s%e", KILLED,
	    KILLER_LOWMEM },
	/* 3.10 to 4.11; MediaTek's with both scales; 3.18 to 4.9: the thread */
	{ "", "Killing '%c' (%p), adj %a,%r", KILLED, KILLER_LOWMEM },
	{ "", "Killing '%c' (%n) (tgid %p), adj %a,%r", KILLED, KILLER_LOWMEM },
	/* User space: systemd-oomd, earlyoom, Android's lmkd */
	{ "systemd-oomd[#]: ", "Killed /%* due to ", KILLED, KILLER_OOMD },
	{ "earlyoom[#]: ", "sending SIG%* to process %p ", KILLED,
	    KILLER_EARLYOOM },
	{ "lowmemorykiller: ", "Kill '%c' (%p), uid %u", KILLED, KILLER_LMKD },
	{ "lowmemorykiller: ", "Killing '%c' (%p), uid %u", KILLED,
	    KILLER_LMKD },
};

/* What out_of_memory() and drivers begin with. A "#" is any number. */
static const struct {
	enum killer killer;
	const char *text;
} openings[] = {
	{ KILLER_MEMCG, "Memory cgroup out of memory: " }, /* 2.6.25 to now */
	{ KILLER_OOM, "Out of memory: " },                 /* 2.6.18 to now */
	{ KILLER_OOM, "Out of Memory: " }, /* 2.6.18's announcement */
	{ KILLER_OOM, "Out of memory (oom_kill_allocating_task): " },
	{ KILLER_OOM, "No available memory in cpuset: " },   /* to 2.6.23 */
	{ KILLER_OOM, "No available memory (MPOL_BIND): " }, /* to 3.9 */
	{ KILLER_MEMCG, "Out of memory in UB #: " },         /* Virtuozzo 6 */
	{ KILLER_LOWMEM, "lowmemorykiller: " }, /* lowmem_print() */
	{ KILLER_LOWMEM, "lowmem_shrink " },
};

/* A list's items. A size that was cut has no unit, a UID nothing after it. */
static const char *const items[] = { "anon-rss:%kkB%e", "file-rss:%kkB%e",
	"shmem-rss:%kkB%e", "rss:%kkB%e", "UID:%u ", "UID %u,",
	"oom_score_adj:%a%e", "score_adj %a,", "to free %kkB%e", "in VE \"%*\"",
	"score %n", "or sacrifice child", "or a child", "%w:%nkB%e",
	"%w:%n%e" };

/* The numbers among the % words, and their ranges: what the kernel prints. */
static const struct word {
	char letter;
	enum value value;
	int64_t min, max;
} words[] = {
	{ 'p', PID, 1, INT_MAX },
	{ 'u', UID, -INT_MAX, UINT32_MAX }, /* some as if it had a sign */
	{ 'k', RSS, 0, NUMBER_MAX },
	{ 's', RSS, 0, PAGES_MAX },
	{ 'a', ADJ, -1000, 1000 },
	{ 'A', ADJ, -INT_MAX, INT_MAX },
	{ 'n', OTHER, -NUMBER_MAX, NUMBER_MAX },
};

int64_t page_size = 4096;

static const struct kill unknown_kill = { .when = { -1, -1 },
	.value = { UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN } };

const char *
message_pattern(size_t i)
{
	return i < COUNT(formats) ? formats[i].pattern : NULL;
}

/*
 * Read the number at *P that LETTER stands for, or NULL. It may go on in the
 * next line; but one that may be the last of its line only if that is likely.
 */
static const struct word *
read_number(const char **p, char letter, char joint, int64_t *number)
{
	const struct word *word = words;
	bool negative = **p == '-';
	const char *q = *p + negative;

	while (word->letter != letter)
		word++;
	if (!is_digit(*q))
		return NULL;
	for (*number = 0; is_digit(*q) && *number <= NUMBER_MAX;) {
		*number = *number * 10 + *q++ - '0';
		if (*q == '\n' && is_digit(q[1]) &&
		    (strchr("uas", letter) == NULL ||
			strchr(joint == '\0' ? VALUE_ENDS : ",",
			    q[1 + strspn(q + 1, DIGITS)]) != NULL))
			q++;
	}
	*p = q;
	if (negative)
		*number = -*number;
	return *number >= word->min && *number <= word->max ? word : NULL;
}

static void
set_value(struct message *message, const struct word *word, int64_t number)
{
	int64_t *value = &message->kill.value[word->value];

	if (word->value == RSS) {
		number *= word->letter == 'k' ? 1024 : page_size;
		number += *value == UNKNOWN ? 0 : *value;
	} else if (*value != UNKNOWN)
		return; /* by what comes after it */
	*value = word->value == UID ? (uint32_t)number : number;
	if (word->letter == 'a' ||
	    (word->letter == 'A' && (number < -17 || number > 15)))
		message->kill.scale = "oom_score_adj";
}

static bool match_pattern(
    const char *pattern, const char *p, struct message *message);

/*
 * A comm of up to LEN bytes, and then PATTERN, which it may hold, too: the last
 * place counts that a comm can reach, or else, with escaped bytes, of all.
 */
static bool /* NOLINTNEXTLINE(misc-no-recursion): as deep as a pattern */
match_comm(
    const char *pattern, const char *p, size_t len, struct message *message)
{
	const char *start = p;
	char *comm = message->kill.comm, joint = message->line->joint;
	size_t i, n;

	for (i = 0; i <= len; i++) {
		n = ((len < COMM ? len : COMM) + len + 1 - i) % (len + 1);
		if ((p[n] == *pattern || *pattern == '%') &&
		    match_pattern(pattern, p + n, message))
			break;
	}
	message->cut |= i > len && p[len] == '\0';
	if (i > len)
		return false;
	for (; n > 0; n--, p++)
		if (*p != '\n')
			*comm++ = *p;
		else if (joint == '\n' || (joint == ' ' && n > 1 && p > start))
			*comm++ = joint;
	*comm = '\0';
	return true;
}

/* Read "total-vm:8kB, anon-rss:4kB UID:0", which may end anywhere. */
static void /* NOLINTNEXTLINE(misc-no-recursion): no item holds a list */
read_list(const char *p, struct message *message)
{
	const char *end;
	size_t i = 0, n;

	for (n = 0; n < ITEMS_MAX && i < COUNT(items); n++) {
		end = p;
		p += strspn(p, " ,.\n");
		for (i = 0; i < COUNT(items); i++)
			if (match_pattern(items[i], p, message))
				break;
		p = message->end;
	}
	message->end = end;
}

/* Match PATTERN at P. A value is set when all after it has matched. */
static bool /* NOLINTNEXTLINE(misc-no-recursion): has words */
match_pattern(const char *pattern, const char *p, struct message *message)
{
	const char *q, *end;
	const struct word *word;
	int64_t number;
	char letter;
	size_t n;

	for (; *pattern != '%' && *pattern != '\0'; pattern++) {
		for (q = p; *p == '\n' || (*p == ' ' && *pattern == ' ');)
			p++;
		if (*pattern == ' ' ? p == q : *p != *pattern) {
			message->cut |= *p == '\0';
			return false;
		}
		p += *pattern != ' ';
	}
	message->end = p;
	if (*pattern == '\0')
		return true;
	letter = pattern[1];
	pattern += 2;
	switch (letter) {
	case 'c':
		n = strnlen(p, NAME_SIZE - 1);
		end = message->line->is_record ? NULL : memchr(p, '\n', n);
		if (end == NULL)
			return match_comm(pattern, p, n, message);
		return match_comm(pattern, p, (size_t)(end - p), message) ||
		    match_comm(pattern, p, n < COMM ? n : COMM, message);
	case 'e':
		return strchr(VALUE_ENDS ")\"';|*~#_", *p) != NULL;
	case 'r':
		if (strchr(VALUE_ENDS ".", *p) == NULL)
			return false;
		read_list(p, message);
		break;
	case '.':
		return strchr("[<\n", p[*p == ' ']) != NULL;
	case 'w':
		while (isalpha((unsigned char)*p) || *p == '-' || *p == '_' ||
		    *p == '\n')
			p++;
		return match_pattern(pattern, p, message);
	case '*':
		/* Hostile lines are long: leave them to the C library. */
		n = strcspn(pattern, "%");
		end = strchr(p, '\0');
		for (q = NULL; (p = memmem(p, (size_t)(end - p), pattern, n));)
			q = p++;
		return q != NULL && match_pattern(pattern, q, message);
	default:
		p += strspn(p, " \n");
		word = read_number(&p, letter, message->line->joint, &number);
		message->cut |= *p == '\0';
		if (word == NULL || !match_pattern(pattern, p, message))
			return false;
		set_value(message, word, number);
	}
	return true;
}

const char *
find_word(const char *p, const char *end)
{
	size_t i, n;

	/* Most time is spent here: strstr(3) beats memchr(3) and memmem(3). */
	while (p < end && (p = strstr(p + 1, "ill")) != NULL) {
		/* A line may have been broken after a word such as Kill. */
		for (n = 4; n < WORD_MIN && (unsigned char)p[n - 1] >= ' ';)
			n++;
		for (i = 0; i < COUNT(formats); i++)
			if (formats[i].pattern[n - 1] == p[n - 2] &&
			    memcmp(formats[i].pattern, p - 1, n) == 0)
				return p - 1;
	}
	return end;
}

/* Where WORDS begin that end before P, perhaps in the line before; or NULL. */
static const char *
match_before(const struct line *line, const char *p, const char *words)
{
	const char *w = strchr(words, '\0'), *end;

	while (w-- > words) {
		if (p == line->start)
			while (p > line->text && p[-1] != '\n')
				p--;
		for (end = p; p > line->text &&
		     (p[-1] == '\n' || (p[-1] == ' ' && *w == ' ') ||
			 (*w == '#' && is_digit(p[-1])));)
			p--;
		if (*w == '#' || *w == ' ' ? p == end
					   : p == line->text || *--p != *w)
			return NULL;
	}
	return p;
}

void
read_message(const struct line *line, const char *word, struct message *message)
{
	const struct format *f;
	struct kill *kill = &message->kill;
	const char *start;
	/* A line may have been broken after "Out of memory: Kill". */
	char fifth = word > line->start + 1 && word[-2] == ':' && word[4] < ' '
	    ? ' '
	    : word[4];
	size_t i;

	*message = (struct message) { NOTHING, .start = word, .end = word,
		.needs = TRUST, .line = line, .kill = unknown_kill };
	for (f = formats; f < formats + COUNT(formats); f++) {
		/* Most differ after "kill"; hostile logs make this worth it. */
		if (f->pattern[4] != fifth ||
		    !(start = match_before(line, word, f->before)))
			continue;
		if (!message->cut)
			message->start = start;
		if (!match_pattern(f->pattern, word, message))
			continue;
		message->start = start;
		message->meaning = f->meaning;
		kill->killer = f->killer;
		if (kill->killer == KILLER_OOMD) /* its victim is a cgroup */
			strlcpy(kill->comm, word, NAME_SIZE);
		if (kill->killer >= KILLER_OOMD)
			message->needs = TRUST_NEVER; /* it names itself */
		else if (kill->value[RSS] != UNKNOWN ||
		    kill->value[ADJ] != UNKNOWN)
			message->needs = TRUST_STRONG;
		break;
	}
	for (i = 0; kill->killer < KILLER_OOMD && i < COUNT(openings); i++) {
		start = match_before(line, message->start, openings[i].text);
		if (start == NULL)
			continue;
		message->start = start;
		message->needs = TRUST_STRONG;
		if (kill->killer == KILLER_UNKNOWN)
			kill->killer = openings[i].killer;
		break;
	}
}

/*
 * dump_tasks() of mm/oom_kill.c, since 2.6.25; only the columns after the size
 * vary: "[  pid  ]   uid  tgid total_vm      rss cpu oom_adj name"
 */
static const char *
read_heading(const char *p, struct kill *table)
{
	static const char columns[] = "%n%n%n%n%n%n%n%n%a %c%.";
	const char *name, *rest = columns + sizeof(columns) - 6;
	int n = 0;

	/* Most brackets are of something else: be quick. */
	if (p[1 + strspn(p + 1, " ")] == 'p')
		sscanf(p, "[ pid ] uid tgid total_vm rss %n", &n);
	if (n == 0 || (name = strstr(p + n, "name")) == NULL ||
	    (name > p + n && strncmp(name - 5, "_adj ", 5) != 0))
		return NULL;
	for (p += n; p < name && rest > columns; p += strspn(p, " "), rest -= 2)
		p += strcspn(p, " ");
	table->scale =
	    strncmp(name - 8, "oom_adj ", 8) == 0 ? "oom_adj" : "oom_score_adj";
	return rest;
}

/* "[ 1234]  1000  1234   174693     2051   4       0             0 node" */
bool
read_row(const struct line *line, const char *p, const char *columns,
    struct message *row)
{
	*row = (struct message) { .line = line, .kill = unknown_kill };
	row->columns = read_heading(p, &row->kill);
	return row->columns != NULL ||
	    (columns != NULL && match_pattern("[%p]%u%n%n%s", p, row) &&
		match_pattern(columns, row->end, row));
}

void
complete_kill(struct kill *kill, const struct kill *other)
{
	size_t i;

	if (kill->killer == KILLER_UNKNOWN)
		kill->killer = other->killer;
	if (kill->value[ADJ] == UNKNOWN)
		kill->scale = other->scale;
	for (i = 0; i < VALUES; i++)
		if (kill->value[i] == UNKNOWN)
			kill->value[i] = other->value[i];
	if (kill->biggest[0] == '\0')
		memcpy(kill->biggest, other->biggest, BIGGEST_SIZE);
}
