/* SPDX-License-Identifier: ISC */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

#include "config.h"
#include "watchdog.h"

/*
 * Print what the kernel would kill, most likely first, and what the rules want:
 * the processes that a selected rule decides, and with VICTIMS the most likely
 * victims of all. As JSON, or with colour, if so asked. PROC is where procfs is
 * mounted. Returns 0, or -1 with the error reported.
 */
int list(const struct config *config, const char *proc, bool victims, bool json,
    bool color, struct watchdog *watchdog);

#endif
