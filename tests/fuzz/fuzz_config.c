/* SPDX-License-Identifier: ISC */
/*
 * The config reader, fed any bytes as the config file.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <pwd.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int __real_regcomp(regex_t *regex, const char *pattern, int flags);
int __wrap_regcomp(regex_t *regex, const char *pattern, int flags);
struct passwd *__wrap_getpwnam(const char *name);

static char path[64];
static int fd;

/* "(a{255}){255}" takes the memory of the C library, not ours. */
int
__wrap_regcomp(regex_t *regex, const char *pattern, int flags)
{
	if (strchr(pattern, '{') != NULL || strlen(pattern) > 100)
		pattern = "a";
	return __real_regcomp(regex, pattern, flags);
}

struct passwd *
__wrap_getpwnam(const char *name)
{
	static struct passwd root;

	return strcmp(name, "root") == 0 ? &root : NULL;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fd = memfd_create("config", 0);
	if (fd == -1 || fchmod(fd, 0600) == -1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;

	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (config_read(&config, path, false) == 0)
		config_free(&config);
	return 0;
}
