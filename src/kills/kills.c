/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kills/print.h"
#include "kills/kills.h"
#include "text.h"

#define KMSG "/dev/kmsg"
#define COMM 15  /* bytes of a name that the kernel keeps */
#define NEAR 16  /* rows between two lines of one kill */
#define REACH 1  /* seconds between them */
#define REPEAT 5 /* the same where a kill is tried again */

/*
 * The last rule written that may be for a process named COMM: by its name, the
 * last part of its path, or as much of either as the kernel keeps. The log
 * does not know the rest of what a rule can ask for.
 */
static const struct rule *
find_rule(const struct rules *rules, const char *comm)
{
	size_t i;

	for (i = rules->n; i-- > 0;) {
		const struct rule *rule = &rules->rule[i];
		const char *name = strrchr(rule->name, '/');

		name = name == NULL ? rule->name : name + 1;
		if (!rule->unknown_user &&
		    (strcmp(name, comm) == 0 ||
			(strlen(comm) == COMM &&
			    strncmp(name, comm, COMM) == 0)))
			return rule;
	}
	return NULL;
}

/* OTHER tells of the same kill as ROW. */
static void
complete(struct row *row, const struct row *other)
{
	kill_complete(&row->kill, &other->kill);
	if (other->last > row->last)
		row->last = other->last;
}

/* By command, process and time; what is alike in the order of finding. */
static int
compare_rows(const void *a, const void *b)
{
	const struct row *p = *(struct row *const *)a;
	const struct row *q = *(struct row *const *)b;
	const struct kill *x = &p->kill, *y = &q->kill;
	int order = strcmp(x->comm, y->comm);

	if (order == 0)
		order = (x->pid > y->pid) - (x->pid < y->pid);
	if (order == 0)
		order = (int)x->clock_kind - (int)y->clock_kind;
	if (order == 0)
		order = (x->clock > y->clock) - (x->clock < y->clock);
	return order != 0 ? order : (p > q) - (p < q);
}

/*
 * Whether NEXT, the later line, tells of ROW's death. The kernel repeats
 * itself: a victim in a group is killed once more with its group,
 * lowmemorykiller kills until the process is gone. A page fault without memory,
 * which a victim meets, too, may not tell the process id. And one log may be
 * given twice, as syslog and as kern.log. No process id comes back within a
 * second.
 */
static bool
same_kill(const struct row *row, const struct row *next)
{
	const struct kill *x = &row->kill, *y = &next->kill;
	int64_t apart = llabs(y->clock - row->last);

	if ((x->pid != y->pid && x->pid > 0 && y->pid > 0) ||
	    x->clock_kind != y->clock_kind || strcmp(x->comm, y->comm) != 0)
		return false;
	if (x->clock_kind == CLOCK_NONE)
		return x->event == y->event;
	if (x->pid != y->pid || x->killer == KILLER_LOWMEMORYKILLER)
		return apart <= REPEAT;
	/* In one log, the clock since boot may have begun anew. */
	return strcmp(x->time, y->time) == 0 ||
	    (apart <= REACH &&
		(x->clock_kind == CLOCK_DATE || x->event == y->event ||
		    row->log != next->log));
}

/* The rows by compare_rows(), to be freed. */
static struct row **
sort_rows(const struct kills *kills)
{
	struct row **sorted = calloc(kills->n + 1, sizeof(struct row *));
	size_t i;

	if (sorted == NULL)
		err(1, NULL);
	for (i = 0; i < kills->n; i++)
		sorted[i] = &kills->row[i];
	qsort(sorted, kills->n, sizeof(struct row *), compare_rows);
	return sorted;
}

/* Make one row of those that tell of the same kill. */
static void
merge_rows(struct kills *kills)
{
	struct row **sorted = sort_rows(kills), *row = NULL;
	size_t i, n = 0;

	for (i = 0; i < kills->n; i++) {
		if (row != NULL && same_kill(row, sorted[i])) {
			complete(row, sorted[i]);
			sorted[i]->again = true;
		} else {
			row = sorted[i];
		}
	}
	free(sorted);
	for (i = 0; i < kills->n; i++)
		if (!kills->row[i].again)
			kills->row[n++] = kills->row[i];
	kills->n = n;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct kills *kills = arg;
	struct row row = {
		.kill = *kill,
		.log = kills->log,
		.last = kill->clock,
	};
	size_t i;

	for (i = kills->n; i-- > 0 && kills->n - i <= NEAR;) {
		if (same_kill(&kills->row[i], &row)) {
			complete(&kills->row[i], &row);
			return;
		}
	}
	if (kills->n == kills->size) {
		/* A log that repeats itself takes no more room for that. */
		merge_rows(kills);
		if (kills->n >= kills->size - kills->size / 8)
			kills->size += kills->size + 64;
		kills->row = reallocarray(kills->row, kills->size, sizeof(row));
		if (kills->row == NULL)
			err(1, NULL);
	}
	kills->row[kills->n++] = row;
}

/* Those killed most often first, then by name. */
static int
compare_commands(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	if (x->kills != y->kills)
		return x->kills > y->kills ? -1 : 1;
	return strcmp(x->last->kill.comm, y->last->kill.comm);
}

