/* SPDX-License-Identifier: ISC */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lowmemorykiller.h"
#include "rule.h"

struct config {
	struct rules rules;
	struct lowmemorykiller lowmemorykiller;
	bool reset_inherited;
	char **files; /* the files read, which rules point into */
	size_t nfiles;
	size_t unknown_users; /* rules left without effect by one */
};

/* How to read it. */
enum {
	CONFIG_STRICT = 1 << 0, /* an unknown user is an error, not a warning */
	CONFIG_QUIET = 1 << 1,  /* no warning of a short form that repeats */
};

/*
 * Read FILE and then the files FILE.d/NAME.conf in byte order, in the format of
 * oom_adjust.conf(5). FLAGS are of the CONFIG_ bits. Every error and warning
 * goes to stderr with file and line, in the order of the lines. Returns 0, or
 * -1 if there was an error; CONFIG has no rules then, but may be used.
 */
int config_read(struct config *config, const char *file, unsigned int flags);

/*
 * Print CONFIG to standard output as a config that means the same: each rule in
 * a line, in the block form, with file and line in a comment.
 */
void config_print(const struct config *config);

/* Release what CONFIG holds. */
void config_free(struct config *config);

#endif
