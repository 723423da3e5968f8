/* SPDX-License-Identifier: ISC */

/*
 * actor: be a process of a given kind, for the tests.
 *
 * It starts the process as its child, prints the child's PID once the child has
 * done all that the options ask for, and waits. When it is killed, or its own
 * parent ends, the child ends too.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mm_args.h"

/* The environment variable with the descriptor that the plan is read from. */
#define PLAN "ACTOR_PLAN"

/* What the process does with itself. */
struct plan {
	char comm[64];
	char title[512];
	char oom_score_adj[16];
	uid_t ruid, euid, suid;
	int threads;
	bool rename, retitle, adjust, ids;
	bool user_namespace;
	bool zero_args, no_args;
	bool main_exits;
	bool zombie;
};

static _Noreturn void
usage(void)
{
	fputs(
	    "usage: actor [option ...] argv0 [arg ...]\n"
	    "  -e FILE       run FILE, a copy of actor\n"
	    "  -r FILE       run FILE, which prints something when ready and\n"
	    "                reads its standard input\n"
	    "  -d            delete FILE when it runs\n"
	    "  -c COMM       be renamed by prctl(2)\n"
	    "  -s TITLE      overwrite the arguments with TITLE\n"
	    "  -0            overwrite the arguments with zeros\n"
	    "  -a            have no arguments in memory\n"
	    "  -o VALUE      start with this oom_score_adj\n"
	    "  -u R[,E[,S]]  real, effective and saved user id\n"
	    "  -P            in a new PID namespace\n"
	    "  -U            in a new user namespace\n"
	    "  -t N          with N more threads\n"
	    "  -x            the main thread has exited\n"
	    "  -z            be a zombie\n",
	    stderr);
	exit(1);
}

/* End together with the parent. A change of user ids undoes this. */
static void
follow_parent(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		err(1, "PR_SET_PDEATHSIG");
}

/* Take on the plan's value, namespace and user. */
static void
take_identity(const struct plan *plan)
{
	int fd;

	if (plan->adjust) {
		fd = open("/proc/self/oom_score_adj", O_WRONLY);
		if (fd == -1 ||
		    write(fd, plan->oom_score_adj,
			strlen(plan->oom_score_adj)) == -1)
			err(1, "oom_score_adj");
		close(fd);
	}
	if (plan->ids) {
		if (setgroups(0, NULL) == -1 ||
		    setresuid(plan->ruid, plan->euid, plan->suid) == -1)
			err(1, "setresuid");
		prctl(PR_SET_DUMPABLE, 1);
	}
	if (plan->user_namespace && unshare(CLONE_NEWUSER) == -1)
		err(1, "CLONE_NEWUSER");
	follow_parent();
}

/* Report that all is done. */
static void
report_ready(void)
{
	if (write(STDOUT_FILENO, "\n", 1) != 1)
		err(1, "write");
}

/* Sleep until the parent is gone. */
static _Noreturn void
wait_for_parent(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == -1 && errno == EINTR)
		;
	_exit(0);
}

static void *
run_thread(void *arg)
{
	const struct plan *plan = arg;
	char path[64], buf[512], *p;
	FILE *stat;

	prctl(PR_SET_NAME, "actor-thread");
	if (!plan->main_exits) {
		for (;;)
			pause();
	}
	follow_parent();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	for (;;) {
		if ((stat = fopen(path, "r")) == NULL)
			err(1, "%s", path);
		buf[fread(buf, 1, sizeof(buf) - 1, stat)] = '\0';
		fclose(stat);
		if ((p = strrchr(buf, ')')) != NULL && p[2] == 'Z')
			break;
		usleep(1000);
	}
	report_ready();
	wait_for_parent();
}

/* Do what PLAN says, in the new image, and wait. */
static _Noreturn void
follow_plan(struct plan *plan, int argc, char **argv, char **envp)
{
	pthread_t id;
	char *end;
	size_t len, size;
	int i;

	take_identity(plan);
	if (plan->rename && prctl(PR_SET_NAME, plan->comm) == -1)
		err(1, "PR_SET_NAME");
	end = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
	if (plan->zero_args)
		memset(argv[0], 0, end - argv[0]);
	if (plan->retitle) {
		/* Daemons write over their arguments and environment, too. */
		for (i = 0; envp[i] != NULL; i++)
			end = envp[i] + strlen(envp[i]) + 1;
		size = end - argv[0];
		len = strlen(plan->title);
		if (len >= size)
			errx(1, "title too long");
		memset(argv[0], 0, size);
		memcpy(argv[0], plan->title, len);
	}
	if (plan->no_args) {
		i = set_mm_args((unsigned long)argv[0], (unsigned long)argv[0]);
		if (i == -1)
			err(1, "PR_SET_MM_MAP");
	}
	if (plan->zombie)
		_exit(0);
	for (i = 0; i < plan->threads; i++) {
		if ((errno = pthread_create(&id, NULL, run_thread, plan)) != 0)
			err(1, "pthread_create");
	}
	if (plan->main_exits)
		pthread_exit(NULL);
	report_ready();
	wait_for_parent();
}

