/* SPDX-License-Identifier: ISC */

/*
 * maxrss: run a program and write its peak memory, in KiB, to a file.
 *
 * usage: maxrss FILE PROGRAM [ARG ...]
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct rusage usage;
	FILE *file;
	int status;
	pid_t pid;

	if (argc < 3)
		errx(1, "usage: maxrss file program [arg ...]");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (wait4(pid, &status, 0, &usage) == -1)
		err(1, "wait4");
	if ((file = fopen(argv[1], "w")) == NULL)
		err(1, "%s", argv[1]);
	fprintf(file, "%ld\n", usage.ru_maxrss);
	if (fclose(file) == EOF)
		err(1, "%s", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
