/* SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rule.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EVERYTHING                                                       \
	(FACT_COMM | FACT_STAT | FACT_STATUS | FACT_EXE | FACT_CMDLINE | \
	    FACT_LOGINUID | FACT_VALUE | FACT_PARENT)

static bool no_memory;

/* Replaces the C library's: glibc without memory returns REG_NOMATCH. */
int test_regexec(const regex_t *regex, const char *string, size_t nmatch,
    regmatch_t *match, int flags) __asm__("regexec");

int
test_regexec(const regex_t *regex, const char *string, size_t nmatch,
    regmatch_t *match, int flags)
{
	int (*real)(const regex_t *, const char *, size_t, regmatch_t *, int);

	if (no_memory) {
		errno = ENOMEM;
		return REG_NOMATCH;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "regexec");
	return real(regex, string, nmatch, match, flags);
}

static struct rules
index_rules(struct rule *rule, size_t n)
{
	struct rules rules = { .rule = rule, .n = n, .uid_min = 1000 };

	assert_int_equal(rules_index(&rules), 0);
	return rules;
}

static void
free_index(struct rules *rules)
{
	free(rules->by_name);
	free(rules->by_exe);
}

static struct facts
daemon_called(const char *argv0, const char *comm)
{
	struct facts f = { .known = EVERYTHING, .has_args = true };

	f.argv0 = argv0;
	f.cmdline = argv0;
	strncpy(f.comm, comm, sizeof(f.comm) - 1);
	return f;
}

/* As written to oom_adj and read back from oom_score_adj on Linux 6.1. */
static void
test_oom_adj_to_score_adj(void **state)
{
	static const int kernel[][2] = {
		{ -17, -1000 },
		{ -16, -941 },
		{ -15, -882 },
		{ -14, -823 },
		{ -13, -764 },
		{ -12, -705 },
		{ -11, -647 },
		{ -10, -588 },
		{ -9, -529 },
		{ -8, -470 },
		{ -7, -411 },
		{ -6, -352 },
		{ -5, -294 },
		{ -4, -235 },
		{ -3, -176 },
		{ -2, -117 },
		{ -1, -58 },
		{ 0, 0 },
		{ 1, 58 },
		{ 2, 117 },
		{ 3, 176 },
		{ 4, 235 },
		{ 5, 294 },
		{ 6, 352 },
		{ 7, 411 },
		{ 8, 470 },
		{ 9, 529 },
		{ 10, 588 },
		{ 11, 647 },
		{ 12, 705 },
		{ 13, 764 },
		{ 14, 823 },
		{ 15, 1000 },
	};
	size_t i;

	(void)state;
	assert_int_equal(COUNT(kernel), 33);
	for (i = 0; i < COUNT(kernel); i++) {
		assert_int_equal(
		    oom_adj_to_score_adj(kernel[i][0]), kernel[i][1]);
		/* There and back again. */
		assert_int_equal(
		    oom_score_adj_to_adj(kernel[i][1]), kernel[i][0]);
	}
}

static void
test_oom_score_adj_to_adj(void **state)
{
	int v, last = OOM_DISABLE;

	(void)state;
	for (v = OOM_SCORE_ADJ_MIN; v <= OOM_SCORE_ADJ_MAX; v++) {
		int adj = oom_score_adj_to_adj(v);

		assert_true(adj >= last && adj <= OOM_ADJUST_MAX);
		if (v > OOM_SCORE_ADJ_MIN)
			assert_true(adj > OOM_DISABLE);
		last = adj;
	}
	assert_int_equal(oom_score_adj_to_adj(300), 5);
	assert_int_equal(oom_score_adj_to_adj(-999), -16);
}

