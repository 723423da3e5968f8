/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kills/log.h"

#define CORPUS "tests/corpus/kills/"

/* What came out. */
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

/* Put LEN bytes in, PIECE at a time; 0 is as many as there is room for. */
static void
put(struct killlog *log, const char *text, size_t len, size_t piece)
{
	size_t room;

	while (len > 0) {
		char *p = killlog_room(log, &room);

		assert_true(room > 0);
		if (piece > 0 && room > piece)
			room = piece;
		if (room > len)
			room = len;
		memcpy(p, text, room);
		killlog_filled(log, room);
		text += room;
		len -= room;
	}
}

static void
read_text(const char *text, size_t len, size_t piece, bool kmsg)
{
	struct killlog *log = killlog_new(4096, see, &seen);

	assert_non_null(log);
	seen.n = 0;
	killlog_start(log, kmsg);
	put(log, text, len, piece);
	killlog_end(log);
	killlog_free(log);
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
text_of(char *dst, size_t size, bool has, long long value, const char *behind)
{
	if (has)
		snprintf(dst, size, "%lld%s", value, behind);
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

			k = kill->scale == SCALE_UNKNOWN ? "?" : "";
			text_of(pid, sizeof(pid), kill->pid > 0, kill->pid, "");
			text_of(uid, sizeof(uid), kill->has_uid, kill->uid, "");
			text_of(rss, sizeof(rss), kill->has_rss,
			    (long long)kill->rss, "");
			text_of(adj, sizeof(adj), kill->has_adj, kill->adj, k);
			snprintf(got, sizeof(got), "%s\t%s\t%s\t%s\t%s\t%s\t",
			    killer_name(kill->killer), pid, kill->comm, uid,
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
	assert_int_equal(kill[0].pid, 4275);
	assert_int_equal(kill[0].killer, KILLER_MEMCG);
	assert_int_equal(kill[0].uid, 1002);
	assert_int_equal(kill[0].rss, 8192);
	assert_int_equal(kill[0].adj, 300);
	assert_int_equal(kill[0].scale, SCALE_OOM_SCORE_ADJ);
	assert_int_equal(kill[1].pid, 77);
	assert_int_equal(kill[1].killer, KILLER_LOWMEMORYKILLER);
	assert_int_equal(kill[1].rss, 20 * 1024);
	assert_false(kill[1].has_uid);
	assert_int_equal(kill[2].pid, 75);
	assert_int_equal(kill[2].killer, KILLER_OOM);
	assert_int_equal(kill[2].uid, 1001);
	assert_int_equal(kill[2].rss, 100 * 4096);
	assert_int_equal(kill[2].adj, -100);
	assert_int_equal(kill[3].pid, 5);
	assert_int_equal(kill[3].adj, 0);
	assert_int_equal(kill[3].event, kill[0].event);
	assert_int_equal(kill[3].clock, 300);
	assert_int_equal(kill[3].clock_kind, CLOCK_BOOT);
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

/* Much text before, in and behind a report; the buffer moves. */
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

/* Lines no kernel writes: too long, with NUL, without end. */
static void
test_odd_lines(void **state)
{
	static char text[2 * 1024 * 1024];
	static const char kill[] = "\nKilled process 6 (y)\n";
	static const char lmk[] = "Killing 'z' (8), adj 1,\n";
	static const char nul[] = "Killed process 7 (x\0y)\n";
	size_t n;

	(void)state;
	read_text(nul, sizeof(nul) - 1, 0, false);
	assert_int_equal(seen.n, 0);
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
		assert_int_equal(seen.kill[0].pid, 6);
		read_text(text, n, 997, false);
		assert_int_equal(seen.n, 1);
		memset(text + n - sizeof(kill) + 1, ')', sizeof(kill) - 1);
	}
	/* The lines behind one that wants them never end. */
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

/* /dev/kmsg escapes bytes, puts lines into one record and variables behind. */
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
	    "12,4,4000000,-;Killed process 5 (x)\n";

	(void)state;
	read_text(records, sizeof(records) - 1, 0, true);
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.kill[0].time, "1.000000");
	assert_string_equal(seen.kill[0].comm, "a\033b");
	assert_int_equal(seen.kill[0].rss, 4096);
	assert_string_equal(seen.kill[1].comm, "\xff\\");
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
	static const enum killer killers[] = { KILLER_MEMCG, KILLER_OOM,
		KILLER_OOM, KILLER_MEMCG, KILLER_MEMCG, KILLER_OOM,
		KILLER_MEMCG, KILLER_MEMCG };
	size_t i;

	(void)state;
	read_string(text);
	assert_int_equal(seen.n, sizeof(killers) / sizeof(killers[0]));
	for (i = 0; i < seen.n; i++)
		assert_int_equal(seen.kill[i].killer, killers[i]);
	assert_true(seen.kill[6].has_uid);
	assert_int_equal(seen.kill[6].uid, 1000);
}

/* A new log knows nothing of the last one. */
static void
test_start(void **state)
{
	struct killlog *log = killlog_new(4096, see, &seen);

	(void)state;
	assert_non_null(log);
	seen.n = 0;
	put(log, "Task in /a killed as a result of limit of /a\nKilled", 51, 0);
	killlog_start(log, false);
	put(log, " process 1 (x)\nKilled process 2 (y)\n", 36, 0);
	killlog_end(log);
	put(log, "Killed process 3 (z)\n", 21, 0);
	killlog_end(log);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.kill[0].pid, 2);
	assert_int_equal(seen.kill[0].killer, KILLER_OOM);
	assert_true(seen.kill[0].event != seen.kill[1].event);
	killlog_free(log);
	killlog_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_odd_lines),
		cmocka_unit_test(test_kmsg),
		cmocka_unit_test(test_killers),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("killlog", tests, NULL, NULL);
}