/* Count the kills of each command, and look for its rule. */
static void
count_commands(struct kills *kills)
{
	struct row **sorted = sort_rows(kills);
	struct command *command = NULL;
	size_t i;

	kills->command = calloc(kills->n + 1, sizeof(*command));
	if (kills->command == NULL)
		err(1, NULL);
	for (i = 0; i < kills->n; i++) {
		struct row *row = sorted[i];

		if (command != NULL &&
		    strcmp(command->last->kill.comm, row->kill.comm) == 0) {
			row->rule = command->last->rule;
			if (row > command->last)
				command->last = row;
		} else {
			command = &kills->command[kills->ncommands++];
			command->last = row;
			row->rule =
			    find_rule(&kills->config->rules, row->kill.comm);
		}
		command->kills++;
	}
	free(sorted);
	qsort(kills->command, kills->ncommands, sizeof(*command),
	    compare_commands);
}

/* The program that makes text of what begins like START, or NULL. */
static const char *
unpacker(const char *start, size_t len)
{
	static const struct {
		const char *magic, *program;
	} packed[] = {
		{ "\x1f\x8b", "zcat" },
		{ "\xfd"
		  "7zXZ",
		    "xzcat" },
		{ "\x28\xb5\x2f\xfd", "zstdcat" },
		{ "BZh", "bzcat" },
		{ "LPKSHHRH", "journalctl -k --file" },
	};
	size_t i;

	for (i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		size_t n = strlen(packed[i].magic);

		if (len >= n && memcmp(start, packed[i].magic, n) == 0)
			return packed[i].program;
	}
	return NULL;
}

/* Read the open log FD to its end. Returns 0, or -1 after saying why not. */
static int
read_log(struct kills *kills, struct killlog *log, int fd, bool kmsg)
{
	const char *program, *name = shown(kills->log);
	bool first = true;
	ssize_t n;
	size_t len;
	char *room;

	killlog_start(log, kmsg);
	for (;; first = false) {
		room = killlog_room(log, &len);
		n = read(fd, room, len);
		if (n == 0 || (n < 0 && kmsg && errno == EAGAIN))
			break;
		if (n < 0 && kmsg && errno == EPIPE) {
			/* Some went while we read: the oldest is next. */
			kills->overwritten = true;
			continue;
		}
		if (n < 0) {
			warn("%s", name);
			killlog_end(log);
			return -1;
		}
		if (first && kmsg) {
			/* Records are numbered from the boot on. */
			const char *comma = memchr(room, ',', (size_t)n);

			if (comma == NULL || strncmp(comma, ",0,", 3) != 0)
				kills->overwritten = true;
		} else if (first && (program = unpacker(room, (size_t)n))) {
			warnx("%s: not text; read it with: "
			      "%s %s | oom_adjust -k -",
			    name, program, fd == STDIN_FILENO ? "FILE" : name);
			return -1;
		}
		killlog_filled(log, (size_t)n);
	}
	killlog_end(log);
	return 0;
}

static int
open_and_read(struct kills *kills, struct killlog *log, const char *file)
{
	bool kmsg = strcmp(file, KMSG) == 0;
	int fd, result;

	if (strcmp(file, "-") == 0) {
		kills->log = "standard input";
		return read_log(kills, log, STDIN_FILENO, false);
	}
	kills->log = file;
	/* What has not been logged yet is not waited for. */
	fd = open(file, O_RDONLY | O_CLOEXEC | (kmsg ? O_NONBLOCK : 0));
	if (fd < 0) {
		const char *hint = "";

		if (kmsg && (errno == EPERM || errno == EACCES))
			hint = " (only root and CAP_SYSLOG may read it where "
			       "kernel.dmesg_restrict is 1)";
		else if (kmsg)
			hint = " (try: journalctl -k | oom_adjust -k -)";
		warnx("%s: %s%s", shown(file), strerror(errno), hint);
		return -1;
	}
	result = read_log(kills, log, fd, kmsg);
	close(fd);
	return result;
}

int
kills_run(
    const struct config *config, char *const *files, size_t nfiles, bool json)
{
	static char kmsg[] = KMSG;
	char *const kernel[] = { kmsg };
	struct kills kills = { .config = config };
	struct killlog *log;
	const char *last_read = NULL;
	size_t i, read = 0;
	int result = 0;
	long page_size = sysconf(_SC_PAGESIZE);

	/* A log of another machine is taken to be of one like this. */
	log = killlog_new(
	    page_size > 0 ? (uint64_t)page_size : 4096, add_kill, &kills);
	if (log == NULL)
		err(1, NULL);
	if (nfiles == 0) {
		files = kernel;
		nfiles = 1;
	}
	for (i = 0; i < nfiles; i++) {
		if (open_and_read(&kills, log, files[i]) == 0) {
			read++;
			last_read = kills.log;
		} else {
			result = -1;
		}
	}
	kills.log = last_read;
	killlog_free(log);
	merge_rows(&kills);
	count_commands(&kills);

	if (json)
		killprint_json(&kills);
	else if (read > 0)
		killprint_text(&kills, read);
	free(kills.command);
	free(kills.row);
	return result;
}
