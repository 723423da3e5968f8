/* SPDX-License-Identifier: ISC */
#include <sys/param.h>

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rule.h"
#include "text.h"

#define EXPRESSION_MAX ((size_t)1000) /* with its repetitions written out */

/* DynamicUser= of systemd.exec(5), and nobody */
#define DYNAMIC_UID_MIN 61184
#define DYNAMIC_UID_MAX 65519
#define NOBODY_UID 65534

int
oom_adj_to_score_adj(int v)
{
	if (v == OOM_ADJUST_MAX)
		return OOM_SCORE_ADJ_MAX;
	return v * OOM_SCORE_ADJ_MAX / -OOM_DISABLE;
}

int
oom_score_adj_to_adj(int v)
{
	int half = v < 0 ? -OOM_SCORE_ADJ_MAX / 2 : OOM_SCORE_ADJ_MAX / 2;
	int adj = (v * -OOM_DISABLE + half) / OOM_SCORE_ADJ_MAX;

	/* OOM_DISABLE means never: only the lowest value may become that. */
	if (adj == OOM_DISABLE && v > OOM_SCORE_ADJ_MIN)
		return OOM_DISABLE + 1;
	return adj > OOM_ADJUST_MAX ? OOM_ADJUST_MAX : adj;
}

static int
compare_keys(const void *va, const void *vb)
{
	const struct rule_key *a = va, *b = vb;
	int c = strcmp(a->key, b->key);

	if (c != 0)
		return c;
	return (a->rule > b->rule) - (a->rule < b->rule);
}

int
rules_index(struct rules *rules)
{
	size_t i;

	/* A path that leads over a symbolic link has two entries. */
	rules->by_name = calloc(rules->n + 1, sizeof(*rules->by_name));
	rules->by_exe = calloc(2 * rules->n + 1, sizeof(*rules->by_exe));
	if (rules->by_name == NULL || rules->by_exe == NULL)
		return -1;

	for (i = 0; i < rules->n; i++) {
		const struct rule *r = &rules->rule[i];

		rules->by_name[i] = (struct rule_key) { r->name, r };
		if (r->name[0] != '/')
			continue;
		rules->by_exe[rules->nexe++] = (struct rule_key) { r->name, r };
		if (r->path != NULL && strcmp(r->path, r->name) != 0)
			rules->by_exe[rules->nexe++] =
			    (struct rule_key) { r->path, r };
	}
	qsort(rules->by_name, rules->n, sizeof(*rules->by_name), compare_keys);
	qsort(rules->by_exe, rules->nexe, sizeof(*rules->by_exe), compare_keys);
	return 0;
}

bool
rule_is_named(const struct rule *r, const char *name)
{
	return strcmp(r->name, name) == 0 || strcmp(r->title, name) == 0;
}

/*
 * Count the entries of TABLE, which has N, that sort before NAME or are equal
 * to it. If there is a rule for NAME, the last one is the entry before this
 * index.
 */
static size_t
upper_bound(const struct rule_key *table, size_t n, const char *name)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(table[mid].key, name) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
has_rule(const struct rules *rules, const char *name)
{
	size_t i = upper_bound(rules->by_name, rules->n, name);

	return i > 0 && strcmp(rules->by_name[i - 1].key, name) == 0;
}

static bool
has_user(const struct rule *r, uid_t uid)
{
	size_t i;

	for (i = 0; i < r->nusers; i++) {
		if (r->users[i] == uid)
			return true;
	}
	return false;
}

static bool
match_user(const struct rule *r, const struct facts *f, unsigned int *need)
{
	if (r->unknown_user)
		return false;
	if (!(f->known & FACT_STATUS)) {
		*need |= FACT_STATUS;
		return false;
	}
	return has_user(r, f->euid);
}

/* Arguments are bytes, whatever the locale. Returns the locale used before. */
static locale_t
use_c_locale(void)
{
	static locale_t c_locale;

	if (c_locale == (locale_t)0)
		c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return uselocale(c_locale);
}

