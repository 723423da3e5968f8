/* SPDX-License-Identifier: ISC */
/*
 * pester [-k US] [-s US] RUNS COMMAND [ARGUMENT ...]
 *
 * Runs the command RUNS times. With -s each run is stopped three times at
 * random moments, up to US microseconds apart and for up to as long; with -k it
 * is killed at a random moment in the first US microseconds. Prints how many
 * runs ended with which status, and the most memory that one of them used.
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void
sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

/* Wait for process PID and return its status as the shell has it. */
static int
end_of(pid_t pid, struct rusage *usage)
{
	int status;

	if (wait4(pid, &status, 0, usage) == -1)
		err(1, "wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static pid_t
start(char *argv[])
{
	pid_t pid;

	/* For a while there may be no free PID. */
	while ((pid = fork()) == -1)
		sleep_us(1000);
	if (pid == 0) {
		execvp(argv[0], argv);
		warn("%s", argv[0]);
		_exit(127);
	}
	return pid;
}

int
main(int argc, char *argv[])
{
	long runs, i, stop = 0, kills = 0, statuses[256] = { 0 }, maxrss = 0;
	struct rusage usage;
	pid_t pid;
	int c;

	while ((c = getopt(argc, argv, "+k:s:")) != -1) {
		if (c == 'k')
			kills = atol(optarg);
		else if (c == 's')
			stop = atol(optarg);
		else
			return 1;
	}
	argv += optind;
	if (argc - optind < 2 || (runs = atol(argv[0])) < 1) {
		fprintf(
		    stderr, "usage: pester [-k us] [-s us] runs command ...\n");
		return 1;
	}
	argv++;
	srandom(getpid());

	for (i = 0; i < runs; i++) {
		pid = start(argv);
		for (c = 0; stop > 0 && c < 3; c++) {
			sleep_us(random() % stop);
			kill(pid, SIGSTOP);
			sleep_us(random() % stop);
			kill(pid, SIGCONT);
		}
		if (kills > 0) {
			sleep_us(random() % kills);
			kill(pid, SIGKILL);
		}
		statuses[end_of(pid, &usage)]++;
		if (usage.ru_maxrss > maxrss)
			maxrss = usage.ru_maxrss;
	}
	for (i = 0; i < 256; i++) {
		if (statuses[i] != 0)
			printf("status %ld: %ld\n", i, statuses[i]);
	}
	printf("most memory: %ld kB\n", maxrss);
	return 0;
}
