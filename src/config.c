/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "config.h"
#include "shortform.h"
#include "text.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define UID_MIN_DEFAULT 1000
#define LOGIN_DEFS "/etc/login.defs"

/*
 * One file being read. libconfuse's callbacks carry no pointer of ours, so
 * this is where they find it.
 */
static struct reader {
	struct config *config;
	const char *file;
	bool strict;
	size_t errors;

	struct blocks blocks;
	size_t ended;        /* how many of them libconfuse has read */
	unsigned int killer; /* line of the lowmemorykiller block, or 0 */

	/* Of the block that is being read. */
	bool has_cmdline;
	regex_t cmdline;
	uid_t *users;
	size_t nusers;
	bool unknown_user;
} reader;

__attribute__((format(printf, 2, 3))) static void
config_error(unsigned int line, const char *format, ...)
{
	va_list ap;

	reader.errors++;
	va_start(ap, format);
	vcomplain(reader.file, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
config_warning(unsigned int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(reader.file, line, format, ap);
	va_end(ap);
}

static void
confuse_error(cfg_t *cfg, const char *format, va_list ap)
{
	reader.errors++;
	vcomplain(reader.file, (unsigned int)cfg->line, format, ap);
}

static void *
grow(void *array, size_t n, size_t size)
{
	if ((array = grow_array(array, n, size)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return array;
}

static char *
copy(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return p;
}

/* What libconfuse calls for each value. 0 lets it go on behind an error. */

static int
check_range(cfg_t *cfg, const char *name, const char *value, long min, long max,
    void *result)
{
	long v;

	*(long *)result = min;
	if (!parse_integer(value, &v))
		config_error((unsigned int)cfg->line,
		    "%s: \"%s\" is not an integer", name, value);
	else if (v < min || v > max)
		config_error((unsigned int)cfg->line,
		    "%s: %s is out of range (%ld to %ld)%s", name, value, min,
		    max,
		    min == OOM_DISABLE && v >= OOM_SCORE_ADJ_MIN &&
			    v <= OOM_SCORE_ADJ_MAX
			? "; oom_score_adj in a process block takes it"
			: "");
	else
		*(long *)result = v;
	return 0;
}

static int
parse_oom_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(
	    cfg, opt->name, value, OOM_DISABLE, OOM_ADJUST_MAX, result);
}

static int
parse_oom_score_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(cfg, opt->name, value, OOM_SCORE_ADJ_MIN,
	    OOM_SCORE_ADJ_MAX, result);
}

/* The kernel's own type for adj is short in some of its versions. */
static int
parse_killer_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(
	    cfg, opt->name, value, OOM_SCORE_ADJ_MIN, SHRT_MAX, result);
}

static int
parse_minfree(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(cfg, opt->name, value, 0, INT_MAX, result);
}

static int
parse_boolean(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	int b = cfg_parse_boolean(value);

	if (b == -1)
		config_error((unsigned int)cfg->line,
		    "%s: \"%s\" is neither true nor false", opt->name, value);
	*(cfg_bool_t *)result = b == 1 ? cfg_true : cfg_false;
	return 0;
}

static void
check_name(unsigned int line, const char *name)
{
	size_t len = strlen(name);

	if (len == 0)
		config_error(line, "an empty name");
	else if (strchr(name, '/') != NULL &&
	    (name[0] != '/' || name[len - 1] == '/'))
		config_error(line,
		    "\"%s\" is neither a bare name nor an absolute path", name);
}

static int
parse_name(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)opt;
	check_name((unsigned int)cfg->line, value);
	*(const char **)result = value;
	return 0;
}

static int
parse_cmdline(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	char reason[128];
	int error;

	*(const char **)result = value;
	if (reader.has_cmdline)
		regfree(&reader.cmdline);
	error = regcomp(&reader.cmdline, value, REG_EXTENDED | REG_NOSUB);
	reader.has_cmdline = error == 0;
	if (error != 0) {
		regerror(error, &reader.cmdline, reason, sizeof(reason));
		config_error((unsigned int)cfg->line, "%s: \"%s\": %s",
		    opt->name, value, reason);
	}
	return 0;
}

static int
parse_user(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const char *reason;
	struct passwd *pw;
	uid_t uid = (uid_t)-1;

	(void)opt;
	*(const char **)result = value;
	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0') {
		uid = (uid_t)strtonum(value, 0, (uid_t)-2, &reason);
		if (reason != NULL) {
			config_error((unsigned int)cfg->line,
			    "user id %s is %s", value, reason);
			return 0;
		}
	} else {
		errno = 0;
		if ((pw = getpwnam(value)) != NULL) {
			uid = pw->pw_uid;
		} else if (reader.strict) {
			config_error((unsigned int)cfg->line,
			    "there is no user \"%s\"", value);
		} else {
			config_warning((unsigned int)cfg->line,
			    "there is no user \"%s\": "
			    "this rule matches nothing",
			    value);
			reader.unknown_user = true;
		}
	}
	reader.users = grow(reader.users, reader.nusers, sizeof(*reader.users));
	reader.users[reader.nusers++] = uid;
	return 0;
}