/* The end of the bracket expression whose inside begins at P. */
static const char *
bracket_end(const char *p)
{
	char end[3] = "";
	const char *close;

	p += *p == '^';
	p += *p == ']';
	for (; *p != '\0' && *p != ']'; p++) {
		if (p[0] != '[' || p[1] == '\0' || strchr(".:=", p[1]) == NULL)
			continue;
		end[0] = p[1];
		end[1] = ']';
		if ((close = strstr(p + 2, end)) == NULL)
			return p + strlen(p);
		p = close + 1;
	}
	return p + (*p == ']');
}

/*
 * How many characters the expression at P has up to the end of its group when
 * its repetitions are written out. P moves there, or stops after more than
 * LIMIT, which bounds the depth too. A \digit or \letter that POSIX does not
 * have goes to BAD, and : for a class without its second brackets.
 */
static size_t /* NOLINTNEXTLINE(misc-no-recursion): LIMIT bounds it */
expanded_length(const char **p, size_t limit, char *bad)
{
	size_t size = 0, last = 0;
	unsigned long n;
	char *end;

	while (**p != '\0' && **p != ')' && size <= limit) {
		char c = *(*p)++;

		if (c == '*' || c == '?')
			continue;
		if (c == '+' || c == '{') {
			n = 2; /* regcomp(3) of glibc writes x+ as xx* */
			if (c == '{') {
				n = strtoul(*p, &end, 10);
				if (*end == ',' &&
				    isdigit((unsigned char)end[1]))
					n = strtoul(end + 1, &end, 10);
				*p = end + (*end == '}');
				n = MIN(n, limit + 1);
			}
			size += n > 0 ? last * (n - 1) : 0;
			last *= n;
			continue;
		}
		last = 1;
		if (c == '(') {
			last = 1 +
			    (size < limit
				    ? expanded_length(p, limit - size - 1, bad)
				    : limit);
			*p += **p == ')';
		} else if (c == '[') {
			const char *begin = *p;

			*p = bracket_end(begin);
			if (*begin == ':' && *p - begin > 2 && (*p)[-2] == ':')
				*bad = ':';
		} else if (c == '\\' && **p != '\0') {
			if (isalnum((unsigned char)**p) &&
			    strchr("wWsSbB", **p) == NULL)
				*bad = **p;
			(*p)++;
		}
		size += last;
	}
	return size;
}

/*
 * glibc starts again at each byte, and so takes the square of the length over
 * "-jar .*x". With ".*" before the expression it does not, and finds the same,
 * unless there is a ")" without "(" in it; and repetitions would take much
 * memory. Returns 0 or an error of regcomp(3).
 */
static int
compile_in_c_locale(regex_t *regex, const char *expression, bool groups)
{
	char text[EXPRESSION_MAX + sizeof("^.*()")];
	locale_t locale = use_c_locale();
	int error;

	error = regcomp(regex, expression, REG_EXTENDED | REG_NOSUB);
	if (error == 0 && groups && strchr(expression, '{') == NULL &&
	    strlen(expression) <= EXPRESSION_MAX) {
		regfree(regex);
		snprintf(text, sizeof(text), "^.*(%s)", expression);
		error = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);
	}
	uselocale(locale);
	return error;
}

/* regcomp(3) and regexec(3) do not bound their memory and time: bound them. */
bool
expression_compile(
    regex_t *regex, const char *expression, char *reason, size_t size)
{
	const char *p = expression;
	size_t length = 0;
	bool groups = true;
	char bad = '\0';
	int error;

	while (*p != '\0' && length <= EXPRESSION_MAX) {
		length += expanded_length(&p, EXPRESSION_MAX, &bad);
		if (*p == ')') { /* of no group */
			groups = false;
			p++;
		}
	}
	if (*expression == '\0') {
		snprintf(reason, size, "an empty expression");
	} else if (length > EXPRESSION_MAX) {
		snprintf(reason, size,
		    "more than %zu characters with the repetitions written out",
		    EXPRESSION_MAX);
	} else if (strpbrk(expression, "\001\002\003\004\005\006\a\b")) {
		snprintf(reason, size,
		    "\\b and \\1 are control characters in double quotes: "
		    "write the expression in single quotes");
	} else if (bad != '\0') {
		snprintf(reason, size,
		    "no %c%c in POSIX extended expressions: write [0-9], "
		    "[[:space:]] or the like; there are no back references",
		    bad == ':' ? '[' : '\\', bad);
	} else {
		error = compile_in_c_locale(regex, expression, groups);
		if (error == 0)
			return true;
		regerror(error, regex, reason, size);
	}
	return false;
}

