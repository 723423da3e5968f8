/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kills/kill.h"
#include "kills/kills.h"
#include "text.h"

#define KMSG "/dev/kmsg"
#define KMSG_DEVICE makedev(1, 11) /* admin-guide/devices.txt */
#define PROBES 8
#define NEAR 16  /* rows between two lines about one kill without its id */
#define REACH 1  /* seconds between them */
#define REPEAT 5 /* the same where a kill is tried again */

/*
 * The last rule written that may decide for a process named COMM: by its name,
 * the last part of its path, or as much of either as the kernel keeps. The log
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

/*
 * Whether NEXT, a later line in LOG, is about the death in ROW. The kernel
 * repeats itself: a victim in a group is killed once more with its group,
 * lowmemorykiller kills until the process is gone. A page fault without memory,
 * which a victim meets, too, may not name the process id. And one log may be
 * given twice, as syslog and as kern.log. No process id comes back within a
 * second.
 */
static bool
same_kill(const struct kill_row *row, const struct kill *next, const char *log)
{
	const struct kill *x = &row->kill;
	int64_t apart = seconds_apart(&row->last, &next->when);

	if ((x->pid != next->pid && x->pid > 0 && next->pid > 0) ||
	    strcmp(x->comm, next->comm) != 0)
		return false;
	if (x->when.boot >= 0 && x->when.boot == next->when.boot)
		return true;
	if (apart == -1)
		return x->report == next->report;
	if (x->pid != next->pid || x->killer == KILLER_LOWMEMORYKILLER)
		return apart <= REPEAT;
	/* In one log, the clock since the boot may have begun anew. */
	return apart <= REACH &&
	    (next->when.date >= 0 || x->report == next->report ||
		row->log != log);
}

