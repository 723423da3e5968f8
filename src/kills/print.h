/* SPDX-License-Identifier: ISC */
#ifndef KILLS_PRINT_H
#define KILLS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "kills/log.h"

/* What was found in the logs, and how it is shown. */

/* A kill: one line of the table. */
struct row {
	struct kill kill;
	const char *log;         /* where it was found */
	int64_t last;            /* clock of the last line that told of it */
	const struct rule *rule; /* what would decide for it now, or NULL */
	bool again;              /* another row tells of the same kill */
};

/* A command that was killed. */
struct command {
	const struct row *last;
	size_t kills;
};

struct kills {
	const struct config *config;
	struct row *row;
	size_t n, size;
	struct command *command;
	size_t ncommands;
	const char *log;  /* that is being read, in the end the last read */
	bool overwritten; /* the kernel's buffer has lost its beginning */
};

/* The string S, escaped, in a buffer that the next call uses again. */
const char *shown(const char *s);

/*
 * Print the table, what it does not tell, and lines for the config. NLOGS logs
 * have been read.
 */
void killprint_text(const struct kills *kills, size_t nlogs);

/* Print kills and counts as JSON. */
void killprint_json(const struct kills *kills);

#endif