/* The block that libconfuse has just come to the end of. */
static struct block
ended_block(void)
{
	return reader.blocks.block[reader.ended++];
}

static int
end_process(cfg_t *cfg, cfg_opt_t *opt)
{
	struct rules *rules = &reader.config->rules;
	struct block block = ended_block();
	cfg_t *sec = cfg_opt_getnsec(opt, 0);
	const char *name = cfg_getstr(sec, "name");
	cfg_opt_t *user = cfg_getopt(sec, "user");
	bool adj = cfg_size(sec, "oom_adj") > 0;
	bool score_adj = cfg_size(sec, "oom_score_adj") > 0;
	struct rule *r;

	(void)cfg;
	rules->rule = grow(rules->rule, rules->n, sizeof(*rules->rule));
	r = &rules->rule[rules->n];
	*r = (struct rule) {
		.file = reader.file,
		.line = block.line,
		.short_form = block.short_form,
		.title = copy(cfg_title(sec)),
		.name = copy(name != NULL ? name : cfg_title(sec)),
		.oom_adj = adj,
		.containers = cfg_getbool(sec, "containers") == cfg_true,
		.has_cmdline = reader.has_cmdline,
		.cmdline = reader.cmdline,
		.users = reader.users,
		.nusers = reader.nusers,
		.has_users = reader.nusers > 0,
		.unknown_user = reader.unknown_user,
		.selected = true,
	};
	rules->n++;
	reader.has_cmdline = false;
	reader.users = NULL;
	reader.nusers = 0;
	reader.unknown_user = false;
	if (r->unknown_user)
		reader.config->unknown_users++;

	if (name == NULL)
		check_name(block.line, r->name);
	if (r->name[0] == '/')
		r->path = realpath(r->name, NULL);
	if ((user->flags & CFGF_MODIFIED) && !r->has_users)
		config_error(block.line,
		    "process \"%s\" has an empty list of users", r->title);
	if (r->nusers > cfg_opt_size(user))
		config_error(block.line,
		    "process \"%s\" has more than one list of users", r->title);
	if (adj == score_adj) {
		config_error(block.line,
		    "process \"%s\" has %s oom_adj %s oom_score_adj: "
		    "give one of them",
		    r->title, adj ? "both" : "neither", adj ? "and" : "nor");
	} else if (adj) {
		r->value = (int)cfg_getint(sec, "oom_adj");
		r->oom_score_adj = oom_adj_to_score_adj(r->value);
	} else {
		r->value = (int)cfg_getint(sec, "oom_score_adj");
		r->oom_score_adj = r->value;
	}

	/*
	 * Nothing of it is needed any more, and a title that libconfuse has
	 * forgotten it cannot mistake for the next.
	 */
	cfg_free_value(opt);
	return 0;
}

static void
check_list(unsigned int line, cfg_opt_t *opt, int *list, size_t *n)
{
	size_t i;

	*n = cfg_opt_size(opt);
	if (*n == 0 || *n > LOWMEMORYKILLER_MAX) {
		config_error(line,
		    "lowmemorykiller: %s must have 1 to %d entries", opt->name,
		    LOWMEMORYKILLER_MAX);
		*n = 0;
		return;
	}
	for (i = 0; i < *n; i++) {
		list[i] = (int)cfg_opt_getnint(opt, (unsigned int)i);
		if (i > 0 && list[i] <= list[i - 1]) {
			config_error(line,
			    "lowmemorykiller: %s must be ascending", opt->name);
			return;
		}
	}
}

static int
end_lowmemorykiller(cfg_t *cfg, cfg_opt_t *opt)
{
	struct lowmemorykiller *lmk = &reader.config->lowmemorykiller;
	struct block block = ended_block();
	cfg_t *sec = cfg_opt_getnsec(opt, 0);
	size_t nminfree;

	(void)cfg;
	if (reader.killer != 0)
		config_error(block.line, "lowmemorykiller again, after line %u",
		    reader.killer);
	reader.killer = block.line;
	check_list(block.line, cfg_getopt(sec, "adj"), lmk->adj, &lmk->n);
	check_list(
	    block.line, cfg_getopt(sec, "minfree"), lmk->minfree, &nminfree);
	if (lmk->n > 0 && nminfree > 0 && lmk->n != nminfree)
		config_error(block.line,
		    "lowmemorykiller: adj has %zu entries, minfree has %zu: "
		    "they must be as many",
		    lmk->n, nminfree);
	cfg_free_value(opt);
	return 0;
}