/* What pidof -x NAME means, by name "daemon" or path "/usr/sbin/daemon". */
static void
test_match(void **state)
{
	static const struct {
		const char *argv0, *script, *comm, *exe;
		bool by_name, by_path;
	} cases[] = {
		{ "daemon", NULL, "x", "/x", true, false },
		{ "/opt/daemon", NULL, "x", "/x", true, false },
		{ "daemon/", NULL, "x", "/x", false, false },
		{ "daemonx", NULL, "daemon", "/x", false, false },
		{ "/usr/sbin/daemon", NULL, "daemon", "/x", true, false },
		{ "x", NULL, "x", "/usr/sbin/daemon", false, true },
		/* Scripts. */
		{ "/bin/sh", "/opt/daemon", "daemon", "/bin/sh", true, false },
		{ "/bin/sh", "daemon", "daemon", "/bin/sh", true, false },
		{ "/bin/sh", "/usr/sbin/daemon", "daemon", "/bin/sh", true,
		    true },
		{ "vi", "/usr/sbin/daemon", "vi", "/bin/vi", false, false },
		{ "sh", "/opt/daemon/x", "x", "/bin/sh", false, false },
		/* setproctitle(3): comm counts only then. */
		{ "daemon: idle", NULL, "daemon", "/x", true, false },
		{ "x y", NULL, "daemon", "/x", true, false },
		{ "x\ty", NULL, "daemon", "/x", false, false },
		{ "", NULL, "daemon", "/x", true, false },
		{ "", NULL, "/usr/sbin/daemo", "/x", false, false },
		{ "x", NULL, "daemon", "/x", false, false },
		/* Login shells. */
		{ "-sh", NULL, "daemon", "/x", true, false },
		{ "-sh", "-", "daemon", "/x", false, false },
		{ "-daemon", NULL, "x", "/x", false, false },
	};
	struct rule rule[1];
	struct rules rules;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		for (j = 0; j < 2; j++) {
			char name[] = "daemon", path[] = "/usr/sbin/daemon";
			struct facts f =
			    daemon_called(cases[i].argv0, cases[i].comm);
			bool matches;

			f.script = cases[i].script;
			strcpy(f.exe, cases[i].exe);
			rule[0] =
			    (struct rule) { .name = j == 0 ? name : path };
			rules = index_rules(rule, 1);
			matches =
			    rules_decide(&rules, &f).verdict == VERDICT_APPLY;
			if (matches !=
			    (j == 0 ? cases[i].by_name : cases[i].by_path))
				fail_msg("case %zu, %s", i, rule[0].name);
			free_index(&rules);
		}
	}
}

/* comm has only 15 bytes of a script's name: the rest is not compared. */
static void
test_match_long_names(void **state)
{
	char n15[] = "abcdefghijklmno", n16[] = "abcdefghijklmnop";
	struct rule rule[2] = { { .name = n15 }, { .name = n16 } };
	struct rules rules = index_rules(rule, 2);
	struct facts f = daemon_called("/bin/sh", n15);

	(void)state;
	f.script = "/x/abcdefghijklmnop";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[1]);
	f.script = "/x/abcdefghijklmno";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[0]);
	f.script = NULL;
	f.argv0 = "";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[0]);
	free_index(&rules);
}

static void
test_last_match_wins(void **state)
{
	char name[] = "java", path[] = "/usr/bin/java", other[] = "other";
	uid_t user = 1001;
	struct rule rule[] = {
		{ .name = path, .oom_score_adj = 1 },
		{ .name = name, .oom_score_adj = 2 },
		{ .name = other, .oom_score_adj = 3 },
		{ .name = name,
		    .oom_score_adj = 4,
		    .has_users = true,
		    .users = &user,
		    .nusers = 1 },
		{ .name = name, .oom_score_adj = 5, .has_cmdline = true },
		{ .name = name,
		    .oom_score_adj = 6,
		    .has_users = true,
		    .unknown_user = true },
	};
	struct rules rules = index_rules(rule, COUNT(rule));
	struct facts f = daemon_called("java", "java");

	(void)state;
	assert_int_equal(
	    regcomp(&rule[4].cmdline, "jenkins\\.war", REG_EXTENDED), 0);
	strcpy(f.exe, "/usr/bin/java");
	f.cmdline = "java -jar x.jar";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[1]);
	f.euid = 1001;
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[3]);
	f.euid = 0;
	f.ruid = 1001; /* only the effective user counts */
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[1]);
	f.cmdline = "java -jar /srv/jenkins.war";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[4]);
	no_memory = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NO_MEMORY);
	no_memory = false;
	f.argv0 = "notjava";
	assert_ptr_equal(rules_decide(&rules, &f).rule, &rule[0]);
	regfree(&rule[4].cmdline);
	free_index(&rules);
}

