/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "kills/line.h"

#define KERNEL 8 /* priorities below it are of facility 0, the kernel */

static void
set_time(struct line *line, enum clock_kind kind, int64_t clock, const char *p,
    const char *end)
{
	if (line->time[0] != '\0')
		return; /* the first one is what the reader saw it under */
	p += strspn(p, " ");
	snprintf(line->time, sizeof(line->time), "%.*s", (int)(end - p), p);
	line->clock_kind = kind;
	line->clock = clock;
}

/*
 * A date as syslogd, dmesg and journalctl write it, with a weekday before and
 * "2026" or " UTC" behind, too. Returns what follows it, or NULL. DMESG says
 * that it is in the form only dmesg uses.
 */
static char *
date(char *p, struct line *line, bool *dmesg)
{
	static const char months[] = " JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *found = NULL;
	char name[4], *q = p, *zone;
	int month, day, hour, min, sec, n = 0;
	bool weekday = false;

	for (;;) {
		if (sscanf(q, "%3[A-Za-z] %2d %2d:%2d:%2d%n", name, &day, &hour,
			&min, &sec, &n) == 5 &&
		    (found = strstr(months, name)) != NULL) {
			month = (int)(found - months) / 3 + 1;
			break;
		}
		if (sscanf(q, "%*4d%*1[-/]%2d%*1[-/]%2d%*1[T ]%2d:%2d:%2d%n",
			&month, &day, &hour, &min, &sec, &n) == 5)
			break;
		if (weekday || strcspn(p, " ") != 3 || p[3] == '\0')
			return NULL;
		weekday = true;
		q += 4;
	}
	q += n;
	*dmesg = *q == ',' && q[-9] == 'T';
	if ((*q == '.' || *q == ',') && isdigit((unsigned char)q[1]))
		q += 1 + strspn(q + 1, "0123456789");
	if (found == NULL) {
		zone = q + (weekday && *q == ' ');
		if (*zone == '+' || *zone == '-' ||
		    isupper((unsigned char)*zone))
			q = zone + strcspn(zone, " ");
	} else if (*q == ' ' && strspn(q + 1, "0123456789") == 4 &&
	    strchr(" ]", q[5]) != NULL) {
		q += 5;
	}
	/* As if all months had 31 days: to compare, not to show. */
	set_time(line, CLOCK_DATE,
	    (((month * 31L + day) * 24 + hour) * 60 + min) * 60 + sec, p, q);
	return q;
}

/*
 * dmesg's "[12345.678901] ", "[Thu Nov 20 10:00:01 2026] ", "[  +0.000123] ",
 * "[Nov20 10:00] ", and with " <    0.000012>" before the bracket. Returns what
 * follows, P if it is none of them.
 */
static char *
stamp(char *p, struct line *line)
{
	unsigned long seconds;
	bool dmesg;
	char *q;
	int n = 0;

	if (*p != '[')
		return p;
	sscanf(p, "[ +%*u.%*u%n", &n);
	if (n == 0)
		sscanf(p, "[%*3[A-Za-z]%*2u %*2u:%*2u]%n", &n);
	if (n > 0) {
		/* Too coarse to tell two kills apart. */
		q = p + n - (p[n - 1] == ']');
		set_time(line, CLOCK_NONE, 0, p + 1, q);
	} else if (sscanf(p, "[%lu.%*u%n", &seconds, &n) == 1 && n > 0) {
		q = p + n;
		set_time(line, CLOCK_BOOT, (int64_t)seconds, p + 1, q);
	} else if ((q = date(p + 1, line, &dmesg)) == NULL) {
		return p;
	}
	n = 0;
	sscanf(q, " <%*[0-9. ]>%n", &n);
	q += n;
	return *q == ']' ? q + 1 + (q[1] == ' ') : p;
}

/*
 * The sender, "HOST kernel: " with or without HOST, or as busybox has it,
 * "HOST kern.err kernel: ". Any other tag is not the kernel's. A user can
 * write this tag with logger(1), too; nothing in a text can tell. Returns what
 * follows it, or NULL.
 */
