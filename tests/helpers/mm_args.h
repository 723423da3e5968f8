/* SPDX-License-Identifier: ISC */
#ifndef MM_ARGS_H
#define MM_ARGS_H

#include <sys/prctl.h>

#include <linux/prctl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Tell the kernel that this process's arguments, which /proc/PID/cmdline
 * shows, are from START to END. Returns 0, or -1 with errno set. Unlike the
 * other uses of PR_SET_MM this needs no CAP_SYS_RESOURCE.
 *
 * The other limits stay as /proc/self/stat has them: after the comm in
 * parentheses the 26th to 28th and the 45th to 51st field of proc(5).
 */
static int
mm_args(unsigned long start, unsigned long end)
{
	struct prctl_mm_map map;
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
		/* some are signed, none of those is of use here */
		if (sscanf(p, "%lu%n", &f[i], &used) != 1)
			return -1;
		p += used;
	}
	memset(&map, 0, sizeof(map));
	map.start_code = f[26];
	map.end_code = f[27];
	map.start_stack = f[28];
	map.start_data = f[45];
	map.end_data = f[46];
	map.start_brk = f[47];
	map.brk = (unsigned long)sbrk(0);
	map.arg_start = start;
	map.arg_end = end;
	map.env_start = f[50];
	map.env_end = f[51];
	map.exe_fd = (__u32)-1;
	return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0);
}

#endif
