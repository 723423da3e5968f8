/* SPDX-License-Identifier: ISC */
#ifndef KILLS_LOG_H
#define KILLS_LOG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kills/line.h"

/*
 * Finds the kernel's kills in a kernel log: text as syslog, dmesg or journalctl
 * write it, or records of /dev/kmsg. The log goes in piece by piece, each kill
 * comes out through a function. It reads no file and keeps no more than a fixed
 * part of the log, however long that or one of its lines is.
 *
 * A log is not to be trusted: processes choose their names, and programs write
 * to the same file. A line counts only if it is the kernel's and all of its
 * message has the form of one of the kernel's formats.
 */

enum killer {
	KILLER_UNKNOWN, /* of no kill that comes out */
	KILLER_OOM,     /* memory ran out: mm/oom_kill.c */
	KILLER_MEMCG,   /* a memory cgroup reached its limit: the same file */
	KILLER_LOWMEMORYKILLER /* the Android driver */
};

/* Which scale an adjustment is on. */
enum scale {
	SCALE_UNKNOWN, /* lowmemorykiller's adj has been on both */
	SCALE_OOM_ADJ,
	SCALE_OOM_SCORE_ADJ
};

struct kill {
	char time[TIME_SIZE]; /* as the log has it; "" if it has none */
	enum clock_kind clock_kind;
	int64_t clock;       /* the same in seconds, to compare two kills */
	unsigned long event; /* out-of-memory reports begun before it */
	enum killer killer;
	pid_t pid;     /* 0 if unknown */
	char comm[64]; /* 15 bytes at most, but for what the log escaped */
	bool has_uid;
	uid_t uid;
	bool has_rss;
	uint64_t rss; /* bytes */
	bool has_adj;
	int adj;
	enum scale scale;
	uint64_t page_size; /* of the machine that wrote the log, in bytes */
};

typedef void killlog_fn(const struct kill *kill, void *arg);

struct killlog;

/*
 * A new reader that calls FN with ARG for each kill. PAGE_SIZE is that of the
 * machine that wrote the log, in bytes: older messages count in pages.
 * Returns NULL with errno set if there is no memory.
 */
struct killlog *killlog_new(uint64_t page_size, killlog_fn *fn, void *arg);

/*
 * A new log begins; nothing of the last one is remembered. With KMSG it is made
 * of records of /dev/kmsg and of nothing else.
 */
void killlog_start(struct killlog *log, bool kmsg);

/*
 * Where to put the next part of the log: *LEN bytes, never 0. The place is good
 * until the next call of another function.
 */
char *killlog_room(struct killlog *log, size_t *len);

/* LEN bytes have been put there. */
void killlog_filled(struct killlog *log, size_t len);

/* The log is over; a last line needs no newline. */
void killlog_end(struct killlog *log);

/* Release LOG, which may be NULL. */
void killlog_free(struct killlog *log);

/* Complete KILL with what another line told of the same one. */
void kill_complete(struct kill *kill, const struct kill *other);

/* The word for KILLER: "oom", "memcg" or "lowmemorykiller". */
const char *killer_name(enum killer killer);

#endif
