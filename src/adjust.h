/* SPDX-License-Identifier: ISC */
#ifndef ADJUST_H
#define ADJUST_H

#include "config.h"
#include "report.h"
#include "watchdog.h"

/*
 * Walk over PROC, where procfs is mounted, and give each process that a
 * selected rule decides its value; walk again until nothing changes. The
 * results go to REPORT; in a dry run nothing is written. Returns 0, or -1 with
 * the error reported if it could not go on; watchdog->changed says whether
 * something had been written.
 */
int adjust(const struct config *config, const char *proc, struct report *report,
    struct watchdog *watchdog);

#endif