/* FNV-1a */
static uint64_t
hash_string(uint64_t hash, const char *s)
{
	for (; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3;
	return hash;
}

/* Whether the same line has been seen; not for lines without a time. */
static bool
was_seen(struct kills *kills, uint64_t hash, const struct when *when)
{
	uint64_t *seen;
	size_t i;

	if (when->date < 0 && when->boot < 0)
		return false;
	hash = hash_string(hash, when->text) | 1;
	seen = &kills->seen[hash / 2 % (SEEN - PROBES)];
	for (i = 0; i < PROBES && seen[i] != 0; i++)
		if (seen[i] == hash)
			return true;
	seen[i % PROBES] = hash;
	return false;
}

/* The row about the same kill, or NULL. */
static struct kill_row *
find_row(struct kills *kills, const struct kill *kill, uint64_t hash)
{
	struct kill_row *row;
	size_t i;

	for (i = kills->chains[hash % KILLS_MAX];
	     i > 0 && i + KILLS_MAX > kills->n; i = row->chain) {
		row = &kills->rows[i % KILLS_MAX];
		if (same_kill(row, kill, kills->log))
			return row;
	}
	/* One of the two may not name the process id. */
	for (i = kills->n; i > 0 && i + NEAR > kills->n; i--) {
		row = &kills->rows[i % KILLS_MAX];
		if ((kill->pid == 0 || row->kill.pid == 0) &&
		    same_kill(row, kill, kills->log))
			return row;
	}
	return NULL;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct kills *kills = arg;
	uint64_t hash = hash_string((uint64_t)kill->pid, kill->comm);
	bool seen = was_seen(kills, hash, &kill->when);
	size_t *chain = &kills->chains[hash % KILLS_MAX];
	struct kill_row *row;

	if (kill->killer >= KILLER_USER) {
		/* earlyoom repeats its signals. */
		if (!seen && kill->pid != kills->last_user_pid)
			kills->by_user[kill->killer]++;
		kills->last_user_pid = kill->pid > 0 ? kill->pid : -1;
		return;
	}
	row = find_row(kills, kill, hash);
	if (row != NULL) {
		complete_kill(&row->kill, kill);
		row->last = kill->when;
		return;
	}
	if (seen)
		return; /* its row is no longer kept */
	kills->rows[++kills->n % KILLS_MAX] = (struct kill_row) {
		.kill = *kill,
		.last = kill->when,
		.chain = *chain,
		.log = kills->log,
		.rule = find_rule(&kills->config->rules, kill->comm),
	};
	*chain = kills->n;
}

size_t
kept_rows(const struct kills *kills)
{
	return kills->n < KILLS_MAX ? kills->n : KILLS_MAX;
}

const struct kill_row *
kept_row(const struct kills *kills, size_t i)
{
	return &kills->rows[(kills->n - kept_rows(kills) + i + 1) % KILLS_MAX];
}

/* The command that makes text of a file that begins like START, or NULL. */
static const char *
find_converter(const char *start, size_t len)
{
	static const struct {
		const char *magic, *command;
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
			return packed[i].command;
	}
	/* journalctl -o json */
	if (len > 0 && *start == '{' &&
	    memmem(start, len, "\"MESSAGE\"", 9) != NULL)
		return "jq -r 'select(._TRANSPORT == \"kernel\").MESSAGE'";
	return NULL;
}

/* Read the open log FD to its end. Returns 0, or -1 after saying why not. */
static int
read_log(struct kills *kills, struct log *log, int fd)
{
	const char *file = kills->log, *command, *comma;
	bool first = true, kmsg;
	struct stat st;
	ssize_t n;
	size_t len;
	char *room;

	kmsg = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == KMSG_DEVICE;
	/* Do not wait for what has not been logged yet. */
	if (kmsg && fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		warn("%s", KMSG);
	log_start(log, kmsg);
	for (;; first = false) {
		room = log_room(log, &len);
		n = read(fd, room, len);
		if (n < 0 && kmsg && errno == EAGAIN)
			n = 0;
		if (n == 0)
			break;
		if (n < 0 && kmsg && errno == EPIPE) {
			/* Records were overwritten; go on with the oldest. */
			kills->overwritten = true;
			continue;
		}
		if (n < 0) {
			complain(file, 0, "%s", strerror(errno));
			break;
		}
		if (first && kmsg) {
			/* The boot's first record has number 0. */
			comma = memchr(room, ',', (size_t)n);
			kills->overwritten |=
			    comma == NULL || strncmp(comma, ",0,", 3) != 0;
		} else if (first &&
		    (command = find_converter(room, (size_t)n)) != NULL) {
			complain(file, 0,
			    "not text; read it with: %s %s | oom_adjust -k -",
			    command, fd == STDIN_FILENO ? "FILE" : file);
			return -1;
		}
		log_filled(log, (size_t)n);
	}
	log_filled(log, 0);
	kills->announced += log_announced(log);
	return n < 0 ? -1 : 0;
}

static int
open_and_read(struct kills *kills, struct log *log, const char *file)
{
	bool kmsg = strcmp(file, KMSG) == 0;
	int fd, result;

	if (strcmp(file, "-") == 0) {
		kills->log = "standard input";
		return read_log(kills, log, STDIN_FILENO);
	}
	kills->log = file;
	if ((fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		complain(file, 0, "%s%s", strerror(errno),
		    !kmsg ? ""
			: errno == EPERM || errno == EACCES
			? " (only root and CAP_SYSLOG may read it where "
			  "kernel.dmesg_restrict is 1)"
			: " (try: journalctl -k | oom_adjust -k -)");
		return -1;
	}
	result = read_log(kills, log, fd);
	close(fd);
	return result;
}

int
kills_run(
    const struct config *config, char *const *files, size_t nfiles, bool json)
{
	static char kmsg[] = KMSG;
	static char *const kernel[] = { kmsg };
	long page_size = sysconf(_SC_PAGESIZE);
	struct kills *kills = calloc(1, sizeof(*kills));
	struct log *log;
	const char *last_read = NULL;
	size_t i;
	int result = 0;

	/* A log of another machine is taken to be of one like this. */
	log = log_new(
	    page_size > 0 ? (uint64_t)page_size : 4096, add_kill, kills);
	if (log == NULL || kills == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	kills->config = config;
	kills->last_user_pid = -1;
	if (nfiles == 0) {
		files = kernel;
		nfiles = 1;
	}
	for (i = 0; i < nfiles; i++) {
		if (open_and_read(kills, log, files[i]) == 0) {
			kills->nlogs++;
			last_read = kills->log;
		} else {
			result = -1;
		}
	}
	kills->log = last_read;
	log_free(log);
	if (json)
		print_table(kills, true);
	else if (kills->nlogs > 0 || kills->n > 0)
		print_kills(kills);
	free(kills);
	return result;
}
