/* SPDX-License-Identifier: ISC */
#ifndef KILLS_KILLS_H
#define KILLS_KILLS_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

/*
 * Print the kills that the kernel log has, who used the memory, and which rules
 * of CONFIG, which may be empty, would decide now; or with JSON the kills in
 * that form. The log is what the NFILES FILES hold, "-" being standard input,
 * or without any the kernel's own buffer, /dev/kmsg.
 *
 * Returns 0, or -1 if a log could not be read, which has been reported; the
 * others have been printed all the same.
 */
int kills_run(
    const struct config *config, char *const *files, size_t nfiles, bool json);

#endif
