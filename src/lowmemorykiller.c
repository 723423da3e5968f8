/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lowmemorykiller.h"

char *
format_list(char *buf, size_t size, const int *list, size_t n)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(
		    buf + len, size - len, "%s%d", i > 0 ? "," : "", list[i]);
	return buf;
}

/* Whether TEXT, such as "0,1,6,12\n", has the N numbers of LIST. */
static bool
is_list(const char *text, const int *list, size_t n)
{
	char *end;
	size_t i;

	for (i = 0; i < n; i++, text = end) {
		if (i > 0 && *text++ != ',')
			return false;
		if (strtol(text, &end, 10) != list[i] || end == text)
			return false;
	}
	return *text == '\0' || *text == '\n';
}

static enum lmk_outcome
set_parameter(
    const char *dir, const char *name, const int *list, size_t n, bool dry_run)
{
	char path[PATH_MAX], text[256], wanted[128];
	ssize_t len, written;
	int fd;

	snprintf(path, sizeof(path), "%s/parameters/%s", dir, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		warn("%s", path);
		return LMK_FAILED;
	}
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len == -1) {
		warn("%s", path);
		return LMK_FAILED;
	}
	text[len] = '\0';
	if (is_list(text, list, n))
		return LMK_ALREADY;
	if (dry_run)
		return LMK_CHANGED;

	format_list(wanted, sizeof(wanted), list, n);
	len = (ssize_t)strlen(wanted);
	if ((fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)) == -1) {
		warn("%s: cannot set to %s", path, wanted);
		return LMK_FAILED;
	}
	written = write(fd, wanted, (size_t)len);
	if (written == -1)
		warn("%s: cannot set to %s", path, wanted);
	else if (written < len)
		warnx("%s: cannot set to %s: only %zd bytes were taken", path,
		    wanted, written);
	close(fd);
	/* Not read back: some kernels convert what they are given. */
	return written == len ? LMK_CHANGED : LMK_FAILED;
}

enum lmk_outcome
lowmemorykiller_set(
    const struct lowmemorykiller *killer, const char *sys, bool dry_run)
{
	enum lmk_outcome adj, minfree;
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/module/lowmemorykiller", sys);
	if (access(dir, F_OK) == -1 && errno == ENOENT)
		return LMK_NOT_LOADED;

	/* adj first: with {9999} there alone, the module kills nothing. */
	adj = set_parameter(dir, "adj", killer->adj, killer->n, dry_run);
	if (adj == LMK_FAILED)
		return LMK_FAILED;
	minfree =
	    set_parameter(dir, "minfree", killer->minfree, killer->n, dry_run);
	return minfree == LMK_ALREADY ? adj : minfree;
}