static void
parse_ids(struct plan *plan, const char *s)
{
	unsigned int r, e, u;

	switch (sscanf(s, "%u,%u,%u", &r, &e, &u)) {
	case 1:
		e = r;
		/* FALLTHROUGH */
	case 2:
		u = e;
		/* FALLTHROUGH */
	case 3:
		break;
	default:
		usage();
	}
	plan->ruid = r;
	plan->euid = e;
	plan->suid = u;
	plan->ids = true;
}

int
main(int argc, char **argv, char **envp)
{
	static struct plan plan;
	static char pad[600], self[PATH_MAX];
	char *env[] = { NULL, pad, "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	char env_plan[32], c;
	const char *file = NULL, *s;
	bool other = false, unlinked = false, pid_namespace = false;
	int opt, in[2], out[2], how[2];
	siginfo_t info;
	ssize_t n;
	pid_t pid;

	if ((s = getenv(PLAN)) != NULL) {
		opt = atoi(s);
		if (read(opt, &plan, sizeof(plan)) != sizeof(plan))
			err(1, "plan");
		close(opt);
		follow_plan(&plan, argc, argv, envp);
	}

	while ((opt = getopt(argc, argv, "+e:r:dc:s:0ao:u:PUt:xz")) != -1) {
		switch (opt) {
		case 'r':
			other = true;
			/* FALLTHROUGH */
		case 'e':
			file = optarg;
			break;
		case 'd':
			unlinked = true;
			break;
		case 'c':
			plan.rename = true;
			snprintf(plan.comm, sizeof(plan.comm), "%s", optarg);
			break;
		case 's':
			plan.retitle = true;
			snprintf(plan.title, sizeof(plan.title), "%s", optarg);
			break;
		case '0':
			plan.zero_args = true;
			break;
		case 'a':
			plan.no_args = true;
			break;
		case 'o':
			plan.adjust = true;
			snprintf(plan.oom_score_adj, sizeof(plan.oom_score_adj),
			    "%s", optarg);
			break;
		case 'u':
			parse_ids(&plan, optarg);
			break;
		case 'P':
			pid_namespace = true;
			break;
		case 'U':
			plan.user_namespace = true;
			break;
		case 't':
			plan.threads = atoi(optarg);
			break;
		case 'x':
			plan.main_exits = true;
			plan.threads = 1;
			break;
		case 'z':
			plan.zombie = true;
			break;
		default:
			usage();
		}
	}
	argv += optind;
	if (argv[0] == NULL)
		usage();

	follow_parent();
	if (file == NULL) {
		/* not /proc/self/exe, which would make the comm "exe" */
		n = readlink("/proc/self/exe", self, sizeof(self) - 1);
		if (n == -1)
			err(1, "/proc/self/exe");
		file = self;
	}
	memset(pad, 'x', sizeof(pad) - 1);
	memcpy(pad, "PAD=", 4);
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe(how) == -1)
		err(1, "pipe");
	snprintf(env_plan, sizeof(env_plan), PLAN "=%d", how[0]);
	env[0] = env_plan;

	if (pid_namespace && unshare(CLONE_NEWPID) == -1)
		err(1, "CLONE_NEWPID");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(how[1]);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		if (other) {
			close(how[0]);
			take_identity(&plan);
		} else {
			follow_parent();
		}
		execve(file, argv, env);
		err(1, "%s", file);
	}
	close(in[0]);
	close(out[1]);
	if (write(how[1], &plan, sizeof(plan)) != sizeof(plan))
		err(1, "plan");
	close(how[0]);
	close(how[1]);

	if (plan.zombie) {
		if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == -1)
			err(1, "waitid");
	} else if (read(out[0], &c, 1) != 1) {
		errx(1, "%s did not start", argv[0]);
	}
	if (unlinked && unlink(file) == -1)
		err(1, "%s", file);
	printf("%d\n", pid);
	fclose(stdout);

	if (plan.zombie) {
		for (;;)
			pause();
	}
	waitpid(pid, NULL, 0);
	return 0;
}