/* A name is not proof: who gets a favour. */
static void
test_guard(void **state)
{
	static const struct {
		uid_t ruid, euid, suid;
		bool contained;
		int now, value;
		bool by_user, containers;
		enum verdict verdict;
	} cases[] = {
		{ 0, 0, 0, false, 0, -1, false, false, VERDICT_APPLY },
		{ 999, 999, 999, false, 0, -1, false, false, VERDICT_APPLY },
		{ 61184, 65519, 65534, false, 0, -1, false, false,
		    VERDICT_APPLY },
		{ 61183, 0, 0, false, 0, -1, false, false, VERDICT_USER },
		{ 65520, 0, 0, false, 0, -1, false, false, VERDICT_USER },
		{ 1000, 0, 0, false, 0, -1, false, false, VERDICT_USER },
		{ 0, 1000, 0, false, 0, -1, false, false, VERDICT_USER },
		{ 0, 0, 1000, false, 0, -1, false, false, VERDICT_USER },
		{ 0, 0, 65535, false, 0, -1, false, true, VERDICT_USER },
		/* Not lower than it has, and not negative: no favour. */
		{ 1000, 1000, 1000, false, 0, 0, false, false, VERDICT_APPLY },
		{ 1000, 1000, 1000, true, 9, 9, false, false, VERDICT_APPLY },
		{ 1000, 1000, 1000, false, 1, 0, false, false, VERDICT_USER },
		{ 0, 0, 0, true, 10, 9, false, false, VERDICT_CONTAINER },
		{ 0, 0, 0, false, 10, 9, false, false, VERDICT_APPLY },
		/* Negative: a favour even if it raises. */
		{ 0, 0, 1000, false, -2, -1, false, false, VERDICT_USER },
		/* user = {1000} */
		{ 1000, 1000, 1000, false, 0, -1, true, false, VERDICT_APPLY },
		{ 0, 1000, 0, false, 0, -1, true, false, VERDICT_APPLY },
		{ 1001, 1000, 0, false, 0, -1, true, false, VERDICT_USER },
		{ 0, 1000, 1001, false, 0, -1, true, false, VERDICT_USER },
		{ 0, 1000, 0, true, 0, -1, true, false, VERDICT_CONTAINER },
		{ 0, 1000, 0, true, 0, -1, true, true, VERDICT_APPLY },
		{ 0, 1001, 0, false, 0, -1, true, false, VERDICT_NONE },
		/* containers = true */
		{ 0, 0, 0, true, 0, -1, false, false, VERDICT_CONTAINER },
		{ 0, 0, 0, true, 0, -1, false, true, VERDICT_APPLY },
		{ 1000, 0, 0, true, 0, -1, false, true, VERDICT_USER },
		{ 1000, 0, 0, true, 0, -1, false, false, VERDICT_USER },
	};
	char name[] = "sshd";
	uid_t user = 1000;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		struct rule rule[] = { {
		    .name = name,
		    .oom_score_adj = cases[i].value,
		    .has_users = cases[i].by_user,
		    .users = &user,
		    .nusers = cases[i].by_user,
		    .containers = cases[i].containers,
		} };
		struct rules rules = index_rules(rule, 1);
		struct facts f = daemon_called("sshd", "sshd");
		struct decision d;

		f.ruid = cases[i].ruid;
		f.euid = cases[i].euid;
		f.suid = cases[i].suid;
		f.contained = cases[i].contained;
		f.value = cases[i].now;
		d = rules_decide(&rules, &f);
		if (d.verdict != cases[i].verdict)
			fail_msg("case %zu: %d", i, d.verdict);
		if (d.verdict == VERDICT_USER)
			assert_true(d.uid >= 1000);
		free_index(&rules);
	}
}

static void
test_put_back(void **state)
{
	char name[] = "sshd";
	struct rule rule[] = { { .name = name, .oom_score_adj = -470 } };
	struct rules rules = index_rules(rule, 1);
	struct facts f = daemon_called("sshd", "sshd");

	(void)state;
	f.parent_rule = &rule[0];
	f.parent_value = -1;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_PUT_BACK);
	f.parent_value = 0;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);
	f.parent_value = -1;
	f.parent_rule = NULL;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);
	/* Raising it is no favour. */
	f.parent_rule = &rule[0];
	rule[0].oom_score_adj = 5;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);
	free_index(&rules);
}

