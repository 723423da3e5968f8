/* SPDX-License-Identifier: ISC */
/*
 * idle [-w] [-c COMM] [-u R,E,S] [-f CHILDREN [-i US]] [-m MB]
 *
 * Does nothing, under whatever name it was started: calls itself COMM (as
 * prctl does), takes on these real, effective and saved user ids, forks so many
 * children that are as idle (one every so many microseconds), takes so much
 * memory, and waits to be killed. With -w it begins to fork and to take memory
 * when SIGUSR1 tells it to.
 */

#include <sys/prctl.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	long children = 0, interval = 0, mb = 0;
	int c, wait = 0, signo;
	unsigned int r, e, s;
	sigset_t usr1;
	char *p;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);

	while ((c = getopt(argc, argv, "c:f:i:m:u:w")) != -1) {
		switch (c) {
		case 'c':
			if (prctl(PR_SET_NAME, optarg, 0, 0, 0) == -1)
				err(1, "prctl");
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
			    "usage: idle [-w] [-c comm] [-u r,e,s] [-f "
			    "children] [-m MB]\n");
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
			for (;;)
				pause();
		}
	}
	/* A page that was only reserved takes no memory: write to each. */
	for (; mb > 0; mb--) {
		if ((p = malloc(1 << 20)) == NULL)
			err(1, "malloc");
		memset(p, 1, 1 << 20);
	}
	for (;;)
		pause();
}
