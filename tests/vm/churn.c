/* SPDX-License-Identifier: ISC */
/*
 * churn GOAL ALIVE
 *
 * Until SIGTERM, starts as many processes per second as it can, at most ALIVE
 * at a time. Some run under the name GOAL; all others are strangers, which
 * rename themselves, fork and exec. Before a stranger ends, it checks that its
 * adjustment is still the one that it began with. Prints how many there were;
 * the status is 1 if a stranger was changed.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHANGED 77 /* the status of a stranger that was changed */

static volatile sig_atomic_t stop;

static void
on_term(int signo)
{
	(void)signo;
	stop = 1;
}

/* Sleep for up to MAX microseconds. */
static void
linger(long max)
{
	struct timespec t = { 0, random() % max * 1000 };

	nanosleep(&t, NULL);
}

static int
adjustment(void)
{
	char buf[16] = "";
	int fd;

	if ((fd = open("/proc/self/oom_score_adj", O_RDONLY)) == -1 ||
	    read(fd, buf, sizeof(buf) - 1) <= 0)
		err(1, "oom_score_adj");
	close(fd);
	return atoi(buf);
}

static _Noreturn void
end_as_stranger(void)
{
	int value = adjustment();

	if (value == 0)
		_exit(0);
	printf("stranger %d has %d\n", (int)getpid(), value);
	fflush(stdout);
	_exit(CHANGED);
}

static _Noreturn void
child(const char *goal)
{
	char near[64];
	pid_t pid;
	int status;

	switch (random() % 6) {
	case 0:
	case 1:
		linger(3000);
		execl("/proc/self/exe", goal, "-g", (char *)NULL);
		err(1, "exec");
	case 2:
		snprintf(near, sizeof(near), "%s2", goal);
		execl("/proc/self/exe", near, "-s", (char *)NULL);
		err(1, "exec");
	case 3:
		snprintf(near, sizeof(near), "x%s", goal);
		prctl(PR_SET_NAME, near, 0, 0, 0);
		linger(3000);
		end_as_stranger();
	case 4:
		if ((pid = fork()) == 0) {
			linger(2000);
			end_as_stranger();
		}
		if (pid != -1 && waitpid(pid, &status, 0) == pid &&
		    WIFEXITED(status) && WEXITSTATUS(status) == CHANGED)
			_exit(CHANGED);
		end_as_stranger();
	default:
		linger(2000);
		end_as_stranger();
	}
}

int
main(int argc, char *argv[])
{
	unsigned long n = 0, changed = 0;
	long alive = 0, max;
	int status;

	srandom(getpid());
	if (argc == 2) {
		linger(5000);
		if (strcmp(argv[1], "-s") == 0)
			end_as_stranger();
		return 0;
	}
	if (argc != 3 || (max = atol(argv[2])) < 1) {
		fprintf(stderr, "usage: churn goal alive\n");
		return 1;
	}
	signal(SIGTERM, on_term);
	while (!stop || alive > 0) {
		if (!stop && alive < max) {
			srandom(random());
			switch (fork()) {
			case -1:
				break;
			case 0:
				signal(SIGTERM, SIG_DFL);
				child(argv[1]);
			default:
				n++;
				alive++;
				continue;
			}
		}
		if (waitpid(-1, &status, 0) == -1) {
			if (errno != EINTR && errno != ECHILD)
				err(1, "wait");
			continue;
		}
		alive--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == CHANGED)
			changed++;
	}
	printf("%lu processes, %lu strangers changed\n", n, changed);
	return changed != 0;
}
