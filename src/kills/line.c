/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kill.h"

#define DIGITS "0123456789"
#define GROUP_SIZE 64 /* a longer text in brackets is no mark */
#define FACILITY 8    /* priorities below it are the kernel's */

char *
copy_text(char *dst, const char *p, const char *end)
{
	const char *q = p, *after, *open, *close;
	char *start = dst;
	bool in_name = false;

	while ((q = memchr(q, '\033', (size_t)(end - q))) != NULL) {
		for (after = q + 1;
		     after < end && strchr("[;" DIGITS, *after) != NULL;
		     after++)
			;
		open = memrchr(p, '(', (size_t)(q - p));
		close = memrchr(p, ')', (size_t)(q - p));
		if (open != close)
			in_name = open > close;
		dst = mempcpy(dst, p, (size_t)(q - p));
		p = q++;
		if (!in_name && after < end && (*after == 'm' || *after == 'K'))
			p = q = after + 1;
	}
	dst = mempcpy(dst, p, (size_t)(end - p));
	while (dst > start && strchr(" \t\r", dst[-1]) != NULL)
		dst--;
	*dst = '\0';
	return dst;
}

/*
 * The message of a record of /dev/kmsg, "3,1234,98765432,-;": priority, number,
 * microseconds, flags. In it \x1b stands for a byte, and for a backslash \x5c.
 * Returns NULL if it is no record; KERNELS is false if it is not the kernel's.
 */
static char *
read_record(char *text, struct when *when, bool *kernels)
{
	unsigned long priority;
	unsigned long long micros;
	unsigned int byte;
	char *p, *dst;
	int n = 0;

	if (!isdigit((unsigned char)*text))
		return NULL;
	sscanf(text, "%lu,%*u,%llu,%*[^;];%n", &priority, &micros, &n);
	if (n == 0)
		return NULL;
	*kernels = priority < FACILITY;
	*when = (struct when) { .boot = (int64_t)micros, .date = -1 };
	snprintf(when->text, sizeof(when->text), "%llu.%06llu",
	    micros / 1000000, micros % 1000000);
	for (p = dst = text + n; *p != '\0'; dst++) {
		if (p[0] == '\\' && p[1] == 'x' &&
		    isxdigit((unsigned char)p[2]) &&
		    sscanf(p + 2, "%2x", &byte) == 1) {
			*dst = (char)byte;
			p += 4;
		} else {
			*dst = *p++;
		}
	}
	*dst = '\0';
	return text + n;
}

bool
copy_line(struct line *line, char *start, char *end, bool kmsg)
{
	bool kernels = true;
	char *record;

	if (end - start >= LINE_SIZE ||
	    memchr(start, '\0', (size_t)(end - start)) != NULL)
		return false;
	line->start = start;
	line->end = end;
	line->text_end = copy_text(line->text, start, end);
	record = read_record(line->text, &line->when, &kernels);
	line->is_record = record != NULL;
	start_prefix(line, line->is_record ? record : line->text);
	return kernels && (record != NULL || !kmsg);
}

void
start_prefix(struct line *line, char *p)
{
	line->from = p;
	line->prefix = (struct prefix) { .p = p };
}

