/* SPDX-License-Identifier: ISC */
#include "kills.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "killlog.h"
#include "killprint.h"

#define KMSG "/dev/kmsg"
#define COMM 15 /* bytes of a name that the kernel keeps */
#define STEP 8  /* seconds: more than two lines of one kill are apart */

static void *
allocate(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		err(1, NULL);
	return p;
}

/*
 * Collecting.
 */

/*
 * The last rule written that may be for a process named COMM: by its name, the
 * last part of its path, or as much of either as the kernel keeps. The log
 * does not know the rest of what a rule can ask for.
 */
static const struct rule *
find_rule(const struct rules *rules, const char *comm, size_t len)
{
	size_t i, n;

	for (i = rules->n; i-- > 0;) {
		const struct rule *rule = &rules->rule[i];
		const char *name = strrchr(rule->name, '/');

		name = name == NULL ? rule->name : name + 1;
		n = strlen(name);
		if (len == COMM && n > COMM)
			n = COMM;
		if (!rule->unknown_user && n == len &&
		    memcmp(name, comm, n) == 0)
			return rule;
	}
	return NULL;
}

static int
compare_command(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	if (x->comm_len != y->comm_len)
		return x->comm_len < y->comm_len ? -1 : 1;
	return memcmp(x->comm, y->comm, x->comm_len);
}

/*
 * The time of a row, in steps wide enough that two rows of one kill are in the
 * same or in neighbouring ones.
 */
static int64_t
step(const struct row *row)
{
	return row->clock_kind == CLOCK_NONE ? (int64_t)row->event
					     : row->clock / STEP;
}

static int
compare_row(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int64_t s = step(x), t = step(y);

	if (s != t)
		return s < t ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->clock_kind != y->clock_kind)
		return x->clock_kind < y->clock_kind ? -1 : 1;
	return compare_command(x->command, y->command);
}

/* How far apart in seconds two lines of one kill of KILLER's can be. */
static int64_t
reach(enum killer killer)
{
	return killer == KILLER_LOWMEMORYKILLER ? 5 : 1;
}

/*
 * Whether NEW, of TIME and in LOG, tells of ROW's death. The kernel
 * repeats itself: a victim in a group is killed once more with its group,
 * lowmemorykiller kills until the process is gone. And one log may be given
 * twice, as syslog and as kern.log. No process id comes back within a second.
 */
static bool
same_kill(const struct row *row, const struct row *new, const char *time,
    const char *log)
{
	int64_t apart = row->clock - new->clock;

	if (row->clock_kind == CLOCK_NONE)
		return row->event == new->event;
	if (apart < 0)
		apart = -apart;
	if (row->killer == KILLER_LOWMEMORYKILLER)
		return apart <= reach(row->killer);
	/* In one log, the clock since boot may have begun anew. */
	return strcmp(row->time, time) == 0 ||
	    (apart <= reach(row->killer) &&
		(row->clock_kind == CLOCK_DATE || row->event == new->event ||
		    row->log != log));
}

/* The row that tells of the same death as NEW, or NULL. */
static struct row *
find_row(struct kills *kills, const struct row *new, const char *time)
{
	struct row first = *new, last = *new, **found;

	first.clock -= reach(new->killer);
	last.clock += reach(new->killer);
	found = tfind(&first, &kills->by_time, compare_row);
	if (found != NULL && same_kill(*found, new, time, kills->log))
		return *found;
	if (step(&first) == step(&last))
		return NULL;
	found = tfind(&last, &kills->by_time, compare_row);
	if (found != NULL && same_kill(*found, new, time, kills->log))
		return *found;
	return NULL;
}

/*
 * Where one of two lines does not tell the process id, as that of a page fault
 * without memory, which a victim meets, too: the command's last row.
 */
static struct row *
find_anonymous(const struct row *new)
{
	struct row *last = new->command->last;

	if (last == NULL || (new->pid > 0) == (last->pid > 0) ||
	    new->clock_kind != last->clock_kind)
		return NULL;
	if (new->clock_kind == CLOCK_NONE
		? new->event != last->event
		: new->clock - last->clock < -5 || new->clock - last->clock > 5)
		return NULL;
	return last;
}

static void
index_row(struct kills *kills, struct row *row)
{
	struct row **found = tsearch(row, &kills->by_time, compare_row);

	if (found == NULL)
		err(1, NULL);
	*found = row; /* of two alike, a third is nearer to the later */
}

/* NEW, a later line, tells of the death that ROW is for. */
static void
update_row(struct kills *kills, struct row *row, const struct row *new)
{
	struct row **found = tfind(row, &kills->by_time, compare_row);

	if (found != NULL && *found == row)
		tdelete(row, &kills->by_time, compare_row);
	if (row->pid == 0)
		row->pid = new->pid;
	if (new->clock > row->clock)
		row->clock = new->clock;
	index_row(kills, row);
}

