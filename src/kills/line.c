/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kill.h"

#define DIGITS "0123456789"
#define GROUP_SIZE 64 /* a longer text in brackets is no mark */
#define FACILITY 8    /* priorities below it are the kernel's */
#define PREFIX_SIZE 256

/* What stands before a message. */
struct prefix {
	enum {
		SENDER_NONE,  /* nothing says whose it is, as in dmesg(1)'s */
		SENDER_FIRST, /* a program, but perhaps only a file or a host */
		SENDER_KERNEL,
		SENDER_OTHER
	} sender;
	unsigned int nwords;
	unsigned int loose; /* words since the last mark */
	unsigned int hosts; /* words after a time of day: one may be a host */
	bool stamped;       /* there was a mark in brackets */
	bool dated;         /* there was a time of day */
	bool severity;      /* "kern:" came last */
};

char *
copy_text(char *dst, const char *p, const char *end)
{
	const char *escape, *after, *start = dst;

	for (; (escape = memchr(p, '\033', (size_t)(end - p))); p = after) {
		dst = mempcpy(dst, p, (size_t)(escape - p));
		after = escape + 1 + strspn(escape + 1, "[;" DIGITS);
		if (*after == 'm' || *after == 'K')
			after++;
		else
			dst = mempcpy(dst, escape, (size_t)(after - escape));
	}
	dst = mempcpy(dst, p, (size_t)(end - p));
	while (dst > start && strchr(" \t\r", dst[-1]) != NULL)
		dst--;
	/* An encoded mail's mark that the line goes on. */
	dst -= dst > start && dst[-1] == '=';
	*dst = '\0';
	return dst;
}

