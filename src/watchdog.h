/* SPDX-License-Identifier: ISC */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Reading a process's command line can block for ever (CVE-2018-1120), and a
 * signal handler does not interrupt that read. So a second thread ends the run.
 */
struct watchdog {
	unsigned int seconds;
	_Atomic pid_t pid;    /* the process being read, or 0 */
	_Atomic bool changed; /* something has been written */
};

/*
 * End the run after W->seconds with a message and status 1, or 2 if W->changed;
 * with 0 seconds do nothing. W must live as long as the process. Returns 0, or
 * an error number.
 */
int watchdog_start(struct watchdog *w);

#endif
