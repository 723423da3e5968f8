/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "kills/kills.h"

#define CORPUS "tests/corpus/kills/"

/* What the log gave. */
struct seen {
	size_t n;
	struct kill kill[64];
};

static void
see(const struct kill *kill, void *arg)
{
	struct seen *seen = arg;

	if (seen->n < sizeof(seen->kill) / sizeof(seen->kill[0]))
		seen->kill[seen->n] = *kill;
	seen->n++;
}

static struct seen seen;

static const char *const killer_names[KILLERS] = { "-", "oom", "memcg",
	"lowmemorykiller", "systemd-oomd", "earlyoom", "lmkd" };

static struct log log = { .fn = see, .arg = &seen };

/* Put LEN bytes in, PIECE at a time; 0 is as many as can be. */
static void
put(const char *text, size_t len, size_t piece)
{
	if (piece == 0)
		piece = CHUNK;
	for (; len > piece; text += piece, len -= piece)
		log_read(&log, text, piece);
	if (len > 0)
		log_read(&log, text, len);
}

static void
read_text(const char *text, size_t len, size_t piece, bool kmsg)
{
	seen.n = 0;
	log_start(&log, kmsg);
	put(text, len, piece);
	log_read(&log, "", 0);
}

static void
read_string(const char *text)
{
	read_text(text, strlen(text), 0, false);
}

static FILE *
corpus(const char *name)
{
	char path[4096];
	const char *top = getenv("TOP");
	FILE *file;

	snprintf(path, sizeof(path), "%s/" CORPUS "%s", top ? top : ".", name);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	return file;
}

/* "-" or a number. */
static void
number_text(
    char *dst, size_t size, bool has, long long value, const char *after)
{
	if (has)
		snprintf(dst, size, "%lld%s", value, after);
	else
		snprintf(dst, size, "-");
}

static void
test_formats(void **state)
{
	FILE *file = corpus("formats");
	char *line = NULL, got[512], uid[32], rss[32], adj[32], pid[32];
	const char *message, *k;
	size_t size = 0;
	ssize_t n;
	int i, lines = 0;

	(void)state;
	while ((n = getline(&line, &size, file)) > 0) {
		if (line[0] == '#')
			continue;
		message = line;
		for (i = 0; i < 6; i++) {
			message = strchr(message, '\t');
			assert_non_null(message);
			message++;
		}
		read_string(message);
		assert_true(seen.n <= 1);
		if (seen.n == 0) {
			snprintf(got, sizeof(got), "none\t-\t-\t-\t-\t-\t");
		} else {
			const struct kill *kill = &seen.kill[0];

			k = kill->scale == NULL ? "?" : "";
			number_text(pid, sizeof(pid),
			    kill->value[PID] != UNKNOWN, kill->value[PID], "");
			number_text(uid, sizeof(uid),
			    kill->value[UID] != UNKNOWN, kill->value[UID], "");
			number_text(rss, sizeof(rss),
			    kill->value[RSS] != UNKNOWN,
			    (long long)kill->value[RSS], "");
			number_text(adj, sizeof(adj),
			    kill->value[ADJ] != UNKNOWN, kill->value[ADJ], k);
			snprintf(got, sizeof(got), "%s\t%s\t%s\t%s\t%s\t%s\t",
			    killer_names[kill->killer], pid, kill->comm, uid,
			    rss, adj);
		}
		if (strncmp(got, line, strlen(got)) != 0)
			fail_msg("got  %s\nwant %s", got, line);
		lines++;
	}
	assert_true(lines > 50);
	free(line);
	fclose(file);
}

static void
test_prefixes(void **state)
{
	static const char kill[] = "Killed process 7 (x)";
	FILE *file = corpus("prefixes");
	char *line = NULL, *prefix, text[512];
	const char *got;
	size_t size = 0;
	int lines = 0;

	(void)state;
	while (getline(&line, &size, file) > 0) {
		if (line[0] == '#')
			continue;
		prefix = strchr(line, '\t');
		assert_non_null(prefix);
		*prefix++ = '\0';
		prefix[strcspn(prefix, "|")] = '\0';
		snprintf(text, sizeof(text), "%s%s\n", prefix, kill);
		read_string(text);
		got = seen.n == 0                  ? "reject"
		    : seen.kill[0].time[0] == '\0' ? "-"
						   : seen.kill[0].time;
		if (strcmp(got, line) != 0)
			fail_msg("%s: got %s, want %s", text, got, line);
		lines++;
	}
	assert_true(lines > 40);
	free(line);
	fclose(file);
}

