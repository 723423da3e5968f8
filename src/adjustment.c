/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adjustment.h"

int
adjustment_read(const struct process *p, int *value, const char **file)
{
	char buf[32], *end;

	*file = "oom_score_adj";
	if (process_read_file(p, *file, buf, sizeof(buf)) == -1) {
		if (errno != ENOENT)
			return -1;
		*file = "oom_adj";
		if (process_read_file(p, *file, buf, sizeof(buf)) == -1)
			return -1;
	}
	*value = (int)strtol(buf, &end, 10);
	if (end == buf) {
		errno = EINVAL;
		return -1;
	}
	if (strcmp(*file, "oom_adj") == 0)
		*value = oom_adj_to_score_adj(*value);
	return 0;
}

int
adjustment_inherited(
    struct process *p, const struct rules *rules, enum verdict verdict)
{
	const struct facts *f = &p->facts;
	const char *file;
	int value;

	if (verdict != VERDICT_NONE && verdict != VERDICT_USER)
		return 0;
	if (adjustment_read(p, &value, &file) == -1)
		return -1;
	if (value >= 0 || !rules_give(rules, value))
		return 0;
	if (process_read(p, FACT_STATUS) == -1)
		return -1;
	return is_login_user(rules, f->ruid) && is_login_user(rules, f->euid) &&
	    is_login_user(rules, f->suid) && !f->contained;
}

int
adjustment_write(const struct process *p, const char *file, int value)
{
	char buf[32];
	int fd, len, saved;
	ssize_t n;

	if (strcmp(file, "oom_adj") == 0)
		value = oom_score_adj_to_adj(value);
	len = snprintf(buf, sizeof(buf), "%d\n", value);

	fd = openat(p->dirfd, file, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = write(fd, buf, (size_t)len);
	saved = n == -1 ? errno : EIO;
	close(fd);
	errno = saved;
	return n == len ? 0 : -1;
}
