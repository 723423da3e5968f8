/* SPDX-License-Identifier: ISC */
#ifndef KILLS_MESSAGE_H
#define KILLS_MESSAGE_H

#include "kills/log.h"

/* What the kernel says of its kills, one message at a time. */

enum meaning {
	NOTHING,
	KILL,
	KILL_ALSO,       /* one more, for sharing the last one's memory */
	ANNOUNCED,       /* who is going to be killed, or a child of his */
	ANNOUNCED_GROUP, /* the same, and it is more than one */
	REPORT           /* an out-of-memory report begins */
};

/*
 * What MESSAGE means. Unless that is NOTHING, KILL has the killer, which may be
 * KILLER_UNKNOWN, and what else the message tells, zero for what it does not. A
 * page has PAGE_SIZE bytes. MESSAGE is taken to pieces, as by the others here.
 */
enum meaning format_match(char *message, uint64_t page_size, struct kill *kill);

/*
 * Whether MESSAGE, the next after that of KILL, goes on with it; then KILL has
 * what it tells, too.
 */
bool format_goes_on(char *message, struct kill *kill);

/*
 * The task table of an out-of-memory report: dump_tasks() of mm/oom_kill.c,
 * since 2.6.25. Complete KILL from ROW, a line of the table with the heading
 * HEAD. Returns false if it is about another process.
 */
bool format_table_row(char *head, char *row, struct kill *kill);

#endif