/* What came out, in the form of the corpus: a line for each kill. */
static void
describe_kills(char *dst, size_t size)
{
	char comm[4 * NAME_SIZE], uid[32], rss[32], adj[32], pid[32];
	size_t i, n = 0;

	dst[0] = '\0';
	for (i = 0; i < seen.n && n < size; i++) {
		const struct kill *kill = &seen.kill[i];

		number_text(pid, sizeof(pid), kill->value[PID] != UNKNOWN,
		    kill->value[PID], "");
		number_text(uid, sizeof(uid), kill->value[UID] != UNKNOWN,
		    kill->value[UID], "");
		number_text(rss, sizeof(rss), kill->value[RSS] != UNKNOWN,
		    (long long)kill->value[RSS], "");
		number_text(adj, sizeof(adj), kill->value[ADJ] != UNKNOWN,
		    kill->value[ADJ], "");
		snprintf(comm, sizeof(comm), "%s", kill->comm);
		if (strchr(comm, '\n') != NULL)
			*strchr(comm, '\n') = '|';
		n += (size_t)snprintf(dst + n, size - n,
		    "= %s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		    kill->time[0] != '\0' ? kill->time : "-",
		    killer_names[kill->killer], pid, comm, uid, rss, adj);
	}
}

static void
check_shape(const char *name, const char *want, const char *log)
{
	char got[1024];

	read_string(log);
	describe_kills(got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s%sgot\n%swant\n%s", name, log, got, want);
	/* without the last newline, and byte by byte */
	read_text(log, strlen(log) - 1, 1, false);
	describe_kills(got, sizeof(got));
	assert_string_equal(got, want);
}

static void
test_shapes(void **state)
{
	FILE *file = corpus("shapes");
	char *line = NULL, name[256] = "", want[1024] = "", log[8192] = "";
	size_t size = 0;
	int shapes = 0, others = 0;

	(void)state;
	while (getline(&line, &size, file) > 0) {
		if (line[0] == '@') {
			if (name[0] != '\0')
				check_shape(name, want, log);
			snprintf(name, sizeof(name), "%s", line);
			want[0] = log[0] = '\0';
			if (strncmp(name, "@ other", 7) == 0)
				others++;
			else
				shapes++;
		} else if (line[0] == '=' && line[1] == ' ') {
			strcat(want, line);
		} else if (name[0] != '\0') {
			strcat(log, line);
		}
	}
	check_shape(name, want, log);
	assert_true(shapes > 60);
	assert_true(others > 15);
	free(line);
	fclose(file);
}

/* A pattern that no line is searched for would never match. */
static void
test_words(void **state)
{
	const char *pattern, *no = "kill -9 1";
	char word[96];
	size_t i;

	(void)state;
	for (i = 0; (pattern = message_pattern(i)) != NULL; i++) {
		if (strncasecmp(pattern, "kill", 4) != 0 &&
		    strncmp(pattern, WORD_SIGNAL, strlen(WORD_SIGNAL)) != 0)
			fail_msg("no line is searched for: %s", pattern);
		snprintf(word, sizeof(word), "%s", pattern);
		word[strcspn(word, "%")] = '\0';
		strcat(word, word[strlen(word) - 1] == ' ' ? "1    " : "a    ");
		if (*word != *WORD_SIGNAL &&
		    find_word(word, strchr(word, '\0')) != word)
			fail_msg("not let through: %s", pattern);
	}
	assert_true(i > 20);
	assert_ptr_equal(find_word(no, no + strlen(no)), no + strlen(no));
}

/* The table is used without the line that begins a report. */
static void
test_biggest(void **state)
{
	static const char head[] = "[  pid  ]   uid  tgid total_vm      rss "
				   "rss_anon pgtables_bytes swapents "
				   "oom_score_adj name\n";
	static const char rows[] =
	    "[    100]  1000   100    50000    10000     9000   0   0   5 a b\n"
	    "[    101]  1000   101    50000    10001     9000   0   0   0 web\n"
	    "[    102]     0   102    50000     9999     9000   0   0   0 web\n"
	    "[    103]     0   103    50000        0        0   0   0   0 no\n"
	    "[    104]     0   104    50000      300        0   0   0   0 sh\n"
	    "[    105]     0   105    50000      299        0   0   0   0 ba\n"
	    "app[1]: [ 106]  0 106  50000  900000     0   0   0   0 trick\n"
	    "Killed process 100 (a b)\n"
	    "Killed process 101 (other)\n";
	static char big[32768];
	char text[2048];
	const char *biggest = seen.kill[0].biggest;
	size_t n;

	(void)state;
	snprintf(text, sizeof(text), "%s%s", head, rows);
	read_string(text);
	assert_int_equal(seen.n, 2);
	assert_string_equal(
	    biggest, "web 78M in 2 processes, a b 39M, sh 1.2M");
	assert_int_equal(seen.kill[0].value[UID], 1000);
	assert_int_equal(seen.kill[0].value[RSS], 10000 * 4096);
	assert_int_equal(seen.kill[0].value[ADJ], 5);
	/* the same process id, but not who the table had */
	assert_true(seen.kill[1].value[UID] == UNKNOWN);
	assert_string_equal(seen.kill[1].biggest, biggest);
	/* prefixes of different lengths, and long ones */
	read_string(
	    "10.0.0.7: kern:    info: [2026-02-17T03:12:44.120441007Z]: "
	    "[ pid ] uid tgid total_vm rss name\n"
	    "10.0.0.7: kern:    info: [2026-02-17T03:12:44.12044107Z]: "
	    "[    7]   3    7        9   9 x\n"
	    "10.0.0.7: kern: warning: [2026-02-17T03:12:44.120441009Z]: "
	    "[    8]   4    8        9   9 y\n"
	    "10.0.0.7: kern:     err: [2026-02-17T03:12:44.120441010Z]: "
	    "Killed process 7 (x)\n"
	    "10.0.0.7: kern:     err: [2026-02-17T03:12:44.120441010Z]: "
	    "Killed process 8 (y)\n");
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.kill[0].value[UID], 3);
	assert_int_equal(seen.kill[1].value[UID], 4);
	/* another program's table */
	snprintf(text, sizeof(text), "app[1]: %s%s", head, rows);
	read_string(text);
	assert_int_equal(seen.n, 2);
	assert_string_equal(biggest, "");
	/* a heading of another program, after the first kill */
	snprintf(text, sizeof(text), "%s%s%s", head, rows,
	    "app[1]: tgid total_vm\n"
	    "Killed process 100 (a b) again\n"
	    "Killed process 103 (no)\n");
	read_string(text);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.kill[3].value[UID], 0);
	assert_string_equal(seen.kill[3].biggest, biggest);
	assert_int_equal(strncmp(biggest, "web 78M ", 8), 0);
	/* lines of others that end in a row, and a process without a name */
	snprintf(text, sizeof(text), "%s%s%s%s%s", head,
	    "app[1]: connect from unknown[10]\n"
	    "app[1]: [ 10\n",
	    "[    110]     0   110    50000        7        0   0   0   0 \n",
	    rows, "app[1]: tgid total_vm\nKilled process 103 (no)\n");
	read_string(text);
	assert_int_equal(seen.n, 3);
	assert_int_equal(strncmp(biggest, "web 78M ", 8), 0);
	assert_string_equal(seen.kill[2].biggest, biggest);
	/* a table with a gap stays unused when others write of one */
	snprintf(text, sizeof(text), "%s%s%s%s", head,
	    "[    110]     0   110    50000        7        0   0   0   0\n"
	    "hog\n",
	    rows, "app[1]: tgid total_vm\nKilled process 103 (no)\n");
	read_string(text);
	assert_int_equal(seen.n, 3);
	assert_string_equal(biggest, "");
	assert_string_equal(seen.kill[2].biggest, "");
	/* more memory than any machine has */
	for (n = (size_t)snprintf(big, sizeof(big), "%s", head);
	     n < sizeof(big) - 128;)
		n += (size_t)snprintf(big + n, 128,
		    "[%zu] 0 %zu 9 8796093022207 0 0 0 0 x\n", n, n);
	strcpy(big + n, "Killed process 7 (x)\n");
	read_string(big);
	assert_int_equal(seen.n, 1);
	assert_null(strchr(biggest, '-'));
	/* a report much later than the table */
	read_string("[  100.000001] [ pid ] uid tgid total_vm rss name\n"
		    "[  100.000001] [    7]   0    7        9   9 x\n"
		    "[ 9100.000001] Killed process 7 (x)\n");
	assert_true(seen.kill[0].value[UID] == UNKNOWN);
}

