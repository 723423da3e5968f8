/* SPDX-License-Identifier: ISC */
#ifndef MM_ARGS_H
#define MM_ARGS_H

#include <sys/prctl.h>

#include <linux/prctl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Make /proc/PID/cmdline of this process show the memory from START to END.
 * Returns 0, or -1 with errno set. Unlike the other uses of PR_SET_MM this
 * needs no CAP_SYS_RESOURCE.
 *
 * struct prctl_mm_map contains a pointer, so a 64-bit kernel has another one
 * than a 32-bit program, and wants its own. PR_SET_MM_MAP_SIZE returns its
 * size.
 *
 * The other addresses are read from /proc/self/stat and stay: fields 26 to 28
 * and 45 to 51 in proc(5), counted from after the comm in parentheses.
 */
static int
set_mm_args(unsigned long start, unsigned long end)
{
	struct {
		__u64 address[11]; /* in the order of struct prctl_mm_map */
		__u32 rest[4];     /* auxv (one or two), its size, exe_fd */
	} map;
	unsigned int size;
	unsigned long f[52];
	char buf[4096], *p;
	FILE *stat;
	size_t len;
	int i, used;

	if ((stat = fopen("/proc/self/stat", "r")) == NULL)
		return -1;
	len = fread(buf, 1, sizeof(buf) - 1, stat);
	fclose(stat);
	buf[len] = '\0';
	if ((p = strrchr(buf, ')')) == NULL)
		return -1;
	p += 4; /* ") S " */
	for (i = 4; i <= 51; i++) {
		/* Some fields are signed; none of them is used here. */
		if (sscanf(p, "%lu%n", &f[i], &used) != 1)
			return -1;
		p += used;
	}
	if (prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) == -1)
		return -1;
	if (size > sizeof(map)) {
		errno = ENOTSUP;
		return -1;
	}
	memset(&map, 0, sizeof(map));
	map.address[0] = f[26]; /* start_code */
	map.address[1] = f[27]; /* end_code */
	map.address[2] = f[45]; /* start_data */
	map.address[3] = f[46]; /* end_data */
	map.address[4] = f[47]; /* start_brk */
	map.address[5] = (unsigned long)sbrk(0);
	map.address[6] = f[28]; /* start_stack */
	map.address[7] = start;
	map.address[8] = end;
	map.address[9] = f[50];  /* env_start */
	map.address[10] = f[51]; /* env_end */
	map.rest[(size - sizeof(map.address)) / sizeof(__u32) - 1] = -1U;
	return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, size, 0);
}

#endif
