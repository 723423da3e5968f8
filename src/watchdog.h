/* SPDX-License-Identifier: ISC */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>

/*
 * A process can block whoever reads its command line for ever (CVE-2018-1120),
 * and a signal handler does not interrupt that read. So a thread ends the run.
 */
struct watchdog {
	unsigned int seconds;
	_Atomic pid_t pid;    /* the process being read, or 0 */
	_Atomic bool changed; /* something has been written */
};

/*
 * Unless W->seconds is 0, let the run end after that time with a message and
 * status 1, or 2 if W->changed. W must live as long as the process. Returns
 * 0, or an error number.
 */
int watchdog_start(struct watchdog *w);

#endif