/* Kills by user-space programs, which log under their own names. */
static void
test_user_space(void **state)
{
	static const char text[] =
	    "Nov 20 10:00:01 host systemd-oomd[7]: Killed /a/b/c due to memory "
	    "pressure for /a being 70.00% > 50.00% for > 20s\n"
	    "Nov 20 10:00:01 host app[7]: Killed /a/b/c due to memory\n"
	    "Nov 20 10:00:01 host systemd-oomd[7]: Killed process 9 (x)\n"
	    "Nov 20 10:00:01 host app[7]: Kill 'x' (9), uid 5, more\n"
	    "Nov 20 10:00:02 host earlyoom[8]: sending SIGTERM to process 12 "
	    "uid 1000 \"x\": badness 300\n"
	    "Nov 20 10:00:02 host app[8]: sending SIGTERM to process 12 x\n"
	    "Nov 20 10:00:02 host earlyoom[8]: sending SIGTERM when mem is\n"
	    "11-20 10:00:03.000   811   811 I lowmemorykiller: Kill "
	    "'org.demo.app' (31), uid 10061, oom_score_adj 920 to free 8kB\n";
	static const enum killer killers[] = { KILLER_OOMD, KILLER_EARLYOOM,
		KILLER_LMKD };
	size_t i;

	(void)state;
	read_string(text);
	assert_int_equal(seen.n, 3);
	for (i = 0; i < seen.n; i++)
		assert_int_equal(seen.kill[i].killer, killers[i]);
	assert_int_equal(seen.kill[1].value[PID], 12);
}

