/* SPDX-License-Identifier: ISC */

/*
 * sharer COMM1 COMM2: be two processes that share their memory, as after
 * vfork(2) and in some runtimes. Prints both PIDs, and waits until standard
 * input ends. Their argv[0] contains a blank, so comm is their name.
 */

#include <sys/prctl.h>

#include <err.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char stack[65536];

static _Noreturn int
run_second(void *comm)
{
	prctl(PR_SET_NAME, comm);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

int
main(int argc, char **argv)
{
	char name[] = "two words";
	char *args[] = { name, NULL, NULL, NULL };
	pid_t pid;

	if (argc != 3)
		errx(1, "usage: sharer COMM1 COMM2");
	if (strchr(argv[0], ' ') == NULL) {
		args[1] = argv[1];
		args[2] = argv[2];
		execv("/proc/self/exe", args);
		err(1, "/proc/self/exe");
	}
	pid = clone(
	    run_second, stack + sizeof(stack), CLONE_VM | SIGCHLD, argv[2]);
	if (pid == -1)
		err(1, "clone");
	prctl(PR_SET_NAME, argv[1]);
	printf("%d %d\n", getpid(), pid);
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	kill(pid, SIGKILL);
	return 0;
}
