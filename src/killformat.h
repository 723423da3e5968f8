/* SPDX-License-Identifier: ISC */
#ifndef KILLFORMAT_H
#define KILLFORMAT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "killlog.h"

/* What the kernel says of its kills, one message at a time. */

enum meaning {
	KILL,
	KILL_ALSO,   /* one more process, for sharing the last one's memory */
	ANNOUNCED,   /* who is going to be killed, or a child of his */
	MEMCG,       /* what is killed next is in a memory cgroup */
	MEMCG_GROUP, /* the same, and it is more than one */
	REPORT,      /* an out-of-memory report begins */
	VICTIM       /* who is going to be killed, with user and cgroup */
};

enum { BEFORE = -1 }; /* a killer: the lines before say which */

/* What a message was found to say. */
struct found {
	enum meaning meaning;
	int killer;       /* enum killer or BEFORE */
	pid_t pid;        /* 0 if unknown */
	const char *comm; /* in the message */
	size_t comm_len;  /* less than struct kill has room for */
	bool has_uid, has_rss, has_adj, has_pages;
	uid_t uid;
	uint64_t rss; /* KiB */
	uint64_t pages;
	int adj;
	enum scale scale;
};

/*
 * What the message from P to END says. Returns false if it is none of the
 * formats.
 */
bool format_match(const char *p, const char *end, struct found *found);

/* Add what a list as in "total-vm:8kB, anon-rss:4kB UID:0" says to FOUND. */
void format_list_keys(const char *p, const char *end, struct found *found);

/* Add what "to free 4kB", somewhere in it, says; false if it is not there. */
bool format_to_free(const char *p, const char *end, struct found *found);

#endif