static const char report[] =
    "[  100.000001] java invoked oom-killer: gfp_mask=0xd0, order=0\n"
    "[  100.000002] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents "
    "oom_score_adj name\n"
    "[  100.000003] [    5]     0     5     1000      100      12        0 "
    "            0 five\n"
    "[  100.000004] [   75]  1001    75     1000      100      12        0 "
    "         -100 other\n"
    "[  100.000005] [ 4275]  1002  4275     1000      100      12        0 "
    "          300 java\n"
    "[  100.000006] Memory cgroup out of memory: Kill process 4275 (java) "
    "score 9 or sacrifice child\n"
    "[  100.000007] Killed process 4275 (java) total-vm:9kB, anon-rss:8kB, "
    "file-rss:0kB\n"
    "[  200.000001] lowmemorykiller: Killing 'app' (77), adj 900,\n"
    "[  200.000002]    to free 20kB on behalf of 'kswapd0' (4) because\n"
    "[  300.000001] Killed process 75 (other)\r\n"
    "[  300.000002] Killed process 5 (five)";

static void
check_report(void)
{
	const struct kill *kill = seen.kill;

	assert_int_equal(seen.n, 4);
	assert_int_equal(kill[0].value[PID], 4275);
	assert_int_equal(kill[0].killer, KILLER_MEMCG);
	assert_int_equal(kill[0].value[UID], 1002);
	assert_int_equal(kill[0].value[RSS], 8192);
	assert_int_equal(kill[0].value[ADJ], 300);
	assert_string_equal(kill[0].scale, "oom_score_adj");
	assert_int_equal(kill[1].value[PID], 77);
	assert_int_equal(kill[1].killer, KILLER_LOWMEM);
	assert_int_equal(kill[1].value[RSS], 20 * 1024);
	assert_true(kill[1].value[UID] == UNKNOWN);
	assert_int_equal(kill[2].value[PID], 75);
	assert_int_equal(kill[2].killer, KILLER_UNKNOWN);
	assert_int_equal(kill[2].value[UID], 1001);
	assert_int_equal(kill[2].value[RSS], 100 * 4096);
	assert_int_equal(kill[2].value[ADJ], -100);
	assert_int_equal(kill[3].value[PID], 5);
	assert_int_equal(kill[3].value[ADJ], 0);
	assert_int_equal(kill[3].report, kill[0].report);
	assert_int_equal(kill[3].when.boot, 300000002);
	assert_int_equal(kill[3].when.date, -1);
}

/* However the log comes in. */
static void
test_pieces(void **state)
{
	size_t piece;

	(void)state;
	for (piece = 0; piece < sizeof(report); piece++) {
		read_text(report, sizeof(report) - 1, piece, false);
		check_report();
	}
}

