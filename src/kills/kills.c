/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kills/kills.h"

#define KMSG "/dev/kmsg"
#define SETS 512 /* of kills that are recognized */
#define WAYS 64  /* kills in each */
#define REACH 1  /* seconds between the lines about one */
#define REPEAT 5 /* the same where a kill is tried again */

/* The newest kills, to recognize them: by their hash, the newest first. */
static struct seen {
	uint64_t hash;    /* of its process id and comm */
	struct when when; /* the last line about it was written */
	unsigned long report;
	const char *log;
	size_t row; /* 0 for kills in user space */
} seen[SETS][WAYS], *newest = seen[0];

/*
 * Whether KILL, of the same process, is the kill X: a kernel reports it twice
 * or tries again, or it is in two logs. No id comes back within a second.
 */
static bool
same_kill(const struct seen *x, const struct kill *kill, const char *log)
{
	int64_t apart = seconds_apart(&x->when, &kill->when);

	if (apart == -1)
		return x->report == kill->report;
	if (kill->value[PID] == UNKNOWN || kill->killer >= KILLER_LOWMEM)
		return apart <= REPEAT;
	/* In one log, the clock since the boot may have begun anew. */
	return apart <= REACH &&
	    (kill->when.date >= 0 || x->when.boot == kill->when.boot ||
		x->report == kill->report || x->log != log);
}

/* The same kill, or NULL. */
static struct seen *
find_seen(struct kills *kills, const struct kill *kill, uint64_t hash)
{
	struct seen *x = seen[hash % SETS];
	size_t i;

	for (i = 0; i < WAYS; i++, x++)
		if (x->hash == hash && same_kill(x, kill, kills->log))
			return x;
	/* Of two lines in a row, one may not name the process id. */
	if (newest->row > 0 && same_kill(newest, kill, kills->log) &&
	    (kill->value[PID] == UNKNOWN ||
		kills->end[-1].value[PID] == UNKNOWN) &&
	    strcmp(kill->comm, kills->end[-1].comm) == 0)
		return newest;
	return NULL;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct kills *kills = arg;
	uint64_t hash = (uint64_t)kill->value[PID] * 0x100000001b3;
	struct seen *x;
	const char *p;
	size_t row = 0, back;

	for (p = kill->comm; *p != '\0'; p++) /* FNV-1a */
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
	if ((x = find_seen(kills, kill, hash)) != NULL) {
		x->when = kill->when;
		back = kills->n - x->row;
		if (x->row > 0 && back < (size_t)(kills->end - kills->rows))
			complete_kill(kills->end - 1 - back, kill);
		return;
	}
	if (kill->killer >= KILLER_OOMD)
		kills->by_user[kill->killer]++;
	else {
		row = ++kills->n;
		if (kills->end == kills->rows + COUNT(kills->rows))
			kills->end = mempcpy(kills->rows,
			    kills->rows + KILLS_MAX, sizeof(kills->rows) / 2);
		*kills->end = *kill;
		kills->end++->log = kills->log;
	}
	newest = seen[hash % SETS];
	memmove(newest + 1, newest, (WAYS - 1) * sizeof(*newest));
	*newest =
	    (struct seen) { hash, kill->when, kill->report, kills->log, row };
}

/* The command that makes text of a file that begins with DATA, or NULL. */
static const char *
find_converter(const char *data)
{
	static const char *const packed[][2] = {
		{ "\x1f\x8b", "zcat" },
		{ "\xfd\x37zXZ", "xzcat" },
		{ "\x28\xb5\x2f\xfd", "zstdcat" },
		{ "BZh", "bzcat" },
		{ "LPKSHHRH", "journalctl -k --file" },
	};
	size_t i;

	for (i = 0; i < COUNT(packed); i++)
		if (strncmp(data, packed[i][0], strlen(packed[i][0])) == 0)
			return packed[i][1];
	return *data == '{' && strstr(data, "\"MESSAGE\"") != NULL
	    ? "jq -r 'select(._TRANSPORT == \"kernel\").MESSAGE'"
	    : NULL; /* journalctl -o json */
}

/* Read the log FILE, or say why not. */
static void
read_log(struct kills *kills, struct log *log, const char *file)
{
	const char *command = NULL;
	bool kmsg, first = true;
	char data[CHUNK + 1];
	int fd = strcmp(file, "-") == 0
	    ? STDIN_FILENO
	    : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd == -1) {
		complain(file, 0, "%s%s", strerror(errno),
		    strcmp(file, KMSG) != 0
			? ""
			: " (it needs root where kernel.dmesg_restrict is 1; "
			  "or try: journalctl -k | oom_adjust -k -)");
		return;
	}
	kills->log = fd == STDIN_FILENO ? "standard input" : file;
	kmsg = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(1, 11); /* admin-guide/devices.txt */
	/* Do not wait for what has not been logged yet. */
	if (kmsg && fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		complain(file, 0, "%s", strerror(errno));
	log_start(log, kmsg);
	while ((n = read(fd, data, CHUNK)) != 0) {
		/* Records were overwritten: go on with the oldest. */
		if (n < 0 && kmsg && errno == EPIPE) {
			kills->overwritten = true;
			continue;
		}
		if (n < 0)
			break;
		data[n] = '\0';
		/* The boot's first record has number 0. */
		if (first && kmsg)
			kills->overwritten |=
			    strncmp(strchrnul(data, ','), ",0,", 3) != 0;
		else if (first && (command = find_converter(data)) != NULL)
			break;
		first = false;
		log_read(log, data, (size_t)n);
	}
	if (command != NULL)
		complain(kills->log, 0,
		    "not text; read it with: %s %s | oom_adjust -k -", command,
		    fd == STDIN_FILENO ? "FILE" : file);
	else if (n < 0 && !(kmsg && errno == EAGAIN))
		complain(kills->log, 0, "%s", strerror(errno));
	else {
		kills->nlogs++;
		kills->last_log = kills->log;
	}
	log_read(log, data, 0);
	if (fd != STDIN_FILENO)
		close(fd);
}

int
kills_run(
    const struct config *config, char *const *files, size_t nfiles, bool json)
{
	static struct kills kills;
	static struct log log = { .fn = add_kill, .arg = &kills };
	size_t i;

	/* A log of another machine is taken to be of one like this. */
	page_size = sysconf(_SC_PAGESIZE);
	kills.config = config;
	kills.end = kills.rows;
	if (nfiles == 0)
		read_log(&kills, &log, KMSG);
	for (i = 0; i < nfiles; i++)
		read_log(&kills, &log, files[i]);
	kills.first = kills.n > KILLS_MAX ? kills.end - KILLS_MAX : kills.rows;
	if (json)
		print_table(&kills, true);
	else if (kills.nlogs > 0 || kills.n > 0)
		print_kills(&kills, log.announced);
	return kills.nlogs == (nfiles > 0 ? nfiles : 1) ? 0 : -1;
}
