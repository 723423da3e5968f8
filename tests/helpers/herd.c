/* SPDX-License-Identifier: ISC */

/*
 * herd: many idle processes, named like those of a busy server.
 *
 * usage: herd N [NAME ...]
 *
 * Starts N processes: first one for each NAME (its argv[0] has a path), then a
 * mix with names of their own. Prints "ready" when all are there. They end when
 * standard input ends, or when herd is killed.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TITLE 128        /* bytes of a process's arguments */
#define STACK (16 << 10) /* enough for a process that only sleeps */

/*
 * Run this program again with a long argv[0], which each child can write its
 * arguments over: that is cheaper than an execve(2) for each of them.
 */
static void
lengthen_args(char **argv)
{
	static char pad[TITLE];
	char **args;
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	if ((args = calloc(argc + 2, sizeof(*args))) == NULL)
		err(1, NULL);
	memset(pad, 'x', sizeof(pad) - 1);
	args[0] = pad;
	memcpy(args + 1, argv + 1, argc * sizeof(*args));
	execv("/proc/self/exe", args);
	err(1, "/proc/self/exe");
}

/*
 * Give process I its comm, and write its arguments over ARGS, SIZE bytes. Of 20
 * processes 14 have a daemon's path and options, 2 a bare name, 2 are scripts,
 * one is a worker with a title and one a login shell.
 */
static void
name_process(unsigned int i, const char *name, char *args, size_t size)
{
	static const char *const daemons[] = { "worker", "queue-runner",
		"php-fpm8.2", "nginx", "containerd-shim", "java", "postgres" };
	const char *daemon = daemons[i % 7];
	char title[TITLE];
	size_t len, k;

	if (name != NULL) {
		len = snprintf(title, TITLE, "/usr/sbin/%s\n-D", name);
		prctl(PR_SET_NAME, name);
	} else if (i % 20 < 14) {
		len = snprintf(title, TITLE,
		    "/usr/lib/herd/%s\n--config\n/etc/herd/%s.conf\n-n\n%u",
		    daemon, daemon, i);
		prctl(PR_SET_NAME, daemon);
	} else if (i % 20 < 16) {
		len = snprintf(title, TITLE, "herd%u", i);
		prctl(PR_SET_NAME, title);
	} else if (i % 20 < 18) {
		len = snprintf(title, TITLE,
		    "/usr/bin/python3\n-u\n/opt/herd/bin/%s\n--id=%u", daemon,
		    i);
		prctl(PR_SET_NAME, daemon);
	} else if (i % 20 < 19) {
		len = snprintf(title, TITLE, "%s: worker %u (idle)", daemon, i);
		prctl(PR_SET_NAME, daemon);
	} else {
		len = snprintf(title, TITLE, "-bash");
		prctl(PR_SET_NAME, "bash");
	}
	for (k = 0; k < len; k++) {
		if (title[k] == '\n')
			title[k] = '\0';
	}
	memset(args, 0, size);
	memcpy(args, title, len < size ? len : size - 1);
}

int
main(int argc, char **argv)
{
	unsigned int i, n, names;
	pid_t *pids, parent;
	char c;
	ssize_t got;

	if (argc < 2 || (n = atoi(argv[1])) == 0) {
		fputs("usage: herd N [name ...]\n", stderr);
		return 1;
	}
	if (strlen(argv[0]) != TITLE - 1)
		lengthen_args(argv);
	names = argc - 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	parent = getpid();
	if ((pids = calloc(n, sizeof(*pids))) == NULL)
		err(1, NULL);
	for (i = 0; i < n; i++) {
		if ((pids[i] = fork()) == -1) {
			warn("fork, after %u processes", i);
			break;
		}
		if (pids[i] != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		name_process(
		    i, i < names ? argv[2 + i] : NULL, argv[0], TITLE - 1);
		for (;;)
			pause();
	}
	n = i;
	puts("ready");
	fflush(stdout);

	while ((got = read(STDIN_FILENO, &c, 1)) > 0)
		;
	for (i = 0; i < n; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) != -1)
		;
	return got == -1;
}
