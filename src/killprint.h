/* SPDX-License-Identifier: ISC */
#ifndef KILLPRINT_H
#define KILLPRINT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "killlog.h"

/* What was found in the logs, and how it is shown. */

/* A command that was killed. */
struct command {
	struct command *next;
	char comm[64];
	size_t comm_len;
	size_t kills;
	const struct rule *rule; /* what would decide for it now, or NULL */
	struct row *last;
};

/* A kill: one line of the table. */
struct row {
	struct row *next;
	struct command *command;
	const char *log; /* where it was found */
	enum clock_kind clock_kind;
	int64_t clock; /* of the last line that told of it */
	unsigned long event;
	enum killer killer;
	enum scale scale;
	pid_t pid;
	uid_t uid;
	uint64_t rss;
	int adj;
	bool has_uid, has_rss, has_adj;
	char time[];
};

struct kills {
	const struct config *config;
	struct row *rows, *last;
	struct command *commands;
	size_t nrows, ncommands;
	void *by_time;    /* tsearch(3) trees: rows, by compare_row() */
	void *by_command; /* commands */
	const char *log;  /* that is being read, in the end the last read */
	bool overwritten; /* the kernel's buffer has lost its beginning */
};

/*
 * LEN bytes of S, or the first 1,024, escaped as vis(3) does and in any case
 * valid UTF-8. Good until the next call but one.
 */
const char *shown(const char *s, size_t len);
const char *shown_string(const char *s);

/* Print the table, what it does not tell, and lines for the config. */
void killprint_text(const struct kills *kills, size_t nlogs);

/* Print kills and counts as JSON. */
void killprint_json(const struct kills *kills);

#endif
