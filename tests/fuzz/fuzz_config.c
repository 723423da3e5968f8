/* SPDX-License-Identifier: ISC */
/*
 * Compares the config reader with libconfuse alone. Any file without short
 * forms that the reader accepts, libconfuse must accept with the same meaning;
 * files made by the grammar of oom_adjust.conf(5) must be accepted by both. The
 * first byte of the input says what the others become: the file itself, a
 * sequence of pieces of the syntax, or a valid file.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
struct passwd *__wrap_getpwnam(const char *name);

static char path[64];
static int fd;

static const char *const pieces[] = { "process ", "process a {", "process b {",
	"lowmemorykiller {", "reset_inherited = ", "name = ", "cmdline = ",
	"user = ", "user += ", "oom_adj = 5 ", "oom_score_adj = -5 ",
	"containers = ", "adj = ", "minfree = ", "{", "}", "}\n", "{1, 2}",
	"{root, 5,}", "=", "+=", ",", "\n", "\r\n", " ", "\t", "# c\n",
	"// c\n", "/* \n c */", "/*", "*/", "\"", "'", "\\", "\\x41", "\\101",
	"\\n", "\\\n", "\\d", "${", "${HOME}", "${NO:-x}", "$", "*", "+", "+5",
	"5", "yes", "off", "java", "'a b'", "\"a\\\"b\"", "\"\\${x}\"",
	"sshd -17\n", "(", ")", ";", ":", "#", "/", "\xe2\x80\x93", "a\r" };

/*
 * Space between words, and comments after a setting or a block: libconfuse
 * alone accepts comments only there.
 */
static const char *const blanks[] = { " ", "\t", "\n", "\r\n", "\n\n" };
static const char *const comments[] = { " # c \"\n", "\r\n", " /* { \" */ ",
	" // '\n", " /**/ ", "\n/* \n ** */\n", " /*/ */", "\n" };
static const char *const names[] = { "n", "$", "a$b", "'a b'", "'it\\'s'",
	"'a\\b'", "\"\\x2a\\101\\t\\e\"", "'${HOME}'", "\"${HOME}\"", "${HOME}",
	"${NO:-a b}", "\"\\${x} \\\\ \\\"\"", "\"a\\\nb\"", "'a\\\nb'",
	"\"# no\"", "\xc3\xa4" };
static const char *const expressions[] = { "java", "x/y//z", "'a\\.b'",
	"\"a\\\\.b\"", "'it\\'s'", "\"\\x41\\t\"", "\"${NO:-a b}\"", "\"a\nb\"",
	"\"# no comment /* \\\"\"", "'a{2}'" };
static const char *const bools[] = { "true", "FALSE", "yes", "no", "on",
	"Off" };
static const char *const users[] = { "root", "{root}", "{0,1}",
	"{ 'root' , 5 ,}", "{1,\n2\n}" };
