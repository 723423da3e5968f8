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

/*
 * Read FILE and then the files FILE.d/NAME.conf in byte order, in the format of
 * oom_adjust.conf(5). With STRICT an unknown user is an error; without, a
 * warning. Every error and warning goes to stderr with file and line.
 * Returns 0, or -1 if there was an error, CONFIG then being empty.
 */
int config_read(struct config *config, const char *file, bool strict);

/* Release what CONFIG holds. */
void config_free(struct config *config);

#endif
