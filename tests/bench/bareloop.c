/* SPDX-License-Identifier: ISC */

/*
 * bareloop: do the least that a walk over all processes must do: list /proc and
 * open, read and close the cmdline of each process.
 */

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int
main(void)
{
	static char buf[4096];
	char path[300];
	const struct dirent *d;
	DIR *proc;
	int fd;

	if ((proc = opendir("/proc")) == NULL)
		err(1, "/proc");
	while ((d = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		stpcpy(stpcpy(path, d->d_name), "/cmdline");
		fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			continue;
		if (read(fd, buf, sizeof(buf)) == -1)
			warn("%s", path);
		close(fd);
	}
	closedir(proc);
	return 0;
}
