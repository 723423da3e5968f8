/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBBSD_OPENBSD_VIS /* vis.h asks whose strnvis() we want: nobody's */
#include <vis.h>

#include "kills/kills.h"

#define FACILITY 8 /* priorities below it are the kernel's */
#define INDENT 8   /* of lines that people set apart */

/* What stands before a message. */
struct prefix {
	/* None in dmesg(1)'s; a first one may only be a file or a host. */
	enum { NOBODY, FIRST, KERNEL, STRANGER } sender;
	unsigned int nwords;
	unsigned int loose; /* words since the last mark */
	bool stamped;       /* there was a mark in brackets */
	const char *clock;  /* the first time of day, or NULL */
	bool severity;      /* "kern:" came last */
};

char *
copy_text(char *dst, const char *p, const char *end, bool encoded)
{
	const char *escape, *after, *copied, *start = dst;

	for (; (escape = memchr(p, '\033', (size_t)(end - p))); p = after) {
		after = escape + 1 + strspn(escape + 1, "[;" DIGITS);
		after += *after == 'm' || *after == 'K';
		copied = strchr("mK", after[-1]) != NULL ? escape : after;
		dst = mempcpy(dst, p, (size_t)(copied - p));
	}
	dst = mempcpy(dst, p, (size_t)(end - p));
	while (dst > start && strchr(" \t\r", dst[-1]) != NULL)
		dst--;
	dst -= encoded && dst > start && dst[-1] == '=';
	*dst = '\0';
	return dst;
}

/* In /dev/kmsg: "priority,number,microseconds,flags;" and escaped text. */
bool
copy_line(struct line *line, const char *before, const char *start,
    const char *end, bool kmsg)
{
	char *text = line->text;
	unsigned long pri = 0;
	int n = 0;

	if (end - start >= LINE_SIZE)
		return false;
	if (before != NULL && before < start && start - before < LINE_SIZE) {
		text = copy_text(text, before, start - 1, true);
		*text++ = '\n';
	}
	line->end = copy_text(text, start, end, before != NULL);
	line->joint = '\n';
	line->resumed = false;
	if (is_digit(*start))
		sscanf(text, "%lu,%*u,%llu,%*[^;];%n", &pri, &line->micros, &n);
	line->from = text + n;
	line->start = line->from + strspn(line->from, QUOTATION);
	line->is_record = n > 0;
	if (line->is_record)
		line->end = text + n + strunvis(text + n, line->from);
	return line->end >= line->from && (n > 0 ? pri < FACILITY : !kmsg);
}

/* Whether P looks like SHAPE, where a 0 stands for any digit. */
static bool
has_shape(const char *p, const char *shape)
{
	while (*shape == '0' ? is_digit(*p) : *shape != '\0' && *p == *shape)
		p++, shape++;
	return *shape == '\0';
}

/* The first time of day that begins between P and END. */
static const char *
find_clock(const char *p, const char *end)
{
	for (; p < end; p++)
		if (is_digit(*p) && has_shape(p + 1 + is_digit(p[1]), ":00:00"))
			return p;
	return NULL;
}

static bool
is_word(const char *p, size_t n, const char *word)
{
	return *p == *word && strncmp(p, word, n) == 0 && word[n] == '\0';
}

/* Read a word of N bytes. */
static void
read_word(struct prefix *prefix, const char *p, size_t n)
{
	const char *next = p + n + strspn(p + n, " "), *clock = prefix->clock;
	bool kern = is_word(p, n, "kern:");
	bool kernel = is_word(p, n, "kernel:") || is_word(p, n, "Guest:") ||
	    (strncmp(p, "kern.", 5) == 0 && strcspn(p, ":") == n - 1) ||
	    (is_word(p, n, "kernel") && *next == '-') || /* RFC 5424 */
	    (is_word(p, n, "kern") && *next == ':');     /* dmesg -x */
	size_t letter = 0;                               /* the first */

	while (letter < n && !isalpha((unsigned char)p[letter]) &&
	    (unsigned char)p[letter] < 0x80)
		letter++;
	if (prefix->nwords++ == 1 && prefix->sender == FIRST)
		kernel = false; /* after another program's tag */
	if (kern || kernel) {
		prefix->sender = KERNEL;
		prefix->stamped = true;
		prefix->loose = 0;
	} else if (n == 1 && strchr("VDIWEF", *p) != NULL &&
	    prefix->nwords > 3 && is_digit(p[-2]) &&
	    (p[-2] != '0' || p[-3] != ' ')) {
		prefix->sender = STRANGER; /* a process of logcat's */
	} else if (find_clock(p, p + n) != NULL) {
		/* 2026-11-20T10:00:00,123456 of dmesg(1) has no sender. */
		prefix->stamped |= memchr(p, 'T', n) && memchr(p, ',', n);
	} else if (p[n - 1] != ':')
		prefix->loose += letter < n && n > 3;
	/* Not "Out of memory:", VMware's "I125:", grep's file, a prompt. */
	else if (letter < n && !prefix->severity && !is_word(p, n, "memory:") &&
	    (!isupper((unsigned char)*p) || strspn(p + 1, DIGITS) != n - 2) &&
	    (prefix->nwords > 1 || p[n] == ' ') &&
	    (!is_word(p, n, "login:") || (clock != NULL && clock < p) ||
		prefix->sender != NOBODY))
		prefix->sender = prefix->nwords == 1 ? FIRST : STRANGER;
	prefix->severity = kern;
}