/* What one line says and another does not. */
static void
complete(struct row *row, const struct kill *kill)
{
	if (!row->has_uid && kill->has_uid) {
		row->has_uid = true;
		row->uid = kill->uid;
	}
	if (!row->has_rss && kill->has_rss) {
		row->has_rss = true;
		row->rss = kill->rss;
	}
	if (!row->has_adj && kill->has_adj) {
		row->has_adj = true;
		row->adj = kill->adj;
		row->scale = kill->scale;
	}
}

static struct command *
find_command(struct kills *kills, const struct kill *kill)
{
	struct command probe, *command, **found;

	memcpy(probe.comm, kill->comm, kill->comm_len);
	probe.comm_len = kill->comm_len;
	found = tfind(&probe, &kills->by_command, compare_command);
	if (found != NULL)
		return *found;
	command = allocate(sizeof(*command));
	memcpy(command->comm, kill->comm, kill->comm_len);
	command->comm_len = kill->comm_len;
	command->rule =
	    find_rule(&kills->config->rules, command->comm, command->comm_len);
	if (tsearch(command, &kills->by_command, compare_command) == NULL)
		err(1, NULL);
	command->next = kills->commands;
	kills->commands = command;
	kills->ncommands++;
	return command;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct kills *kills = arg;
	struct row *row, *same,
	    probe = {
		    .command = find_command(kills, kill),
		    .clock_kind = kill->clock_kind,
		    .clock = kill->clock,
		    .event = kill->event,
		    .killer = kill->killer,
		    .pid = kill->pid,
	    };

	same = find_row(kills, &probe, kill->time);
	if (same == NULL)
		same = find_anonymous(&probe);
	if (same != NULL) {
		complete(same, kill);
		update_row(kills, same, &probe);
		return;
	}
	row = allocate(sizeof(*row) + strlen(kill->time) + 1);
	memcpy(row, &probe, sizeof(*row));
	row->log = kills->log;
	memcpy(row->time, kill->time, strlen(kill->time) + 1);
	complete(row, kill);
	index_row(kills, row);
	if (kills->last == NULL)
		kills->rows = row;
	else
		kills->last->next = row;
	kills->last = row;
	kills->nrows++;
	row->command->kills++;
	row->command->last = row;
}

static void
keep(void *p)
{
	(void)p;
}

static void
kills_free(struct kills *kills)
{
	struct command *command;
	struct row *row;

	tdestroy(kills->by_time, keep);
	tdestroy(kills->by_command, keep);
	while ((row = kills->rows) != NULL) {
		kills->rows = row->next;
		free(row);
	}
	while ((command = kills->commands) != NULL) {
		kills->commands = command->next;
		free(command);
	}
}

/*
 * Reading.
 */

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
	const char *program;
	bool first = true;
	ssize_t n;
	size_t len;
	char *room;

	killlog_start(log, kmsg);
	for (;;) {
		room = killlog_room(log, &len);
		n = read(fd, room, len);
		if (n == 0)
			break;
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (kmsg && errno == EAGAIN)
				break;
			/* Records went while we read: the next is the oldest.
			 */
			if (kmsg && errno == EPIPE) {
				kills->overwritten = true;
				continue;
			}
			warn("%s", shown_string(kills->log));
			killlog_end(log);
			return -1;
		}
		if (first && kmsg) {
			/* Records are numbered from the boot on. */
			const char *comma = memchr(room, ',', (size_t)n);

			if (comma == NULL || strncmp(comma, ",0,", 3) != 0)
				kills->overwritten = true;
		} else if (first) {
			program = unpacker(room, (size_t)n);
			if (program != NULL) {
				warnx("%s: not text; read it with: "
				      "%s %s | oom_adjust -k -",
				    shown_string(kills->log), program,
				    fd == STDIN_FILENO
					? "FILE"
					: shown_string(kills->log));
				return -1;
			}
		}
		first = false;
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
		warnx("%s: %s%s", shown_string(file), strerror(errno), hint);
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
		read = open_and_read(&kills, log, KMSG) == 0;
		result = read == 0 ? -1 : 0;
	}
	for (i = 0; i < nfiles; i++) {
		if (open_and_read(&kills, log, files[i]) == 0) {
			read++;
			last_read = kills.log;
		} else {
			result = -1;
		}
	}
	if (last_read != NULL)
		kills.log = last_read;
	killlog_free(log);

	if (json)
		killprint_json(&kills);
	else if (read > 0)
		killprint_text(&kills, read);
	kills_free(&kills);
	return result;
}
