/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "process.h"

#define ARGS(s) (s), sizeof(s) - 1

static void
test_parse_args(void **state)
{
	struct facts f;

	(void)state;
	parse_args(ARGS("/usr/sbin/sshd\0-D\0"), &f);
	assert_true(f.has_args);
	assert_string_equal(f.argv0, "/usr/sbin/sshd");
	assert_null(f.script);

	parse_args(ARGS("python3\0-u\0--\0/usr/bin/fail2ban-server\0-f\0"), &f);
	assert_string_equal(f.argv0, "python3");
	assert_string_equal(f.script, "/usr/bin/fail2ban-server");

	parse_args(ARGS(""), &f);
	assert_false(f.has_args);
	assert_string_equal(f.argv0, "");
	assert_null(f.script);

	parse_args(ARGS("\0x\0"), &f);
	assert_true(f.has_args);
	assert_string_equal(f.argv0, "");
	assert_string_equal(f.script, "x");

	/* An empty argument ends the search for the script. */
	parse_args(ARGS("sh\0-e\0\0x\0"), &f);
	assert_null(f.script);

	/* The last argument has no NUL after setproctitle(3), or if cut. */
	parse_args(ARGS("nginx: master process\0\0\0"), &f);
	assert_string_equal(f.argv0, "nginx: master process");
	assert_null(f.script);
	parse_args(ARGS("sh\0-c"), &f);
	assert_null(f.script);
	parse_args(ARGS("sh\0x"), &f);
	assert_string_equal(f.script, "x");
}

static void
test_parse_stat(void **state)
{
	struct facts f = { 0 };

	(void)state;
	assert_int_equal(
	    parse_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0", &f), 0);
	assert_true(f.kernel_thread);
	assert_false(f.zombie);
	assert_int_equal(
	    parse_stat("7 (a) b) S 1) Z 1 7 7 0 -1 4194560 9", &f), 0);
	assert_false(f.kernel_thread);
	assert_true(f.zombie);
	assert_int_equal(
	    parse_stat("7 (x\n) R 1 7 7 34816 7 4194304 1", &f), 0);
	assert_false(f.zombie);
	assert_int_equal(parse_stat("7 (x) X 0 -1 -1 0 -1 4194308 0", &f), 0);
	assert_true(f.zombie);
	assert_int_equal(parse_stat("", &f), -1);
	assert_int_equal(parse_stat("7 (x) S", &f), -1);
}

static void
test_parse_status(void **state)
{
	struct facts f = { 0 };

	(void)state;
	assert_int_equal(
	    parse_status("Name:\tsshd\nUmask:\t0022\nUid:\t1\t2\t3\t4\n"
			 "Gid:\t9\t9\t9\t9\nNSpid:\t812\n",
		&f),
	    1);
	assert_int_equal(f.ruid, 1);
	assert_int_equal(f.euid, 2);
	assert_int_equal(f.suid, 3);
	assert_false(f.contained);

	assert_int_equal(
	    parse_status("Name:\tx\nUid:\t0\t0\t0\t0\nNSpid:\t812\t7\n", &f),
	    1);
	assert_true(f.contained);
	assert_int_equal(
	    parse_status("N:\tx\nPPid:\t5\nUid:\t0\t0\t0\t0\n", &f), 0);
	assert_int_equal(f.ppid, 5);
	/* Not the last process's parent. */
	assert_int_equal(parse_status("Name:\tx\nUid:\t0\t0\t0\t0\n", &f), 0);
	assert_int_equal(f.ppid, 0);

	/* The kernel writes a newline in a name as \n. */
	assert_int_equal(
	    parse_status("Name:\tx\\nUid:\t0\t0\t0\nUid:\t7\t7\t7\t7\n", &f),
	    0);
	assert_int_equal(f.euid, 7);
	assert_int_equal(parse_status("Name:\tx\n", &f), -1);
	assert_int_equal(
	    parse_status("N:\tx\nUid:\t4294967294\t1\t1\t1\n", &f), 0);
	assert_true(f.ruid == 4294967294U);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_args),
		cmocka_unit_test(test_parse_stat),
		cmocka_unit_test(test_parse_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
