/* SPDX-License-Identifier: ISC */
#ifndef ADJUST_H
#define ADJUST_H

#include <stdbool.h>

#include "config.h"
#include "report.h"
#include "watchdog.h"

/*
 * Walk over PROC, where procfs is mounted, and give every process that a
 * selected rule decides for its value; again until nothing changes. With RESET
 * inherited values are reset too. What came of it goes to REPORT; in a dry run
 * nothing is written. Returns 0, or -1 with the error reported if it could not
 * go on; watchdog->changed says whether something had been written.
 */
int adjust(const struct config *config, const char *proc, bool reset,
    struct report *report, struct watchdog *watchdog);

#endif