static void
test_reset(void **state)
{
	char name[] = "sshd";
	struct rule rule[] = { { .name = name, .oom_score_adj = -1000 } };
	struct rules rules = index_rules(rule, 1);
	struct facts f = daemon_called("bash", "bash");

	(void)state;
	f.ruid = f.euid = f.suid = 1000;
	f.value = -999;
	f.in_session = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	rules.reset_inherited = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_RESET);
	f.argv0 = "sshd";
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_RESET);
	f.in_session = false;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_USER);
	f.argv0 = "bash";
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.in_session = true;
	f.value = 0;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.value = -1;
	f.suid = 0;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.suid = 1000;
	f.contained = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	free_index(&rules);
}

static void
test_kernel_threads_and_zombies(void **state)
{
	char name[] = "kswapd0";
	struct rule rule[] = { { .name = name } };
	struct rules rules = index_rules(rule, 1);
	struct facts f = daemon_called("", "kswapd0");

	(void)state;
	f.has_args = false;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);
	f.kernel_thread = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.kernel_thread = false;
	f.zombie = true;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	free_index(&rules);
}

/* No fact is asked for that the rules do not need. */
static void
test_need(void **state)
{
	char name[] = "sshd", path[] = "/sbin/x";
	struct rule rule[] = { { .name = name, .oom_score_adj = -1 } };
	struct rule path_rule[] = { { .name = path } };
	struct rules rules = index_rules(rule, 1);
	struct facts f = daemon_called("bash", "");
	struct decision d;

	(void)state;
	f.known = 0;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.script = "/etc/profile";
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	f.script = "/usr/sbin/sshd";
	d = rules_decide(&rules, &f);
	assert_int_equal(d.verdict, VERDICT_NEED);
	assert_int_equal(d.need, FACT_COMM);

	f = daemon_called("sshd", "");
	f.known = 0;
	d = rules_decide(&rules, &f);
	assert_int_equal(d.verdict, VERDICT_NEED);
	assert_int_equal(d.need, FACT_VALUE);
	f.known |= FACT_VALUE;
	assert_int_equal(rules_decide(&rules, &f).need, FACT_STATUS);
	f.known |= FACT_STATUS;
	assert_int_equal(rules_decide(&rules, &f).need, FACT_PARENT);
	f.value = -1000;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);
	f.known = FACT_VALUE;
	f.value = 0;
	rule[0].oom_score_adj = 1;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_APPLY);

	f = daemon_called("", "");
	f.known = 0;
	f.has_args = false;
	assert_int_equal(rules_decide(&rules, &f).need, FACT_COMM);
	f.known = FACT_COMM;
	assert_int_equal(rules_decide(&rules, &f).verdict, VERDICT_NONE);
	strcpy(f.comm, "sshd");
	assert_int_equal(rules_decide(&rules, &f).need, FACT_STAT);
	free_index(&rules);

	rules = index_rules(path_rule, 1);
	f = daemon_called("bash", "");
	f.known = 0;
	assert_int_equal(rules_decide(&rules, &f).need, FACT_EXE);
	free_index(&rules);
}

/* What comes before an expression to save time does not change its meaning. */
static void
test_expressions(void **state)
{
	static const struct {
		const char *expression, *text;
		bool match;
	} tests[] = {
		{ "(^| )-jar", "-jar x", true },
		{ "(^| )-jar", "java -jar x", true },
		{ "(^| )-jar", "java x-jar x", false },
		{ "a|^b", "xb", false },
		{ "a|^b", "xa", true },
		{ "a|^b", "bx", true },
		{ "x.*^a", "xa", false },
		{ "x*^a", "ab", true },
		{ "^a$", "ba", false },
		{ "a$|b", "ab", true },
		{ "[^a]$", "a", false },
		{ "x)|a", "xb", false },
		{ "(a{2}b)", "xaab", true },
	};
	regex_t regex;
	char reason[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(tests); i++) {
		assert_true(expression_compile(
		    &regex, tests[i].expression, reason, sizeof(reason)));
		assert_int_equal(
		    regexec(&regex, tests[i].text, 0, NULL, 0) == 0,
		    tests[i].match);
		regfree(&regex);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oom_adj_to_score_adj),
		cmocka_unit_test(test_oom_score_adj_to_adj),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_long_names),
		cmocka_unit_test(test_last_match_wins),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_put_back),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_kernel_threads_and_zombies),
		cmocka_unit_test(test_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