/* Read a mark or a word of what stands before a message. Returns its end. */
static const char *
read_mark(struct prefix *prefix, const char *p)
{
	const char *close;
	size_t n;

	switch (*p) {
	case '[':
	case '(':
		if ((close = strchr(p, *p == '[' ? ']' : ')')) == NULL)
			break;
		/* A process id: journald writes it after any tag. */
		if (p + 1 + strspn(p + 1, DIGITS " ") == close &&
		    (close[1] == ':' ||
			(close[1] == ' ' && *p == '[' && prefix->nwords > 0 &&
			    isalnum((unsigned char)p[-1]))))
			prefix->sender = STRANGER;
		if (*p == '(')
			return close + 1;
		/* A file or host may come before; cgroups have brackets. */
		if (!prefix->stamped &&
		    (prefix->sender == KERNEL ||
			(prefix->loose == 1 && strchr(" \t:>|", p[-1]))))
			prefix->loose = 0;
		prefix->stamped = true;
		/* The kernel's own, after the name of a file or host */
		p += 1 + strspn(p + 1, " ");
		if (p[strspn(p, DIGITS)] == '.' && prefix->sender == FIRST)
			prefix->sender = NOBODY;
		return close + 1;
	case '"':
	case '\'':
		prefix->sender = STRANGER; /* who quotes the kernel */
		break;
	case '<':
		/* HTML, or who speaks in a chat; or a priority */
		close = isalpha((unsigned char)p[1]) ? strchr(p, '>') : NULL;
		if (close != NULL)
			prefix->loose += close[1] == ' ';
		else if (strtoul(p + 1, NULL, 10) >= FACILITY)
			prefix->sender = STRANGER;
		return close != NULL ? close + 1 : p + 1;
	case ':': /* "user  :err   : " of dmesg -x */
		if (prefix->sender == NOBODY && isalpha((unsigned char)p[1]))
			prefix->sender = STRANGER;
		return p + 1 + strcspn(p + 1, " [");
	default:
		n = strcspn(p, " \t[<(|>\"'");
		if (n > 0)
			read_word(prefix, p, n);
		return p + (n > 0 ? n : 1);
	}
	return p + 1;
}

static void
set_time(char *time, const char *p, const char *end)
{
	p += strspn(p, " \t");
	while (end > p && strchr(" \t.,:+-", end[-1]) != NULL)
		end--;
	*(char *)mempcpy(time, p, (size_t)(end - p)) = '\0';
}

/* Where the word before P begins: not before START, nor before a colon. */
static const char *
previous_word(const char *start, const char *p)
{
	while (p > start && isblank((unsigned char)p[-1]))
		p--;
	while (p > start && strchr(" \t:;<>[(|`*}\"'", p[-1]) == NULL)
		p--;
	return p;
}