static int
compare_titles(const void *va, const void *vb)
{
	const struct rule *a = *(const struct rule *const *)va;
	const struct rule *b = *(const struct rule *const *)vb;
	int c = strcmp(a->title, b->title);

	if (c == 0)
		c = a->short_form - b->short_form;
	return c != 0 ? c : (a > b) - (a < b);
}

/* Among the rules of one file, which begin at FIRST. */
static void
check_titles(size_t first)
{
	const struct rules *rules = &reader.config->rules;
	size_t i, n = rules->n - first;
	const struct rule **sorted;

	if ((sorted = calloc(n + 1, sizeof(struct rule *))) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (i = 0; i < n; i++)
		sorted[i] = &rules->rule[first + i];
	qsort(sorted, n, sizeof(struct rule *), compare_titles);
	for (i = 1; i < n; i++) {
		const struct rule *a = sorted[i - 1], *b = sorted[i];

		if (strcmp(a->title, b->title) != 0 ||
		    a->short_form != b->short_form)
			continue;
		if (b->short_form)
			config_warning(b->line,
			    "\"%s\" again, after line %u; this one counts",
			    b->title, a->line);
		else
			config_error(b->line,
			    "process \"%s\" again, after "
			    "line %u: give one of them another title and "
			    "name = \"%s\"",
			    b->title, a->line, b->name);
	}
	free(sorted);
}

static void
parse(char *text, size_t len)
{
	/* These mirror the file: oom_adjust.conf(5). */
	cfg_opt_t process_opts[] = {
		CFG_STR_CB("name", NULL, CFGF_NODEFAULT, parse_name),
		CFG_STR_CB("cmdline", NULL, CFGF_NODEFAULT, parse_cmdline),
		CFG_STR_LIST_CB("user", NULL, CFGF_NODEFAULT, parse_user),
		CFG_INT_CB("oom_adj", 0, CFGF_NODEFAULT, parse_oom_adj),
		CFG_INT_CB(
		    "oom_score_adj", 0, CFGF_NODEFAULT, parse_oom_score_adj),
		CFG_BOOL_CB(
		    "containers", cfg_false, CFGF_NODEFAULT, parse_boolean),
		CFG_END(),
	};
	cfg_opt_t lowmemorykiller_opts[] = {
		CFG_INT_LIST_CB("adj", "{9999}", CFGF_NONE, parse_killer_adj),
		CFG_INT_LIST_CB("minfree", "{1}", CFGF_NONE, parse_minfree),
		CFG_END(),
	};
	cfg_opt_t opts[] = {
		CFG_SEC("process", process_opts, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("lowmemorykiller", lowmemorykiller_opts, CFGF_MULTI),
		CFG_BOOL_CB("reset_inherited", cfg_false, CFGF_NODEFAULT,
		    parse_boolean),
		CFG_END(),
	};
	cfg_t *cfg;
	FILE *fp;

	if (len == 0)
		return;
	if ((fp = fmemopen(text, len, "r")) == NULL ||
	    (cfg = cfg_init(opts, CFGF_NONE)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	cfg->filename = copy(reader.file);
	cfg_set_error_function(cfg, confuse_error);
	cfg_set_validate_func(cfg, "process", end_process);
	cfg_set_validate_func(cfg, "lowmemorykiller", end_lowmemorykiller);

	if (cfg_parse_fp(cfg, fp) != CFG_SUCCESS && reader.errors == 0)
		config_error(0, "cannot be parsed");
	if (cfg_size(cfg, "reset_inherited") > 0)
		reader.config->reset_inherited =
		    cfg_getbool(cfg, "reset_inherited") == cfg_true;
	cfg_free(cfg);
	fclose(fp);
}

/*
 * Whoever can write the configuration decides what root does. sb is of an
 * open descriptor.
 */
static bool
is_trusted(const struct stat *sb)
{
	if (geteuid() != 0)
		return true;
	if (sb->st_uid != 0)
		config_error(
		    0, "owned by user id %u; root must own it", sb->st_uid);
	else if (sb->st_mode & (S_IWGRP | S_IWOTH))
		config_error(0, "writable by group or others; chmod go-w it");
	else
		return true;
	return false;
}

/* The file's content, to be freed, or NULL with the error reported. */
static char *
slurp(size_t *len)
{
	struct stat sb;
	char *text = NULL;
	const char *nul;
	FILE *fp;
	int fd;

	/* A FIFO must not block here, nor a terminal become ours. */
	fd = open(reader.file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		config_error(0, "%s", strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(sb.st_mode)) {
		config_error(0, "%s, not a regular file",
		    S_ISDIR(sb.st_mode)        ? "a directory"
			: S_ISFIFO(sb.st_mode) ? "a FIFO"
			: S_ISCHR(sb.st_mode) || S_ISBLK(sb.st_mode)
			? "a device"
			: "a socket");
	} else if (is_trusted(&sb)) {
		if ((fp = fdopen(fd, "r")) == NULL ||
		    (text = malloc(FILE_MAX + 1)) == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		*len = fread(text, 1, FILE_MAX + 1, fp);
		if (ferror(fp))
			config_error(0, "%s", strerror(errno));
		else if (*len > FILE_MAX)
			config_error(0, "larger than 1 MiB");
		else if ((nul = memchr(text, '\0', *len)) != NULL) {
			unsigned int line = 1;
			const char *p;

			for (p = text; p < nul; p++)
				line += *p == '\n';
			config_error(line, "a NUL byte");
		} else {
			fclose(fp);
			return text;
		}
		free(text);
		fclose(fp);
		return NULL;
	}
	close(fd);
	return NULL;
}

static void
read_file(const char *file)
{
	struct config *config = reader.config;
	size_t first = config->rules.n, len, rewritten_len;
	char *text, *rewritten;
	FILE *out;

	config->files =
	    grow(config->files, config->nfiles, sizeof(*config->files));
	reader.file = config->files[config->nfiles++] = copy(file);
	reader.blocks.n = reader.ended = reader.nusers = 0;
	reader.unknown_user = false;
	reader.killer = 0;

	if ((text = slurp(&len)) == NULL)
		return;
	if ((out = open_memstream(&rewritten, &rewritten_len)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	if (shortform(text, len, out, &reader.blocks, config_error)) {
		if (fflush(out) == EOF)
			err(EXIT_NOTHING_CHANGED, NULL);
		parse(rewritten, rewritten_len);
		check_titles(first);
	}
	fclose(out);
	free(rewritten);
	free(text);
}

static int
is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	    strcmp(d->d_name + len - 5, ".conf") == 0;
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_drop_ins(const char *file)
{
	struct dirent **list;
	char *dir, *path;
	struct stat sb;
	int fd, i, n;

	if (asprintf(&dir, "%s.d", file) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	reader.file = dir;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		if (errno != ENOENT)
			config_error(0, "%s", strerror(errno));
	} else if (is_trusted(&sb)) {
		n = scandir(dir, &list, is_drop_in, compare_names);
		if (n == -1)
			config_error(0, "%s", strerror(errno));
		for (i = 0; i < n; i++) {
			if (asprintf(&path, "%s/%s", dir, list[i]->d_name) ==
			    -1)
				err(EXIT_NOTHING_CHANGED, NULL);
			read_file(path);
			free(path);
			free(list[i]);
		}
		if (n != -1)
			free(list);
	}
	if (fd != -1)
		close(fd);
	free(dir);
}

/* UID_MIN of login.defs(5). */
static uid_t
read_uid_min(void)
{
	uid_t uid_min = UID_MIN_DEFAULT;
	unsigned long value;
	char line[256];
	FILE *fp;

	if ((fp = fopen(LOGIN_DEFS, "re")) == NULL)
		return uid_min;
	while (fgets(line, sizeof(line), fp) != NULL) {
		const char *p = line + strspn(line, " \t");

		if (strncmp(p, "UID_MIN", 7) == 0 &&
		    sscanf(p + 7, "%lu", &value) == 1 && value < (uid_t)-1)
			uid_min = (uid_t)value;
	}
	fclose(fp);
	return uid_min;
}

int
config_read(struct config *config, const char *file, bool strict)
{
	*config = (struct config) { 0 };
	reader = (struct reader) { .config = config, .strict = strict };

	read_file(file);
	read_drop_ins(file);
	free(reader.blocks.block);
	free(reader.users);
	if (reader.has_cmdline)
		regfree(&reader.cmdline);
	if (reader.errors > 0) {
		config_free(config);
		return -1;
	}
	config->rules.uid_min = read_uid_min();
	if (rules_index(&config->rules) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	return 0;
}

void
config_free(struct config *config)
{
	size_t i;

	rules_free(&config->rules);
	for (i = 0; i < config->nfiles; i++)
		free(config->files[i]);
	free(config->files);
	*config = (struct config) { 0 };
}
