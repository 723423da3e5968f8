/* SPDX-License-Identifier: ISC */
#include "logline.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scan.h"

/*
 * Times.
 */

/* "10:00:01", "10:00:01.123456", "10:00:01,123"; SECONDS of the day. */
static bool
clock_time(const char **p, const char *end, int64_t *seconds, bool *comma)
{
	const char *q = *p;
	uint64_t h, m, s;

	if (!number(&q, end, 23, &h) || !literal(&q, end, ":") ||
	    !number(&q, end, 59, &m) || !literal(&q, end, ":") ||
	    !number(&q, end, 60, &s))
		return false;
	*comma = false;
	if (end - q >= 2 && (*q == '.' || *q == ',') && is_digit(q[1])) {
		*comma = *q == ',';
		for (q++; q < end && is_digit(*q); q++)
			;
	}
	*p = q;
	*seconds = (int64_t)(h * 3600 + m * 60 + s);
	return true;
}

/* Seconds of a year whose months all have 31 days: to compare, not to show. */
static int64_t
date_clock(uint64_t month, uint64_t day, int64_t seconds)
{
	return (int64_t)(month * 31 + day) * 86400 + seconds;
}

/* "Nov 20 10:00:01", "Thu Nov 20 10:00:01 2026" and what lies between. */
static bool
date_bsd(const char **p, const char *end, int64_t *clock)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *q = *p;
	uint64_t month, day, year;
	int64_t seconds;
	bool comma;

	if (end - q > 8 && is_upper(q[0]) && q[3] == ' ' && is_upper(q[4]))
		q += 4;
	if (end - q < 4 || q[3] != ' ')
		return false;
	for (month = 0; month < 12; month++)
		if (memcmp(months + month * 3, q, 3) == 0)
			break;
	if (month == 12)
		return false;
	q += 3;
	blanks(&q, end);
	if (!number(&q, end, 31, &day))
		return false;
	blanks(&q, end);
	if (!clock_time(&q, end, &seconds, &comma))
		return false;
	*p = q;
	*clock = date_clock(month + 1, day, seconds);
	if (end - q >= 5 && literal(&q, end, " ") &&
	    number(&q, end, 9999, &year) && year > 999 &&
	    (q == end || *q == ' ' || *q == ']'))
		*p = q;
	return true;
}

/*
 * "2026-11-20T10:00:01.123456+00:00", "Thu 2026-11-20 10:00:01 UTC" and what
 * lies between. DMESG says that it is in the form only dmesg uses.
 */
static bool
date_iso(const char **p, const char *end, int64_t *clock, bool *dmesg)
{
	const char *q = *p;
	uint64_t year, month, day;
	int64_t seconds;
	bool weekday, t, comma;

	weekday = end - q > 4 && is_upper(q[0]) && q[3] == ' ';
	if (weekday)
		q += 4;
	if (!number(&q, end, 9999, &year) || year < 1000 || q == end ||
	    (*q != '-' && *q != '/'))
		return false;
	q++;
	if (!number(&q, end, 12, &month) || q == end ||
	    (*q != '-' && *q != '/'))
		return false;
	q++;
	if (!number(&q, end, 31, &day) || q == end || (*q != 'T' && *q != ' '))
		return false;
	t = *q++ == 'T';
	if (!clock_time(&q, end, &seconds, &comma))
		return false;
	if (weekday && q < end && *q == ' ')
		q++;
	if (q < end && (*q == '+' || *q == '-' || is_upper(*q)))
		while (q < end && *q != ' ')
			q++;
	*p = q;
	*clock = date_clock(month, day, seconds);
	*dmesg = t && comma;
	return true;
}

static void
set_time(struct line *line, const char *start, const char *end)
{
	size_t n;

	while (start < end && *start == ' ')
		start++;
	while (end > start && end[-1] == ' ')
		end--;
	n = (size_t)(end - start);
	if (n >= sizeof(line->time))
		n = sizeof(line->time) - 1;
	memcpy(line->time, start, n);
	line->time[n] = '\0';
}

/*
 * dmesg's "[12345.678901] ", "[Thu Nov 20 10:00:01 2026] ", "[  +0.000123] ",
 * "[Nov20 10:00] ", and with " <    0.000012>" before the bracket.
 */
