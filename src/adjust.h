/* SPDX-License-Identifier: ISC */
#ifndef ADJUST_H
#define ADJUST_H

#include "config.h"
#include "report.h"
#include "watchdog.h"

/*
 * Walk over PROC, where procfs is mounted, and write the value of each process
 * for which a selected rule decides; walk again until nothing changes. The
 * results go to REPORT; in a dry run nothing is written. Returns 0, or -1 with
 * the error reported if it could not go on; watchdog->changed says whether
 * something had been written.
 */
int adjust_processes(const struct config *config, const char *proc,
    struct report *report, struct watchdog *watchdog);

#endif