static bool
match_cmdline(const struct rule *r, const struct facts *f, unsigned int *need)
{
	locale_t locale;
	int error;

	if (!(f->known & FACT_CMDLINE)) {
		*need |= FACT_CMDLINE;
		return false;
	}
	locale = use_c_locale();
	errno = 0;
	error = regexec(&r->cmdline, f->cmdline, 0, NULL, 0);
	/* glibc returns REG_NOMATCH also when it runs out of memory. */
	if (error != 0 && (error != REG_NOMATCH || errno == ENOMEM))
		*need |= FACT_NO_MEMORY;
	uselocale(locale);
	return error == 0;
}

/*
 * Return the last rule for NAME in TABLE that was written after BEST and whose
 * other conditions hold, or BEST if there is none. Facts that are needed for
 * this and not known yet are added to NEED.
 */
static const struct rule *
match_name(const struct rule_key *table, size_t n, const char *name,
    const struct facts *f, const struct rule *best, unsigned int *need)
{
	size_t i = upper_bound(table, n, name);

	for (; i > 0 && strcmp(table[i - 1].key, name) == 0; i--) {
		const struct rule *r = table[i - 1].rule;

		if (best != NULL && r <= best)
			break;
		if (r->has_users && !match_user(r, f, need))
			continue;
		if (r->has_cmdline && !match_cmdline(r, f, need))
			continue;
		return r;
	}
	return best;
}

/*
 * Try every way in which a name can mean a process, as pidof -x of sysvinit
 * does; but argv[0], which the process writes itself, does not prove a path.
 */
static const struct rule *
match_names(
    const struct rules *rules, const struct facts *f, unsigned int *need)
{
	const struct rule *best = NULL;
	const char *name = base_name(f->argv0), *base = "";

	if (f->argv0[0] != '\0')
		best =
		    match_name(rules->by_name, rules->n, name, f, best, need);

	if (rules->nexe > 0) {
		if (!(f->known & FACT_EXE))
			*need |= FACT_EXE;
		else
			best = match_name(
			    rules->by_exe, rules->nexe, f->exe, f, best, need);
	}

	/* comm must be the script's: `vi /usr/sbin/x` is not x. No name is
	   tried twice, because expressions are slow. */
	if (f->script != NULL) {
		base = base_name(f->script);
		if (has_rule(rules, base) || has_rule(rules, f->script)) {
			if (!(f->known & FACT_COMM)) {
				*need |= FACT_COMM;
			} else if (strncmp(f->comm, base, COMM) == 0) {
				if (strcmp(base, name) != 0)
					best = match_name(rules->by_name,
					    rules->n, base, f, best, need);
				if (strcmp(f->script, base) != 0)
					best = match_name(rules->by_name,
					    rules->n, f->script, f, best, need);
			}
		}
	}

	/* setproctitle(3), or a login shell: argv[0] holds no name. */
	if (f->argv0[0] == '\0' || strchr(f->argv0, ' ') != NULL ||
	    (f->argv0[0] == '-' && f->script == NULL)) {
		if (!(f->known & FACT_COMM))
			*need |= FACT_COMM;
		else if (f->comm[0] != '/' && strlen(f->comm) <= COMM &&
		    strcmp(f->comm, name) != 0 && strcmp(f->comm, base) != 0)
			best = match_name(
			    rules->by_name, rules->n, f->comm, f, best, need);
	}
	return best;
}

bool
is_login_user(const struct rules *rules, uid_t uid)
{
	return uid >= rules->uid_min && uid != NOBODY_UID &&
	    (uid < DYNAMIC_UID_MIN || uid > DYNAMIC_UID_MAX);
}

struct decision
rules_match(const struct rules *rules, const struct facts *f)
{
	struct decision d = { .verdict = VERDICT_NONE };

	d.rule = match_names(rules, f, &d.need);
	if (d.rule != NULL && !f->has_args && !(f->known & FACT_STAT))
		d.need |= FACT_STAT;
	if (d.need & FACT_NO_MEMORY)
		d.verdict = VERDICT_NO_MEMORY;
	else if (d.need != 0)
		d.verdict = VERDICT_NEED;
	else if (d.rule != NULL && !f->has_args &&
	    (f->kernel_thread || f->zombie))
		d.rule = NULL;
	else if (d.rule != NULL)
		d.verdict = VERDICT_APPLY;
	return d;
}