static const char *const lists[] = { "1", "{1}", "{0x2,}", "{ 010 }" };

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
	setenv("HOME", "home", 1);
	unsetenv("NO");
	fd = memfd_create("config", 0);
	if (fd == -1 || fchmod(fd, 0600) == -1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

/* These bytes choose what a made file contains; after the last come zeros. */
static const uint8_t *choice, *choices_end;

static unsigned int
choose(size_t n)
{
	return choice < choices_end ? *choice++ % (unsigned int)n : 0;
}

static void
put(FILE *out, const char *text)
{
	fputs(text, out);
	fputs(blanks[choose(COUNT(blanks))], out);
}

static void
put_setting(FILE *out, const char *name, const char *const *values, size_t n)
{
	put(out, name);
	put(out, "=");
	fputs(values[choose(n)], out);
	fputs(comments[choose(COUNT(comments))], out);
}

/* Write a rule. Its title begins with its number: titles must differ. */
static void
make_process(FILE *out, unsigned int number)
{
	put(out, "process");
	fprintf(out, "'%u", number);
	put(out, "t'");
	put(out, "{");
	if (choose(2))
		put_setting(out, "name", names, COUNT(names));
	put_setting(out, choose(2) ? "oom_adj" : "oom_score_adj",
	    (const char *[]) { "5", "-1", "+0x3", "010", "\"7\"" }, 5);
	if (choose(2))
		put_setting(out, "cmdline", expressions, COUNT(expressions));
	if (choose(2))
		put_setting(out, "user", users, COUNT(users));
	if (choose(2))
		put_setting(out, "containers", bools, COUNT(bools));
	fputs("}", out);
	fputs(comments[choose(COUNT(comments))], out);
}

static void
make_valid(FILE *out)
{
	unsigned int i, n = 1 + choose(4);

	for (i = 0; i < n; i++)
		make_process(out, i);
	if (choose(2)) {
		put(out, "lowmemorykiller");
		put(out, "{");
		put_setting(out, "adj", lists, COUNT(lists));
		if (choose(2))
			put_setting(out, "minfree", lists, COUNT(lists));
		fputs("}\n", out);
	}
	if (choose(2))
		put_setting(out, "reset_inherited", bools, COUNT(bools));
}

/*
 * What the file means to the reader, or NULL if it is refused or has a short
 * form.
 */
static char *
read_ours(bool *taken)
{
	struct config config;
	size_t i, j, len;
	char *dump;
	FILE *out = open_memstream(&dump, &len);
	bool short_forms = false;

	*taken = config_read(&config, path, CONFIG_STRICT) == 0;
	for (i = 0; i < config.rules.n; i++) {
		const struct rule *r = &config.rules.rule[i];

		short_forms |= r->short_form;
		fprintf(out, "%s|%s|%s|%d|%d|%d|", r->title, r->name,
		    r->expression != NULL ? r->expression : "", r->oom_adj,
		    r->value, r->containers);
		for (j = 0; j < r->nusers; j++)
			fprintf(out, "%u,", r->users[j]);
		putc('\n', out);
	}
	for (i = 0; i < config.lowmemorykiller.n; i++)
		fprintf(out, "%d %d\n", config.lowmemorykiller.adj[i],
		    config.lowmemorykiller.minfree[i]);
	fprintf(out, "%d\n", config.reset_inherited);
	fclose(out);
	config_free(&config);
	if (*taken && !short_forms)
		return dump;
	free(dump);
	return NULL;
}

static void
silent(cfg_t *cfg, const char *format, va_list ap)
{
	(void)cfg;
	(void)format;
	(void)ap;
}

static int
parse(cfg_t *cfg, char *text, size_t len)
{
	FILE *fp = fmemopen(text, len, "r");
	int result;

	if (fp == NULL)
		abort();
	result = cfg_parse_fp(cfg, fp);

	fclose(fp);
	return result;
}

static void
dump_process(FILE *out, cfg_t *sec)
{
	const char *name = cfg_getstr(sec, "name");
	const char *cmdline = cfg_getstr(sec, "cmdline");
	bool adj = cfg_size(sec, "oom_adj") > 0;
	unsigned int i;

	fprintf(out, "%s|%s|%s|%d|%ld|%d|", cfg_title(sec),
	    name != NULL ? name : cfg_title(sec),
	    cmdline != NULL ? cmdline : "", adj,
	    cfg_getint(sec, adj ? "oom_adj" : "oom_score_adj"),
	    cfg_getbool(sec, "containers"));
	for (i = 0; i < cfg_size(sec, "user"); i++)
		fprintf(
		    out, "%ld,", strtol(cfg_getnstr(sec, "user", i), NULL, 10));
	putc('\n', out);
}

/* The same by libconfuse alone, or NULL. */
static char *
read_theirs(char *text, size_t text_len)
{
	cfg_opt_t process_opts[] = {
		CFG_STR("name", NULL, CFGF_NONE),
		CFG_STR("cmdline", NULL, CFGF_NONE),
		CFG_STR_LIST("user", NULL, CFGF_NONE),
		CFG_INT("oom_adj", 0, CFGF_NODEFAULT),
		CFG_INT("oom_score_adj", 0, CFGF_NODEFAULT),
		CFG_BOOL("containers", cfg_false, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t lowmemorykiller_opts[] = {
		CFG_INT_LIST("adj", "{9999}", CFGF_NONE),
		CFG_INT_LIST("minfree", "{1}", CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t opts[] = {
		CFG_SEC("process", process_opts, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("lowmemorykiller", lowmemorykiller_opts, CFGF_MULTI),
		CFG_BOOL("reset_inherited", cfg_false, CFGF_NONE),
		CFG_END(),
	};
	static char reset[] = "*/\"'\"";
	cfg_t *cfg = cfg_init(opts, CFGF_NONE), *sec;
	unsigned int i, j;
	char *dump;
	size_t len;
	FILE *out;
	int result;

	cfg_set_error_function(cfg, silent);
	result = parse(cfg, text, text_len);
	if (result != CFG_SUCCESS) {
		/* The lexer may still be inside a string. */
		parse(cfg, reset, strlen(reset));
		cfg_free(cfg);
		return NULL;
	}
	out = open_memstream(&dump, &len);
	for (i = 0; i < cfg_size(cfg, "process"); i++)
		dump_process(out, cfg_getnsec(cfg, "process", i));
	for (i = 0; i < cfg_size(cfg, "lowmemorykiller"); i++) {
		sec = cfg_getnsec(cfg, "lowmemorykiller", i);
		for (j = 0; j < cfg_size(sec, "adj"); j++)
			fprintf(out, "%ld %ld\n", cfg_getnint(sec, "adj", j),
			    cfg_getnint(sec, "minfree", j));
	}
	fprintf(out, "%d\n", cfg_getbool(cfg, "reset_inherited"));
	fclose(out);
	cfg_free(cfg);
	return dump;
}

/* CR LF ends a line: this is the only difference on purpose. */
static size_t
drop_cr(char *text, size_t len)
{
	char *from, *to = text;

	for (from = text; from < text + len; from++) {
		if (*from != '\r' || (from + 1 < text + len && from[1] != '\n'))
			*to++ = *from;
	}
	return (size_t)(to - text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *ours, *theirs = NULL;
	unsigned int kind;
	bool taken, differ = false;
	size_t len;
	FILE *out;

	choice = data;
	choices_end = data + size;
	kind = choose(3);
	if ((out = open_memstream(&text, &len)) == NULL)
		abort();
	if (kind == 0 && size > 0)
		fwrite(data + 1, 1, size - 1, out);
	while (kind == 1 && choice < choices_end)
		fputs(pieces[choose(COUNT(pieces))], out);
	if (kind == 2)
		make_valid(out);
	fclose(out);
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, len, 0) != (ssize_t)len)
		abort();

	ours = read_ours(&taken);
	if (ours != NULL && len > 0 && strncmp(text, "\xef\xbb\xbf", 3) != 0) {
		theirs = read_theirs(text, drop_cr(text, len));
		/* It takes comments only between settings. */
		differ = theirs != NULL ? strcmp(ours, theirs) != 0
					: kind == 2 ||
			(strchr(text, '#') == NULL &&
			    strstr(text, "//") == NULL &&
			    strstr(text, "/*") == NULL);
	}
	if (differ || (kind == 2 && !taken)) {
		printf("%s\n-- ours\n%s-- theirs\n%s", text,
		    ours != NULL ? ours : "none\n",
		    theirs != NULL ? theirs : "none\n");
		fflush(stdout);
		abort();
	}
	free(ours);
	free(theirs);
	free(text);
	return 0;
}
