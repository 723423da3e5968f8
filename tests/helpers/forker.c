/* SPDX-License-Identifier: ISC */

/*
 * forker: leave a process with the old value behind, time and again.
 *
 * usage: forker N
 *
 * To be run in a PID namespace of its own. Starts a process "forks", and
 * whenever the last one of that name has got an oom_score_adj other than 0, one
 * more, which has 0 and a PID lower than all before: who walks over /proc has
 * been past it. N in all. Prints "ready" when the first is there; ends them
 * all with itself.
 */

#include <sys/prctl.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST 400 /* the first one's PID */

static pid_t
start(pid_t pid, char *args, size_t size)
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
	pid = start(FIRST, argv[0], size);
	puts("ready");
	fflush(stdout);
	for (i = 1; i < n; i++) {
		while (get_value(pid) == 0)
			usleep(1000);
		pid = start(FIRST - i, argv[0], size);
	}
	for (;;)
		pause();
}