/*
 * Whether R may not favour the process because one of its user ids is a login
 * user's that R does not list. That id is stored in UID.
 */
static bool
is_user_barred(const struct rules *rules, const struct rule *r,
    const struct facts *f, uid_t *uid)
{
	const uid_t ids[] = { f->ruid, f->euid, f->suid };
	size_t i;

	for (i = 0; i < COUNT(ids); i++) {
		if (is_login_user(rules, ids[i]) && !has_user(r, ids[i])) {
			*uid = ids[i];
			return true;
		}
	}
	return false;
}

/*
 * If the value of D->rule, which has matched, is a favour that may not be
 * given, put the reason into the verdict; if that cannot be said yet, ask for
 * facts.
 */
static void
guard_favour(
    const struct rules *rules, const struct facts *f, struct decision *d)
{
	const struct rule *r = d->rule;

	if (!(f->known & FACT_VALUE)) {
		d->need = FACT_VALUE;
		return;
	}
	/* Lowering is what the kernel asks CAP_SYS_RESOURCE for. */
	if (r->oom_score_adj >= 0 && r->oom_score_adj >= f->value)
		return;
	if (!(f->known & FACT_STATUS)) {
		d->need = FACT_STATUS;
		return;
	}
	if (is_user_barred(rules, r, f, &d->uid)) {
		d->verdict = VERDICT_USER;
		return;
	}
	if (f->contained && !r->containers) {
		d->verdict = VERDICT_CONTAINER;
		return;
	}
	/* No parent can have had a value lower than this. */
	if (f->value == OOM_SCORE_ADJ_MIN)
		return;
	if (!(f->known & FACT_PARENT))
		d->need = FACT_PARENT;
	else if (f->parent_rule == r && f->parent_value < f->value)
		d->verdict = VERDICT_PUT_BACK;
}

/* Reset an inherited value if no rule has given the process another. */
static void
decide_reset(
    const struct rules *rules, const struct facts *f, struct decision *d)
{
	if (!(f->known & FACT_VALUE))
		d->need = FACT_VALUE;
	else if (f->value >= 0)
		return;
	else if (!(f->known & FACT_STATUS))
		d->need = FACT_STATUS;
	else if (f->contained || !is_login_user(rules, f->ruid) ||
	    !is_login_user(rules, f->euid) || !is_login_user(rules, f->suid))
		return;
	else if (!(f->known & FACT_LOGINUID))
		d->need = FACT_LOGINUID;
	else if (f->in_session)
		d->verdict = VERDICT_RESET;
}

struct decision
rules_decide(const struct rules *rules, const struct facts *f)
{
	struct decision d = rules_match(rules, f);

	if (d.verdict == VERDICT_APPLY)
		guard_favour(rules, f, &d);
	if (rules->reset_inherited && d.need == 0 &&
	    (d.verdict == VERDICT_NONE || d.verdict == VERDICT_USER))
		decide_reset(rules, f, &d);
	if (d.verdict != VERDICT_NO_MEMORY && d.need != 0)
		d.verdict = VERDICT_NEED;
	return d;
}

const struct rule *
rules_find_comm(const struct rules *rules, const char *comm)
{
	size_t i;

	for (i = rules->n; i-- > 0;) {
		const struct rule *rule = &rules->rule[i];
		const char *name = base_name(rule->name);

		if (!rule->unknown_user &&
		    (strcmp(name, comm) == 0 ||
			(strlen(comm) == COMM &&
			    strncmp(name, comm, COMM) == 0)))
			return rule;
	}
	return NULL;
}

void
rules_free(struct rules *rules)
{
	size_t i;

	for (i = 0; i < rules->n; i++) {
		struct rule *r = &rules->rule[i];

		free(r->title);
		free(r->name);
		free(r->path);
		free(r->users);
		free(r->expression);
		if (r->has_cmdline)
			regfree(&r->cmdline);
	}
	free(rules->rule);
	free(rules->by_name);
	free(rules->by_exe);
	*rules = (struct rules) { 0 };
}