static char *
sender(char *p)
{
	static const char *const forms[] = { " %nkernel: %n",
		" %*s%n kernel: %n", " %*s%n kern.%*s kernel: %n" };
	int host, n = 0;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		sscanf(p, forms[i], &host, &n);
		if (n > 0)
			return host > 0 && p[host - 1] == ':' ? NULL : p + n;
	}
	return NULL;
}

/*
 * Some kernels put the processor and the running task into every line: "[ T12]
 * ", "[    C0] ", "[1:  kswapd0:   45] ", "(0)[45:kswapd0]". Returns what
 * follows.
 */
static char *
caller(char *p)
{
	static const char *const forms[] = { "[ T%*u] %n", "[ C%*u] %n",
		"[%*u:%*[^]]] %n", "(%*u)[%*u:%*[^]]] %n" };
	size_t i;
	int n;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		n = 0;
		sscanf(p, forms[i], &n);
		p += n;
	}
	return p;
}

/* In a record \x1b stands for a byte, and for a backslash \x5c. */
static void
unescape(char *p)
{
	unsigned int byte;
	char *dst = p;

	while (*p != '\0') {
		if (p[0] == '\\' && p[1] == 'x' &&
		    isxdigit((unsigned char)p[2]) &&
		    isxdigit((unsigned char)p[3]) &&
		    sscanf(p + 2, "%2x", &byte) == 1) {
			*dst++ = (char)byte;
			p += 4;
		} else {
			*dst++ = *p++;
		}
	}
	*dst = '\0';
}

/*
 * What precedes the message P in LINE, all of it. Returns the message, or NULL
 * if the line is not the kernel's.
 */
static char *
prefix(char *p, bool kmsg, struct line *line)
{
	unsigned long priority = 0, seconds;
	unsigned long long micros;
	bool dmesg;
	char *q;
	int n = 0, start, end;

	/* "3,1234,98765432,-;": priority, number, microseconds, flags */
	sscanf(p, "%lu,%*u,%llu,%*[^;];%n", &priority, &micros, &n);
	if (n > 0) {
		snprintf(line->time, sizeof(line->time), "%llu.%06llu",
		    micros / 1000000, micros % 1000000);
		line->clock_kind = CLOCK_BOOT;
		line->clock = (int64_t)(micros / 1000000);
		unescape(p + n);
		return priority < KERNEL ? p + n : NULL;
	}
	if (kmsg)
		return NULL;

	/* syslog's "<3>" and "kern  :err   : " of dmesg -x */
	priority = 0;
	sscanf(p, "<%lu>%n", &priority, &n);
	if (n == 0)
		sscanf(p, "kern :%*[^:]: %n", &n);
	p += n;
	if (priority >= KERNEL)
		return NULL;
	/* RFC 5424 */
	n = 0;
	sscanf(p, "1 %n%*s%n %*s kernel - - - %n", &start, &end, &n);
	if (n > 0 && date(p + start, line, &dmesg) == p + end) {
		p += n;
		return stamp(
		    p + (strncmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0), line);
	}
	if ((q = date(p, line, &dmesg)) != NULL) {
		p = dmesg ? q + (*q == ' ') : sender(q);
		if (p == NULL)
			return NULL;
		n = 0;
		sscanf(p, "<%lu>%n", &priority, &n);
		return priority < KERNEL ? stamp(p + n, line) : NULL;
	}
	/* journalctl -o short-unix, -o short-monotonic */
	n = 0;
	if (sscanf(p, "%lu.%*u%n", &seconds, &n) == 1 && n > 0) {
		set_time(line, CLOCK_BOOT, (int64_t)seconds, p, p + n);
		return sender(p + n);
	}
	p = stamp(p, line);
	q = sender(p);
	return q != NULL ? q : p;
}

bool
line_read(const char *p, const char *end, bool kmsg, struct line *line)
{
	size_t n;

	while (end > p && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	n = (size_t)(end - p);
	if (n >= sizeof(line->text) || memchr(p, '\0', n) != NULL)
		return false;
	*(char *)mempcpy(line->text, p, n) = '\0';
	line->time[0] = '\0';
	line->clock_kind = CLOCK_NONE;
	line->clock = 0;
	line->message = prefix(line->text, kmsg, line);
	if (line->message == NULL)
		return false;
	line->message = caller(line->message);
	return true;
}
