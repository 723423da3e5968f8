/* SPDX-License-Identifier: ISC */
/*
 * idle [-ew] [-c COMM] [-u R,E,S] [-s COMM] [-f CHILDREN [-i US]] [-m MB]
 *	[-o MB]
 *
 * Does nothing, under any name, until it is killed. Before that:
 *	-c	sets its comm
 *	-u	sets its real, effective and saved user ids
 *	-w	waits for SIGUSR1
 *	-f	forks that many idle children, one every US microseconds with -i
 *	-s	starts a process with that comm that shares its memory
 *	-m	takes that much memory
 *	-o	moves that much of it out to swap
 *	-e	ends its main thread; another one stays
 */

#include <sys/mman.h>
#include <sys/prctl.h>

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MB (1 << 20)

static _Noreturn void
stay(void)
{
	for (;;)
		pause();
}

static int
share_memory(void *comm)
{
	prctl(PR_SET_NAME, comm, 0, 0, 0);
	stay();
	return 0;
}

static void *
outlive_main(void *arg)
{
	stay();
	return arg;
}

int
main(int argc, char *argv[])
{
	static char stack[64 * 1024];
	long children = 0, interval = 0, mb = 0, out = 0;
	int c, end = 0, wait = 0, signo;
	unsigned int r, e, s;
	char *p, *sharer = NULL;
	pthread_t thread;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);

	while ((c = getopt(argc, argv, "c:ef:i:m:o:s:u:w")) != -1) {
		switch (c) {
		case 'c':
			if (prctl(PR_SET_NAME, optarg, 0, 0, 0) == -1)
				err(1, "prctl");
			break;
		case 'e':
			end = 1;
			break;
		case 'f':
			children = atol(optarg);
			break;
		case 'i':
			interval = atol(optarg);
			break;
		case 'm':
			mb = atol(optarg);
			break;
		case 'o':
			out = atol(optarg);
			break;
		case 's':
			sharer = optarg;
			break;
		case 'u':
			if (sscanf(optarg, "%u,%u,%u", &r, &e, &s) != 3 ||
			    setresuid(r, e, s) == -1)
				err(1, "setresuid");
			break;
		case 'w':
			wait = 1;
			break;
		default:
			fprintf(stderr,
			    "usage: idle [-ew] [-c comm] [-u r,e,s] [-s comm] "
			    "[-f children] [-m MB] [-o MB]\n");
			return 1;
		}
	}

	if (wait)
		sigwait(&usr1, &signo);
	for (; children > 0; children--) {
		usleep(interval);
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			stay();
		}
	}
	if (sharer != NULL &&
	    clone(share_memory, stack + sizeof(stack), CLONE_VM | SIGCHLD,
		sharer) == -1)
		err(1, "clone");
	/* A page that was only reserved takes no memory: write to each. */
	for (; mb > 0; mb--, out--) {
		p = mmap(NULL, MB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			err(1, "mmap");
		memset(p, 1, MB);
		if (out > 0 && madvise(p, MB, MADV_PAGEOUT) == -1)
			err(1, "madvise");
	}
	if (end) {
		if ((errno = pthread_create(
			 &thread, NULL, outlive_main, NULL)) != 0)
			err(1, "pthread_create");
		pthread_exit(NULL);
	}
	stay();
}