/* Much text before, in and after a report; the buffer moves. */
static void
test_between(void **state)
{
	static const char filler[] =
	    "Nov 20 10:00:01 host app[1]: skill, will and overkill\n";
	static char text[3 * 1024 * 1024];
	const char *second = strstr(report, "[  100.000006]");
	size_t n, before, between;

	(void)state;
	for (before = 0; before < 40000; before += 9973) {
		for (between = 0; between < 4500; between += 1021) {
			n = 0;
			for (size_t i = 0; i < before; i++, n += 54)
				memcpy(text + n, filler, 54);
			memcpy(text + n, report, (size_t)(second - report));
			n += (size_t)(second - report);
			for (size_t i = 0; i < between; i++, n += 54)
				memcpy(text + n, filler, 54);
			memcpy(text + n, second, strlen(second));
			n += strlen(second);
			read_text(text, n, 0, false);
			check_report();
		}
	}
}

/*
 * Lines no kernel writes: too long, with NUL, which a crash leaves in files,
 * without end.
 */
static void
test_odd_lines(void **state)
{
	static char text[2 * 1024 * 1024];
	static const char kill[] = "\nKilled process 6 (y)\n";
	static const char lmk[] = "Killing 'z' (8), adj 1,\n";
	static const char nul[] = "Killed process 7 (x\0y)\n"
				  "Killed process 7 (x)\0\n";
	size_t n;

	(void)state;
	read_text(nul, sizeof(nul) - 1, 0, false);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.kill[0].comm, "x y");
	assert_string_equal(seen.kill[1].comm, "x");
	read_string("");
	assert_int_equal(seen.n, 0);
	read_string("\n\n\nkill\nKill");
	assert_int_equal(seen.n, 0);

	memset(text, ')', sizeof(text));
	memcpy(text, "Killed process 5 (x", 19);
	for (n = 301; n < sizeof(text); n = n * 3 + 1) {
		memcpy(text + n - sizeof(kill) + 1, kill, sizeof(kill) - 1);
		read_text(text, n, 0, false);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.kill[0].value[PID], 6);
		read_text(text, n, 997, false);
		assert_int_equal(seen.n, 1);
		memset(text + n - sizeof(kill) + 1, ')', sizeof(kill) - 1);
	}
	/* A line that wants more lines after it, which never end. */
	memset(text, 'x', sizeof(text));
	memcpy(text, lmk, sizeof(lmk) - 1);
	read_text(text, sizeof(text), 0, false);
	assert_int_equal(seen.n, 1);
	read_text(text, sizeof(text), 1000, false);
	assert_int_equal(seen.n, 1);
	/* Nothing but hits. */
	for (n = 0; n + 4 <= sizeof(text); n += 4)
		memcpy(text + n, n % 4096 == 0 ? "\n(x)" : "Kill", 4);
	read_text(text, sizeof(text), 0, false);
	assert_int_equal(seen.n, 0);
}

/* /dev/kmsg escapes bytes, joins lines in a record, and adds variables. */
static void
test_kmsg(void **state)
{
	static const char records[] =
	    "6,1,1000000,-;lowmemorykiller: Killing 'a\\x1bb' (9), adj 900,"
	    "\\x0a   to free 4kB on behalf of 'kswapd0' (47) because\\x0a   "
	    "cache 8kB is below limit 12kB for oom_score_adj 900\n"
	    " SUBSYSTEM=memory\n"
	    " DEVICE=Killed process 5 (x)\n"
	    "Killed process 5 (x)\n"
	    "6,2,2000000,-;process 'x\\x0aKilled process 5 (x)' started\n"
	    "4,3,3000000,-;Out of memory: Killed process 4 (\\xff\\x5c) "
	    "total-vm:1kB\n"
	    "12,4,4000000,-;Killed process 5 (x)\n"
	    "3,5,5000000,-;Out of memory: Killed process 6 (a\\x0ab) "
	    "total-vm:1kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n"
	    "3,6,6000000,-;Out of memory: Killed process 7 (a) rss:9kB\\x0a) "
	    "total-vm:1kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB\n";

	(void)state;
	read_text(records, sizeof(records) - 1, 0, true);
	assert_int_equal(seen.n, 4);
	assert_string_equal(seen.kill[0].time, "1.000000");
	assert_string_equal(seen.kill[0].comm, "a\033b");
	assert_int_equal(seen.kill[0].value[RSS], 4096);
	assert_string_equal(seen.kill[1].comm, "\xff\\");
	assert_string_equal(seen.kill[2].comm, "a\nb");
	assert_int_equal(seen.kill[2].value[RSS], 4096);
	assert_string_equal(seen.kill[3].comm, "a) rss:9kB\n");
	assert_int_equal(seen.kill[3].value[RSS], 4096);
}

