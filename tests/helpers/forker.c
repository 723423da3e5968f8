/* SPDX-License-Identifier: ISC */

/*
 * forker: start a process that keeps the old value, time and again.
 *
 * usage: forker N
 *
 * To be run in a PID namespace of its own. Starts a process "forks". Whenever
 * the last one has got an oom_score_adj other than 0, it starts one more, N in
 * all. Each starts with 0 and has a lower PID than all before it, so a walk
 * over /proc has passed it already. Prints "ready" when the first one is there.
 * When it ends, they end too.
 */

#include <sys/prctl.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 400 /* the PID of the first one */

/* Start one with this PID, and write its name over ARGS, SIZE bytes. */
static pid_t
start_forks(pid_t pid, char *args, size_t size)
{
	FILE *f;
	pid_t got;

	f = fopen("/proc/sys/kernel/ns_last_pid", "w");
	if (f == NULL || fprintf(f, "%d", pid - 1) < 0 || fclose(f) == EOF)
		err(1, "ns_last_pid");
	if ((got = fork()) == -1)
		err(1, "fork");
	if (got == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memset(args, 0, size);
		memcpy(args, "forks", 5);
		for (;;)
			pause();
	}
	if (got != pid)
		errx(1, "PID %d instead of %d", got, pid);
	return pid;
}

static int
get_value(pid_t pid)
{
	char path[64];
	FILE *f;
	int value;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%d", &value) != 1)
		err(1, "%s", path);
	fclose(f);
	return value;
}

int
main(int argc, char **argv)
{
	size_t size;
	pid_t pid;
	int i, n;

	if (argc != 2 || (n = atoi(argv[1])) < 1 || n >= FIRST / 2) {
		fputs("usage: forker N\n", stderr);
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	size = strlen(argv[0]) + 1 + strlen(argv[1]);
	if (size < 6)
		errx(1, "run me by my path");
	pid = start_forks(FIRST, argv[0], size);
	puts("ready");
	fflush(stdout);
	for (i = 1; i < n; i++) {
		while (get_value(pid) == 0)
			usleep(1000);
		pid = start_forks(FIRST - i, argv[0], size);
	}
	for (;;)
		pause();
}
