/* SPDX-License-Identifier: ISC */
#ifndef KILLS_LINE_H
#define KILLS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What stands before the message in a line of a kernel log: text of syslogd,
 * dmesg, journalctl, or a record of /dev/kmsg.
 */

#define TIME_SIZE 48
#define LINE_SIZE 8192 /* a kernel message has 1 KiB, four times escaped */

/* What a clock counts; clocks of different kinds do not compare. */
enum clock_kind {
	CLOCK_NONE, /* the line had no time */
	CLOCK_BOOT, /* since boot, or since 1970 */
	CLOCK_DATE  /* by the calendar, less the year */
};

struct line {
	char text[LINE_SIZE];
	char *message;        /* the end of that; a record may have newlines */
	char time[TIME_SIZE]; /* as the log has it; "" if it has none */
	enum clock_kind clock_kind;
	int64_t clock; /* the same in seconds */
};

/*
 * Take apart the line from P to END; with KMSG it must be a record. Returns
 * false if it is not the kernel's: of another program, or, a record, from user
 * space; or longer than LINE_SIZE, or with a NUL.
 */
bool line_read(const char *p, const char *end, bool kmsg, struct line *line);

#endif