static bool
stamp(const char **p, const char *end, struct line *line)
{
	const char *q = *p, *start, *stop, *close;
	uint64_t seconds, micros;
	int64_t clock;
	enum clock_kind kind;

	if (!literal(&q, end, "["))
		return false;
	close = memchr(q, ']', (size_t)(end - q > 64 ? 64 : end - q));
	if (close == NULL)
		return false;
	blanks(&q, close);
	start = q;
	if (number(&q, close, UINT32_MAX, &seconds)) {
		if (!literal(&q, close, ".") ||
		    !number(&q, close, UINT32_MAX, &micros))
			return false;
		kind = CLOCK_BOOT;
		clock = (int64_t)seconds;
	} else if (date_bsd(&q, close, &clock)) {
		kind = CLOCK_DATE;
	} else {
		/* Too coarse to tell two kills apart. */
		kind = CLOCK_NONE;
		clock = 0;
		if (literal(&q, close, "+")) {
			if (!number(&q, close, UINT32_MAX, &seconds) ||
			    !literal(&q, close, ".") ||
			    !number(&q, close, UINT32_MAX, &micros))
				return false;
		} else {
			if (close - q != 11 || !is_upper(q[0]) || q[5] != ' ' ||
			    q[8] != ':')
				return false;
			q = close;
		}
	}
	stop = q;
	if (q < close && (q[0] != ' ' || q[1] != '<' || close[-1] != '>'))
		return false;
	if (line->time[0] == '\0') {
		set_time(line, start, stop);
		line->clock_kind = kind;
		line->clock = clock;
	}
	*p = close + 1;
	literal(p, end, " ");
	return true;
}

/*
 * What precedes the message.
 */

/*
 * The sender, "HOST kernel: " with or without HOST, or as busybox has it,
 * "HOST kern.err kernel: ". Any other tag is not the kernel's. A user can
 * write this tag with logger(1), too; nothing in a text can tell.
 */
static bool
sender(const char **p, const char *end)
{
	const char *q = *p, *word;
	int i;

	for (i = 0; i < 3; i++) {
		blanks(&q, end);
		word = q;
		if (literal(&q, end, "kernel:")) {
			blanks(&q, end);
			*p = q;
			return true;
		}
		while (q < end && *q != ' ')
			q++;
		if (q == end || q == word || q[-1] == ':')
			return false;
		if (i == 1 && !literal(&word, end, "kern."))
			return false;
	}
	return false;
}

/* syslog's "<3>". Facilities but the kernel's, 0, are somebody else's. */
static bool
priority(const char **p, const char *end, bool *kernel)
{
	const char *q = *p;
	uint64_t pri;

	if (!literal(&q, end, "<") || !number(&q, end, 191, &pri) ||
	    !literal(&q, end, ">"))
		return false;
	*kernel = pri < 8;
	*p = q;
	return true;
}

/* /dev/kmsg's "3,1234,98765432,-;": priority, number, microseconds, flags. */
static bool
record(const char **p, const char *end, struct line *line, bool *kernel)
{
	const char *q = *p;
	uint64_t pri, seq, micros;

	if (!number(&q, end, UINT32_MAX, &pri) || !literal(&q, end, ",") ||
	    !number(&q, end, UINT64_MAX, &seq) || !literal(&q, end, ",") ||
	    !number(&q, end, UINT64_MAX, &micros) || !literal(&q, end, ","))
		return false;
	q = memchr(q, ';', (size_t)(end - q));
	if (q == NULL)
		return false;
	snprintf(line->time, sizeof(line->time), "%llu.%06llu",
	    (unsigned long long)(micros / 1000000),
	    (unsigned long long)(micros % 1000000));
	line->clock_kind = CLOCK_BOOT;
	line->clock = (int64_t)(micros / 1000000);
	line->escaped = true;
	*kernel = pri < 8;
	*p = q + 1;
	return true;
}