/* The date around CLOCK, in any language, with "2026" or "UTC" after it. */
static void
set_date(char *time, const char *start, const char *clock)
{
	const char *p = previous_word(start, clock + 1), *q, *word;
	const char *end = clock + strspn(clock, DIGITS ":.,+-Z");
	size_t n, number = 0;
	int words = p == clock ? 3 : 0;

	for (q = p; words-- > 0 && (word = previous_word(start, q)) < q;
	     q = word) {
		n = strspn(word, DIGITS "-/.");
		if (n > 0 && word[n] == ' ') {
			/* Of two numbers one is a year. */
			if (number > 0 && number != 4 && n != 4)
				break;
			number = n;
		} else if ((unsigned char)word[n] < (n > 0 ? 0x80 : 'A') ||
		    word[n + strcspn(word + n, DIGITS " ")] != ' ')
			break;
		if (number > 0)
			p = word;
	}
	n = *end == ' ' ? strspn(end + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") : 0;
	if (number > 4 && n > 1 && strchr(" \t", end[1 + n]) != NULL)
		end += 1 + n;
	else if (number <= 2 && has_shape(end, " 0000") &&
	    strchr(" \t", end[5]) != NULL)
		end += 5;
	set_time(time, p, end);
}

/* "[12345.678901]", "[  +0.000123]", "[Nov20 10:00]", or a number first. */
static void
read_stamp(struct when *when, char *time, const char *p)
{
	const char *end = strchr(p, ']'), *after = *p == '[' ? " s],@" : " ";
	long long seconds, micros;
	int n = 0;

	p += strspn(p, "[ ");
	if (is_digit(*p) &&
	    sscanf(p, "%12lld.%6lld%n", &seconds, &micros, &n) == 2 &&
	    micros >= 0 &&
	    strchr(after, p[n + (int)strspn(p + n, DIGITS)]) != NULL) {
		when->boot = seconds * 1000000 + micros;
		end = p + strcspn(p, " ]");
	} else if (end == NULL || end - p <= 5 ||
	    (*p != '+' && !has_shape(end - 5, "00:00")))
		return;
	if (time[0] == '\0')
		set_time(time, p, end);
}

/* When the line was written that begins with TEXT, which has the CLOCK. */
static void
set_when(struct kill *kill, const char *text, const char *clock)
{
	struct when *when = &kill->when;
	const char *p;

	if (clock != NULL) {
		/* The number before it is the day. */
		for (p = clock; p > text && strchr("T :", p[-1]) != NULL;)
			p--;
		while (p > text && is_digit(p[-1]))
			p--;
		when->date = is_digit(*p) && p < clock
		    ? strtol(p, NULL, 10) % 100 * 86400
		    : 0;
		p = strchr(clock, ':');
		when->date += strtol(clock, NULL, 10) * 3600;
		when->date += strtol(p + 1, NULL, 10) * 60;
		when->date += strtol(p + 4, NULL, 10) % 100;
		p = memrchr(text, '[', (size_t)(clock - text));
		if (p != NULL && strchr(p, ']') > clock)
			set_time(kill->time, p + 1, strchr(p, ']'));
		else
			set_date(kill->time, text, clock);
	}
	read_stamp(when, kill->time, text + strspn(text, QUOTATION));
	for (p = text; (p = strchr(p, '[')) != NULL && when->boot < 0; p++)
		read_stamp(when, kill->time, p);
}

enum trust
read_prefix(const struct line *line, const char *message, struct kill *kill)
{
	struct prefix prefix = { line->resumed ? KERNEL : NOBODY,
		.loose = line->resumed };
	char text[TIME_SIZE], *end;
	const char *p = text, *from = line->from;

	if (line->is_record && kill != NULL) {
		kill->when.boot = (int64_t)(line->micros & INT64_MAX);
		snprintf(kill->time, TIME_SIZE, "%llu.%06llu",
		    line->micros / 1000000, line->micros % 1000000);
	}
	if (line->is_record)
		return message == from || *message == ' ' ? TRUST : TRUST_NOT;
	if (line->resumed && message - from >= TIME_SIZE)
		from = message - TIME_SIZE + 1;
	if (message < from || message - from >= TIME_SIZE)
		return TRUST_NOT;
	end = mempcpy(text, from, (size_t)(message - from));
	*end = '\0';
	prefix.clock = find_clock(text, end);
	while (p < end && prefix.sender != STRANGER)
		p = read_mark(&prefix, p);
	if (kill != NULL &&
	    (prefix.sender != STRANGER || kill->killer >= KILLER_OOMD))
		set_when(kill, text, prefix.clock);
	if (prefix.sender == STRANGER)
		return TRUST_NEVER;
	/* The name of a cgroup comes before its first word. */
	if (*message == ' ')
		return TRUST;
	/* Further in are the later lines of another program's message. */
	if (end == text + strspn(text, " "))
		return end - text <= INDENT ? TRUST : TRUST_NOT;
	if (prefix.sender == FIRST || strchr(" \t:])>", end[-1]) == NULL)
		return TRUST_NOT;
	if (prefix.stamped || prefix.sender == KERNEL)
		return prefix.loose == 0 ? TRUST : TRUST_NOT;
	/* kubectl(1) has two blanks after words; others write a time, too. */
	if (prefix.loose > 0 && !isblank((unsigned char)end[-2]))
		return TRUST_NOT;
	return prefix.loose > 0 || prefix.clock != NULL ? TRUST_STRONG : TRUST;
}

int64_t
seconds_apart(const struct when *a, const struct when *b)
{
	if (a->date >= 0 && b->date >= 0)
		return llabs(a->date - b->date);
	if (a->boot >= 0 && b->boot >= 0)
		return llabs(a->boot - b->boot) / 1000000;
	return -1;
}
