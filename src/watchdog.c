/* SPDX-License-Identifier: ISC */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"
#include "watchdog.h"

/* More than PTHREAD_STACK_MIN anywhere; the largest is arm64's, 128 KiB. */
#define STACK_SIZE ((size_t)256 * 1024)

static void *
wait_for_timeout(void *arg)
{
	const struct watchdog *w = arg;
	char message[128], where[48] = "";
	unsigned int left = w->seconds;
	pid_t pid;

	while (left > 0)
		left = sleep(left);

	if ((pid = w->pid) != 0)
		snprintf(where, sizeof(where), " reading process %d", pid);
	snprintf(message, sizeof(message),
	    "oom_adjust: timed out after %u second%s%s\n", w->seconds,
	    w->seconds == 1 ? "" : "s", where);
	if (write(STDERR_FILENO, message, strlen(message)) == -1) {
		/* Nowhere to report it. */
	}
	_exit(w->changed ? EXIT_NOT_ALL : EXIT_NOTHING_CHANGED);
}

int
watchdog_start(struct watchdog *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	if (w->seconds == 0)
		return 0;
	if ((error = pthread_attr_init(&attr)) != 0)
		return error;
	error = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (error == 0)
		error =
		    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (error == 0)
		error = pthread_create(&thread, &attr, wait_for_timeout, w);
	pthread_attr_destroy(&attr);
	return error;
}