/* RFC 5424: "1 2026-11-20T10:00:01Z HOST kernel - - - ", <PRI> being taken. */
static bool
rfc5424(const char **p, const char *end, struct line *line)
{
	const char *q = *p, *start;
	bool dmesg;
	int i;

	if (!literal(&q, end, "1 "))
		return false;
	start = q;
	if (!date_iso(&q, end, &line->clock, &dmesg))
		return false;
	set_time(line, start, q);
	line->clock_kind = CLOCK_DATE;
	if (!literal(&q, end, " "))
		return false;
	q = memchr(q, ' ', (size_t)(end - q)); /* behind the host */
	if (q == NULL || !literal(&q, end, " kernel "))
		return false;
	for (i = 0; i < 3; i++) { /* process, message id, data: none of them */
		if (!literal(&q, end, "-"))
			return false;
		blanks(&q, end);
	}
	literal(&q, end, "\xef\xbb\xbf");
	*p = q;
	return true;
}

/*
 * Some kernels put the processor and the running task into every line: "[ T12]
 * ", "[    C0] ", "[1:  kswapd0:   45] ", "(0)[45:kswapd0]".
 */
static void
caller(const char **p, const char *end)
{
	const char *q, *close;
	uint64_t n;

	for (;;) {
		q = *p;
		if (literal(&q, end, "(") &&
		    (!number(&q, end, 9999, &n) || !literal(&q, end, ")")))
			return;
		if (!literal(&q, end, "["))
			return;
		close = memchr(q, ']', (size_t)(end - q));
		if (close == NULL)
			return;
		blanks(&q, close);
		if (q < close && (*q == 'T' || *q == 'C')) {
			q++;
			if (!number(&q, close, UINT32_MAX, &n) || q != close)
				return;
		} else if (!number(&q, close, UINT32_MAX, &n) ||
		    !literal(&q, close, ":")) {
			return;
		}
		q = close + 1;
		blanks(&q, end);
		*p = q;
	}
}

bool
line_read(const char *p, const char *end, bool kmsg, struct line *line)
{
	const char *q = p;
	bool kernel = true, dmesg = false;
	uint64_t n;

	*line = (struct line) { .clock_kind = CLOCK_NONE };
	if (record(&q, end, line, &kernel)) {
		if (!kernel)
			return false;
		goto message;
	}
	if (kmsg)
		return false;
	if (priority(&q, end, &kernel)) {
		if (!kernel)
			return false;
		if (rfc5424(&q, end, line)) {
			stamp(&q, end, line);
			goto message;
		}
	} else if (literal(
		       &q, end, "kern ")) { /* dmesg -x: "kern  :err   : " */
		blanks(&q, end);
		if (!literal(&q, end, ":"))
			return false;
		q = memchr(q, ':', (size_t)(end - q));
		if (q == NULL)
			return false;
		q++;
		literal(&q, end, " ");
	}
	p = q;
	if (date_bsd(&q, end, &line->clock) ||
	    date_iso(&q, end, &line->clock, &dmesg)) {
		set_time(line, p, q);
		line->clock_kind = CLOCK_DATE;
		if (dmesg)
			literal(&q, end, " ");
		else if (!sender(&q, end))
			return false;
		priority(&q, end, &kernel);
		stamp(&q, end, line);
	} else if (number(&q, end, UINT32_MAX, &n) && literal(&q, end, ".") &&
	    number(&q, end, UINT32_MAX, &n) && literal(&q, end, " ")) {
		/* journalctl -o short-unix */
		set_time(line, p, q);
		n = 0;
		number(&p, end, UINT32_MAX, &n);
		line->clock_kind = CLOCK_BOOT;
		line->clock = (int64_t)n;
		if (!sender(&q, end))
			return false;
	} else {
		q = p;
		stamp(&q, end, line);
		sender(&q, end); /* journalctl -o short-monotonic */
	}
message:
	caller(&q, end);
	line->message = q;
	line->end = end;
	return kernel;
}

/* The value of the hexadecimal digit C, as the kernel writes it, or -1. */
static int
hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t
line_unescape(char *dst, const char *src, const char *end)
{
	size_t n = 0;

	while (src < end) {
		if (end - src >= 4 && src[0] == '\\' && src[1] == 'x' &&
		    hex_digit(src[2]) >= 0 && hex_digit(src[3]) >= 0) {
			dst[n++] =
			    (char)(hex_digit(src[2]) << 4 | hex_digit(src[3]));
			src += 4;
		} else {
			dst[n++] = *src++;
		}
	}
	return n;
}