static bool
is_letter(char c)
{
	return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether P looks like SHAPE, where a 0 stands for any digit. */
static bool
has_shape(const char *p, const char *shape)
{
	for (; *shape != '\0'; p++, shape++)
		if (*shape == '0' ? !isdigit((unsigned char)*p) : *p != *shape)
			return false;
	return true;
}

/* The first time of day from P to END, which a NUL or blank follows, or NULL.
 */
static const char *
find_clock(const char *p, const char *end)
{
	const char *q;

	for (; p < end; p += p == q) {
		q = p + strspn(p, DIGITS);
		/* Six pairs are a network card's address. */
		if (q > p && q - p <= 2 && has_shape(q, ":00:00") &&
		    !isdigit((unsigned char)q[6]) && !has_shape(q + 6, ":00"))
			return p;
		if (q > p)
			p = q;
	}
	return NULL;
}

/* Whether BRACKET, after a word, has a process id: "app[12]: ", "app(12): ". */
static bool
is_pid(const char *bracket)
{
	const char *close = bracket + 1 + strspn(bracket + 1, DIGITS " ");

	return close > bracket + 1 &&
	    ((*bracket == '[' && *close == ']' && strchr(": ", close[1])) ||
		(*bracket == '(' && *close == ')' && close[1] == ':'));
}

/* A sign of the kernel. It does not count after another program's tag. */
static void
set_kernel(struct prefix *prefix, bool counts_after_first)
{
	if ((prefix->sender == SENDER_FIRST && !counts_after_first) ||
	    prefix->hosts > 1)
		prefix->sender = SENDER_OTHER;
	if (prefix->sender == SENDER_OTHER)
		return;
	prefix->sender = SENDER_KERNEL;
	prefix->loose = 0;
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
	const char *next = p + n + strspn(p + n, " "), *clock;
	bool kern = is_word(p, n, "kern:"), letters = false;
	size_t i;

	for (i = 0; i < n; i++)
		letters |= is_letter(p[i]);
	prefix->nwords++;
	if (kern || is_word(p, n, "kernel:") || is_word(p, n, "Guest:") ||
	    (strncmp(p, "kern.", 5) == 0 && p[n - 1] == ':'))
		set_kernel(prefix, kern || prefix->nwords > 2);
	else if ((is_word(p, n, "kernel") && *next == '-') ||
	    (is_word(p, n, "kern") && *next == ':'))
		set_kernel(prefix, true); /* RFC 5424, dmesg -x */
	else if (letters && is_pid(p + n))
		prefix->sender = SENDER_OTHER;
	else if (n == 1 && strchr("VDIWEF", *p) != NULL && prefix->nwords > 3 &&
	    isdigit((unsigned char)p[-2]) && (p[-2] != '0' || p[-3] != ' '))
		prefix->sender = SENDER_OTHER; /* logcat's, of a process */
	else if ((clock = find_clock(p, p + n)) != NULL)
		/* Only dmesg(1) writes such a one and no sender. */
		*(memchr(p, 'T', n) != NULL && memchr(clock, ',', n) != NULL
			? &prefix->stamped
			: &prefix->dated) = true;
	else if (p[n - 1] != ':') {
		prefix->loose += letters && n > 3;
		prefix->hosts += prefix->dated && islower((unsigned char)*p) &&
		    memchr(p, '.', n) == NULL;
	} else if (!letters || is_word(p, n, "memory:") ||
	    isdigit((unsigned char)*p) ||
	    (isupper((unsigned char)*p) && strspn(p + 1, DIGITS) == n - 2) ||
	    (prefix->sender == SENDER_KERNEL && prefix->severity) ||
	    (prefix->nwords == 1 && p[n] != ' '))
		; /* a number, VMware's "I125:", "kern: err:", grep's file */
	else
		prefix->sender =
		    prefix->nwords == 1 ? SENDER_FIRST : SENDER_OTHER;
	prefix->severity = kern;
}

/* Read a mark or a word of what stands before a message. Returns its end. */
static char *
read_mark(struct prefix *prefix, char *p)
{
	char *close;
	size_t n;

	switch (*p) {
	case '[':
	case '(':
		close =
		    memchr(p, *p == '[' ? ']' : ')', strnlen(p, GROUP_SIZE));
		if (close != NULL && *p == '[') {
			prefix->stamped = true;
			prefix->loose = 0;
			p += 1 + strspn(p + 1, " ");
			/* The kernel's own, after the name of a file or host */
			if (p[strspn(p, DIGITS)] == '.' &&
			    prefix->sender == SENDER_FIRST)
				prefix->sender = SENDER_NONE;
		}
		if (close != NULL)
			return close + 1 + (close[1] == ':');
		break;
	case '<':
		prefix->loose += is_letter(p[1]);
		if (strtoul(p + 1, NULL, 10) >= FACILITY)
			prefix->sender = SENDER_OTHER;
		break;
	case '"':
	case '\'':
		prefix->quoted = true;
		break;
	case ':': /* "user  :err   : " of dmesg -x */
		if (prefix->sender == SENDER_NONE && is_letter(p[1]))
			prefix->sender = SENDER_OTHER;
		return p + 1 + strcspn(p + 1, " [");
	default:
		n = strcspn(p, " \t[<(|>\"'");
		if (n > 0 &&
		    (isalnum((unsigned char)*p) || is_letter(*p) || *p == '/' ||
			*p == '_')) {
			read_word(prefix, p, n);
			return p + n;
		}
	}
	return p + 1;
}

/*
 * Kubernetes shows messages in a column of their own, after words that no mark
 * follows. A time alone is what other programs write, too.
 */
bool
is_kernels(struct line *line, const char *message, bool strong)
{
	struct prefix *prefix = &line->prefix;
	char *end = line->text + (message - line->text), first = *end;

	*end = '\0';
	while (prefix->p < end)
		prefix->p = read_mark(prefix, prefix->p);
	prefix->p = end;
	*end = first;
	if (prefix->sender == SENDER_OTHER || prefix->sender == SENDER_FIRST ||
	    prefix->quoted)
		return false;
	if (end > line->from &&
	    (isalnum((unsigned char)end[-1]) || strchr("=_/\\.,", end[-1])))
		return false;
	if (prefix->sender == SENDER_KERNEL || prefix->stamped)
		return prefix->loose == 0;
	if (prefix->loose > 0)
		return strong && isblank((unsigned char)end[-2]);
	return strong || !prefix->dated;
}

static void
set_time(struct when *when, const char *p, const char *end)
{
	p += strspn(p, " \t");
	while (end > p && strchr(" \t.,:+-", end[-1]) != NULL)
		end--;
	if (end - p >= TIME_SIZE)
		end = p + TIME_SIZE - 1;
	*(char *)mempcpy(when->text, p, (size_t)(end - p)) = '\0';
}

/* The word before P, not before START; a colon ends it. */
static const char *
previous_word(const char *start, const char *p, size_t *n)
{
	const char *end;

	while (p > start && isblank((unsigned char)p[-1]))
		p--;
	for (end = p; p > start && strchr(" \t:>", p[-1]) == NULL;)
		p--;
	*n = (size_t)(end - p);
	return p;
}

/*
 * The date around the CLOCK in the text START, in any language: "Nov 20" or
 * "Fri 2026-11-20" before it, "2026" or " UTC" after.
 */
static void
set_date(struct when *when, const char *start, const char *clock)
{
	const char *p = clock, *q;
	const char *end = clock + strspn(clock, DIGITS ":.,+-Z");
	bool year;
	size_t n;

	while (p > start && strchr(" \t:<[(|", p[-1]) == NULL)
		p--;
	year = p < clock; /* "2026-11-20T" */
	q = previous_word(start, p, &n);
	if (!year && n > 0 && strspn(q, DIGITS "-/.") >= n) {
		p = q;
		year = n > 2;
		q = p > start && p[-1] != ':' ? previous_word(start, p, &n) : p;
		if (!year && n > 0)
			p = q;
	}
	/* A weekday begins the line. */
	q = p > start && p[-1] != ':' ? previous_word(start, p, &n) : p;
	if (q < p && strcspn(q, DIGITS ":") >= n &&
	    start + strspn(start, QUOTATION) == q) {
		p = q;
		if (year && *end == ' ')
			end +=
			    1 + strspn(end + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	}
	if (!year && has_shape(end, " 0000") && strchr(" \t", end[5]) != NULL)
		end += 5;
	set_time(when, p, end);
}

/*
 * dmesg's "[12345.678901]", "[  +0.000123]" and "[Nov20 10:00]", or a number
 * such as 1763632801.123456 that begins the line.
 */
static void
read_stamp(struct when *when, const char *p)
{
	const char *close = strchr(p, ']'), *end;
	const char *dot;

	p += *p == '[';
	p += strspn(p, " ");
	dot = p + strspn(p, DIGITS);
	end = p + strcspn(p, " ]");
	if (dot > p && dot - p <= 12 && *dot == '.' &&
	    strchr(" s],@", dot[1 + strspn(dot + 1, DIGITS)]) != NULL)
		when->boot = strtoll(p, NULL, 10) * 1000000 +
		    strtoll(dot + 1, NULL, 10) % 1000000;
	else if (close != NULL && close - p > 5 &&
	    (*p == '+' || has_shape(close - 5, "00:00")))
		end = close;
	else
		return;
	if (when->text[0] == '\0')
		set_time(when, p, end);
}

struct when
when_written(const struct line *line, const char *message)
{
	struct when when = { .boot = -1, .date = -1 };
	char text[PREFIX_SIZE];
	const char *p, *clock, *open;

	if (line->is_record)
		return line->when;
	p = message - line->from < PREFIX_SIZE ? line->from
					       : message - PREFIX_SIZE + 1;
	*(char *)mempcpy(text, p, (size_t)(message - p)) = '\0';
	if ((clock = find_clock(text, strchr(text, '\0'))) != NULL) {
		/* The number before it is the day. */
		for (p = clock; p > text && strchr("T :", p[-1]) != NULL;)
			p--;
		while (p > text && isdigit((unsigned char)p[-1]))
			p--;
		when.date = p == clock ? 0 : strtol(p, NULL, 10) % 100 * 86400;
		p = strchr(clock, ':');
		when.date += strtol(clock, NULL, 10) * 3600 +
		    strtol(p + 1, NULL, 10) * 60 + strtol(p + 4, NULL, 10);
		open = memrchr(text, '[', (size_t)(clock - text));
		if (open != NULL && strchr(open, ']') > clock)
			set_time(&when, open + 1, strchr(open, ']'));
		else
			set_date(&when, text, clock);
	}
	read_stamp(&when, text + strspn(text, QUOTATION));
	for (p = text; (p = strchr(p, '[')) != NULL && when.boot < 0; p++)
		read_stamp(&when, p);
	return when;
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

const char *
find_continuation(
    const char *p, const char *end, const char *head, const char *head_end)
{
	const char *q = p, *h = head;

	for (; h < head_end && q < end; h++, q++)
		if (*h != *q &&
		    !(strchr(" " DIGITS, *h) && strchr(" " DIGITS, *q)))
			break;
	/* Without the kernel's own stamp it is the same prefix, too. */
	if (h == head_end || (h - head >= 16 && h[-1] == ' '))
		return q;
	for (q = p; q < end && strchr(QUOTATION, *q) != NULL; q++)
		/* dmesg and journalctl indent what follows a newline. */
		if (q - p == head_end - head)
			break;
	return q;
}