/* Who was it? The lines before say so, up to the next report. */
static void
test_killers(void **state)
{
	static const char text[] =
	    "Task in /a killed as a result of limit of /a\n"
	    "Killed process 1 (a)\n"
	    "Killed process 2 (b)\n"
	    "Memory cgroup out of memory: Kill process 3 (c) score 9 or a\n"
	    "x invoked oom-killer: gfp_mask=0xd0\n"
	    "Killed process 4 (d)\n"
	    "Tasks in /a are going to be killed due to memory.oom.group set\n"
	    "Killed process 5 (e)\n"
	    "Killed process 6 (f)\n"
	    "Out of memory: Kill process 7 (g) score 9 or sacrifice child\n"
	    "Killed process 7 (g)\n"
	    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
	    "task_memcg=/a,pid=1,uid=7,task=h,pid=9,uid=3,pid=8,uid=1000\n"
	    "Killed process 8 (h,pid=9,uid=3)\n"
	    "Kill process 9 (i) sharing same memory\n";
	static const enum killer killers[] = { KILLER_MEMCG, KILLER_UNKNOWN,
		KILLER_UNKNOWN, KILLER_MEMCG, KILLER_MEMCG, KILLER_OOM,
		KILLER_MEMCG, KILLER_MEMCG };
	size_t i;

	(void)state;
	read_string(text);
	assert_int_equal(seen.n, sizeof(killers) / sizeof(killers[0]));
	for (i = 0; i < seen.n; i++)
		assert_int_equal(seen.kill[i].killer, killers[i]);
	assert_true(seen.kill[6].value[UID] != UNKNOWN);
	assert_int_equal(seen.kill[6].value[UID], 1000);
}

/* A report begins with a comm, and only with one. */
static void
test_reports(void **state)
{
	static const char text[] =
	    "[1.0] Killed process 1 (a)\n"
	    "[2.0] tmux: server invoked oom-killer: gfp_mask=0xd0\n"
	    "[2.0] Killed process 2 (b)\n"
	    "[2.0] Memory cgroup stats for /x invoked oom-killer: y\n"
	    "[2.0] process '/x invoked oom-killer: ' started with a stack\n"
	    "[2.0] Killed process 3 (c)\n"
	    "[3.0] bash invoked oom-killer: gfp_mask=0xd0\n"
	    "[3.0] Killed process 4 (d)\n";

	(void)state;
	read_string(text);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.kill[1].report, seen.kill[0].report + 1);
	assert_int_equal(seen.kill[2].report, seen.kill[1].report);
	assert_int_equal(seen.kill[3].report, seen.kill[2].report + 1);
	/* A name may have as many newlines as bytes. */
	read_string("[1.0] Killed process 5 (\n      a\n      \n      \n"
		    "      \n      \n      b) total-vm:1kB, anon-rss:4kB\n");
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.kill[0].comm, "\na\n\n\n\n\nb");
	assert_int_equal(seen.kill[0].value[RSS], 4096);
}

/* A new log knows nothing of the last one. */
static void
test_start(void **state)
{
	(void)state;
	seen.n = 0;
	log_start(&log, false);
	put("Task in /a killed as a result of limit of /a\nKilled", 51, 0);
	log_start(&log, false);
	put(" process 1 (x)\nKilled process 2 (y)\n", 36, 0);
	log_read(&log, "", 0);
	log_start(&log, false);
	put("Killed process 3 (z)\n", 21, 0);
	log_read(&log, "", 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.kill[0].value[PID], 2);
	assert_int_equal(seen.kill[0].killer, KILLER_UNKNOWN);
	assert_true(seen.kill[0].report != seen.kill[1].report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_biggest),
		cmocka_unit_test(test_user_space),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_kmsg),
		cmocka_unit_test(test_killers),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("killlog", tests, NULL, NULL);
}