/* Replace \x1b by the byte, as in records of /dev/kmsg. Returns the end. */
static char *
unescape(char *p)
{
	unsigned int byte;
	char *dst = p;

	for (; *p != '\0'; dst++) {
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
	return dst;
}

/*
 * A record of /dev/kmsg is "3,1234,98765432,-;" and its message: priority,
 * number, microseconds, flags.
 */
bool
copy_line(struct line *line, const char *start, const char *end, bool kmsg)
{
	unsigned long priority;
	unsigned long long micros;
	int n = 0;

	if (end - start >= LINE_SIZE ||
	    memchr(start, '\0', (size_t)(end - start)) != NULL)
		return false;
	line->end = copy_text(line->text, start, end);
	line->from = line->text;
	line->resumed = false;
	if (isdigit((unsigned char)*start))
		sscanf(line->text, "%lu,%*u,%llu,%*[^;];%n", &priority, &micros,
		    &n);
	line->is_record = n > 0;
	if (n == 0)
		return !kmsg;
	line->from += n;
	line->end = unescape(line->from);
	line->when = (struct when) { .boot = (int64_t)micros, .date = -1 };
	snprintf(line->time, sizeof(line->time), "%llu.%06llu",
	    micros / 1000000, micros % 1000000);
	return priority < FACILITY;
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

/* The first time of day from P to END, which a NUL or blank follows. */
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
	const char *close = bracket;

	if (*bracket == '[' || *bracket == '(')
		close += 1 + strspn(bracket + 1, DIGITS " ");
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
		*(memchr(p, 'T', n) != NULL &&
			    memchr(clock, ',', (size_t)(p + n - clock)) != NULL
			? &prefix->stamped
			: &prefix->dated) = true;
	else if (p[n - 1] != ':') {
		prefix->loose += letters && n > 3;
		prefix->hosts += prefix->dated && islower((unsigned char)*p) &&
		    memchr(p, '.', n) == NULL;
	} else if (!letters || is_word(p, n, "memory:") ||
	    (is_word(p, n, "login:") && /* a console's prompt */
		!prefix->dated && prefix->sender == SENDER_NONE) ||
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
	case '"':
	case '\'':
		prefix->sender = SENDER_OTHER; /* who quotes the kernel */
		break;
	case '<':
		prefix->loose += is_letter(p[1]);
		if (strtoul(p + 1, NULL, 10) >= FACILITY)
			prefix->sender = SENDER_OTHER;
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

enum trust
is_kernels(const struct line *line, const char *message)
{
	struct prefix prefix = { .sender = SENDER_NONE };
	char text[PREFIX_SIZE], *p = text, *end;
	const char *from = line->from;

	if (line->is_record)
		return message == from || *message == ' ' ? TRUST : TRUST_NOT;
	if (line->resumed) {
		prefix = (struct prefix) { SENDER_KERNEL, .loose = 1 };
		if (message - from >= PREFIX_SIZE)
			from = message - PREFIX_SIZE + 1;
	}
	if (message < from || message - from >= PREFIX_SIZE)
		return TRUST_NOT;
	end = mempcpy(text, from, (size_t)(message - from));
	*end = '\0';
	while (p < end && prefix.sender != SENDER_OTHER)
		p = read_mark(&prefix, p);
	if (prefix.sender == SENDER_OTHER)
		return TRUST_NOT;
	/* A comm or the name of a cgroup comes before its first word. */
	if (*message == ' ' || end == text + strspn(text, " "))
		return TRUST;
	if (prefix.sender == SENDER_FIRST || isalnum((unsigned char)end[-1]) ||
	    strchr("=_/\\.,", end[-1]) != NULL)
		return TRUST_NOT;
	if (prefix.sender == SENDER_KERNEL || prefix.stamped)
		return prefix.loose == 0 ? TRUST : TRUST_NOT;
	/* Kubernetes shows messages in a column of their own, after words that
	   no mark follows. A time alone is what other programs write, too. */
	if (prefix.loose > 0)
		return isblank((unsigned char)end[-2]) ? TRUST_STRONG
						       : TRUST_NOT;
	return prefix.dated ? TRUST_STRONG : TRUST;
}

static void
set_time(char *time, const char *p, const char *end)
{
	p += strspn(p, " \t");
	while (end > p && strchr(" \t.,:+-", end[-1]) != NULL)
		end--;
	if (end - p >= TIME_SIZE)
		end = p + TIME_SIZE - 1;
	*(char *)mempcpy(time, p, (size_t)(end - p)) = '\0';
}

/* Where the word before P begins: not before START, nor before a colon. */
static const char *
previous_word(const char *start, const char *p)
{
	while (p > start && isblank((unsigned char)p[-1]))
		p--;
	while (p > start && strchr(" \t:;<>[(|", p[-1]) == NULL)
		p--;
	return p;
}

/*
 * The date around the CLOCK in the text START, in any language: "Nov 20" or
 * "Fri 2026-11-20" before it, "2026" or " UTC" after.
 */
static void
set_date(char *time, const char *start, const char *clock)
{
	const char *end = clock + strspn(clock, DIGITS ":.,+-Z");
	const char *p = previous_word(start, clock + 1), *q;
	size_t day = 0;

	if (p == clock) {
		q = previous_word(start, p);
		day = strspn(q, DIGITS "-/.");
		if (day > 0 && q[day] == ' ')
			p = day > 2 ? q : previous_word(start, q);
	}
	/* A weekday begins the line. */
	q = previous_word(start, p);
	if (q < p && q + strcspn(q, DIGITS ":") >= p - 1 &&
	    q == start + strspn(start, QUOTATION)) {
		p = q;
		if (day > 2 && *end == ' ')
			end +=
			    1 + strspn(end + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	}
	if (day <= 2 && has_shape(end, " 0000") &&
	    strchr(" \t", end[5]) != NULL)
		end += 5;
	set_time(time, p, end);
}

/*
 * dmesg's "[12345.678901]", "[  +0.000123]" and "[Nov20 10:00]", or a number
 * such as 1763632801.123456 that begins the line.
 */
static void
read_stamp(struct when *when, char *time, const char *p)
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
	if (time[0] == '\0')
		set_time(time, p, end);
}

struct when
when_written(const struct line *line, const char *message, char time[TIME_SIZE])
{
	struct when when = { .boot = -1, .date = -1 };
	char text[PREFIX_SIZE];
	const char *p, *clock, *open;

	if (line->is_record) {
		strlcpy(time, line->time, TIME_SIZE);
		return line->when;
	}
	time[0] = '\0';
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
			set_time(time, open + 1, strchr(open, ']'));
		else
			set_date(time, text, clock);
	}
	read_stamp(&when, time, text + strspn(text, QUOTATION));
	for (p = text; (p = strchr(p, '[')) != NULL && when.boot < 0; p++)
		read_stamp(&when, time, p);
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
skip_prefix(
    const char *p, const char *end, const char *head, const char *head_end)
{
	const char *h = head;

	for (; h < head_end && p < end; h++, p++)
		if (*h != *p &&
		    !(strchr(" " DIGITS, *h) && strchr(" " DIGITS, *p)))
			break;
	/* Without the kernel's own stamp it is the same prefix, too. */
	return h == head_end || (h - head >= 16 && h[-1] == ' ') ? p : NULL;
}
