/* SPDX-License-Identifier: ISC */
/*
 * What rules_decide() promises, for CBMC to prove: with two rules of any
 * content, any facts, any of them unknown, and expressions that match anything.
 * Names, paths and arguments are any three bytes or fewer, and comm has two, so
 * that a name can be longer than comm.
 *
 * The proof has two steps. prove_names() and prove_paths() show that the sorted
 * tables are searched right: match_name() and has_rule() find the same as
 * find_rule() and find_name() here, which look at every rule. prove_decision()
 * and prove_known() then call these instead, which is much faster to prove.
 */
#include <limits.h>
#include <stdint.h>
#undef PATH_MAX
#define PATH_MAX 8

#include "rule.h"
#undef TASK_COMM_LEN
#define TASK_COMM_LEN 3 /* comm is cut after two bytes */
#include "rule.c"

#define LENGTH 3
#define SIZE 8 /* what is left is filled with NUL */
#define NRULES 2
#define NUSERS 2
#define EVERYTHING                                                       \
	(FACT_COMM | FACT_STAT | FACT_EXE | FACT_CMDLINE | FACT_STATUS | \
	    FACT_LOGINUID | FACT_VALUE | FACT_PARENT)

#define claim(condition, text) __CPROVER_assert(condition, "claim: " text)
#define assume(condition) __CPROVER_assume(condition)

/* CBMC knows these: each call returns any value. */
struct facts nondet_facts(void);
struct rule nondet_rule(void);
char nondet_char(void);
int nondet_int(void);
_Bool nondet_bool(void);

static struct rule rule[NRULES];
static char name[NRULES][SIZE], path[NRULES][SIZE];
static uid_t users[NRULES][NUSERS];
static int answer[NRULES];   /* of regexec(3) */
static bool starved[NRULES]; /* "no match" for lack of memory */
static char argv0[SIZE], script[SIZE];
static char cmdline[] = "";

int
regexec(const regex_t *preg, const char *string, size_t nmatch,
    regmatch_t *match, int flags)
{
	size_t i;

	(void)nmatch, (void)match, (void)flags;
	claim(string == cmdline, "no expression sees unknown arguments");
	for (i = 0; i < NRULES; i++) {
		if (preg != &rule[i].cmdline)
			continue;
		claim(rule[i].has_cmdline, "no expression is missing");
		if (starved[i])
			errno = ENOMEM;
		return answer[i];
	}
	claim(false, "every expression is a rule's");
	return REG_NOMATCH;
}

/*
 * The functions of string.h, for strings of three bytes or fewer that are
 * filled with NUL: without loops, and much faster to prove.
 */
static uint32_t
get_word(const char *s)
{
	if (s[0] == '\0')
		return 0;
	return __builtin_bswap32(*(const uint32_t *)s);
}

int
strcmp(const char *a, const char *b)
{
	uint32_t x = get_word(a), y = get_word(b);

	return (x > y) - (x < y);
}

int
strncmp(const char *a, const char *b, size_t n)
{
	unsigned int bits = 8 * (4 - (unsigned int)n);
	uint32_t x = get_word(a) >> bits, y = get_word(b) >> bits;

	return (x > y) - (x < y);
}

size_t
strlen(const char *s)
{
	return s[0] == 0 ? 0 : s[1] == 0 ? 1 : s[2] == 0 ? 2 : 3;
}

char *
strchr(const char *s, int c)
{
	size_t i = s[0] == c ? 0 : s[1] == c ? 1 : s[2] == c ? 2 : 3;

	return i < 3 ? (char *)s + i : NULL;
}

char *
strrchr(const char *s, int c)
{
	size_t i = s[2] == c ? 2 : s[1] == c ? 1 : s[0] == c ? 0 : 3;

	return i < 3 ? (char *)s + i : NULL;
}

locale_t
newlocale(int mask, const char *locale, locale_t base)
{
	(void)mask, (void)locale;
	return base;
}

locale_t
uselocale(locale_t locale)
{
	return locale;
}

/* The tables of rules_index(): CBMC is faster where it knows their type. */
void *
calloc(size_t n, size_t size)
{
	static struct rule_key table[2][2 * NRULES + 1];
	static size_t i;

	claim(i < 2 && n * size <= sizeof(table[0]), "the tables are small");
	return table[i++];
}

void
qsort(void *base, size_t n, size_t size,
    int (*compare)(const void *, const void *))
{
	struct rule_key *key = base, first;
	size_t i, j;

	(void)size;
	for (i = 1; i < n; i++) {
		for (j = i; j > 0 && compare(&key[j - 1], &key[j]) > 0; j--) {
			first = key[j];
			key[j] = key[j - 1];
			key[j - 1] = first;
		}
	}
}

static void
make_string(char *s)
{
	s[0] = nondet_char();
	s[1] = s[0] != '\0' ? nondet_char() : '\0';
	s[2] = s[1] != '\0' ? nondet_char() : '\0';
	memset(s + LENGTH, 0, SIZE - LENGTH);
}

/* Rules as config.c makes them, without the tables. */
static struct rules
make_rules(void)
{
	struct rules rules = { .rule = rule, .n = NRULES };
	size_t i;

	for (i = 0; i < NRULES; i++) {
		struct rule *r = &rule[i];

		*r = nondet_rule();
		r->name = name[i];
		make_string(name[i]);
		assume(name[i][0] != '\0');
		assume(name[i][0] == '/' || strchr(name[i], '/') == NULL);
		make_string(path[i]);
		assume(path[i][0] == '/');
		r->path = name[i][0] == '/' && nondet_bool() ? path[i] : NULL;
		assume(r->oom_score_adj >= OOM_SCORE_ADJ_MIN);
		assume(r->oom_score_adj <= OOM_SCORE_ADJ_MAX);
		r->users = users[i];
		users[i][0] = (uid_t)nondet_int();
		users[i][1] = (uid_t)nondet_int();
		assume(r->nusers <= NUSERS);
		assume(r->has_users == (r->nusers > 0 || r->unknown_user));
		answer[i] = nondet_int();
		starved[i] = answer[i] == REG_NOMATCH && nondet_bool();
	}
	rules.uid_min = (uid_t)nondet_int();
	rules.reset_inherited = nondet_bool();
	return rules;
}

/* Facts as process.c makes them. */
static struct facts
make_facts(void)
{
	struct facts f = nondet_facts();
	int i;

	f.argv0 = argv0;
	f.script = NULL;
	if (f.has_args) {
		make_string(argv0);
		make_string(script);
		if (nondet_bool())
			f.script = script;
		assume(script[0] != '\0' && script[0] != '-');
		assume(!f.kernel_thread && !f.zombie);
	}
	f.known &= EVERYTHING;
	f.cmdline = f.known & FACT_CMDLINE ? cmdline : NULL;
	make_string(f.exe);
	make_string(f.comm);
	assume(f.kernel_thread || strlen(f.comm) < TASK_COMM_LEN);
	assume(f.value >= OOM_SCORE_ADJ_MIN && f.value <= OOM_SCORE_ADJ_MAX);
	assume(f.parent_value >= OOM_SCORE_ADJ_MIN);
	i = nondet_int();
	f.parent_rule = i == 0 || i == 1 ? &rule[i] : NULL;
	return f;
}

static bool
is_listed(const struct rule *r, uid_t uid)
{
	return (r->nusers > 0 && r->users[0] == uid) ||
	    (r->nusers > 1 && r->users[1] == uid);
}

/* Whether regexec(3) fails for rule I. */
static bool
is_starved(size_t i)
{
	return rule[i].has_cmdline &&
	    (starved[i] || (answer[i] != 0 && answer[i] != REG_NOMATCH));
}

/* Whether S is how rule I writes its name, or with EXE its executable's path.
 */
static bool
is_spelled(size_t i, const char *s, bool exe)
{
	if (exe && (name[i][0] != '/' || rule[i].path == NULL))
		return name[i][0] == '/' && strcmp(s, name[i]) == 0;
	return strcmp(s, name[i]) == 0 || (exe && strcmp(s, path[i]) == 0);
}

static bool
find_name(const struct rules *rules, const char *s)
{
	(void)rules;
	return is_spelled(0, s, false) || is_spelled(1, s, false);
}

static struct rule_key by_exe[2 * NRULES + 1];

static const struct rule *
find_rule(const struct rule_key *table, size_t n, const char *s,
    const struct facts *f, const struct rule *best, unsigned int *need)
{
	size_t i;

	(void)n;
	for (i = NRULES; i-- > 0 && best != &rule[i];) {
		if (!is_spelled(i, s, table == by_exe))
			continue;
		if (rule[i].has_users && !rule[i].unknown_user &&
		    !(f->known & FACT_STATUS))
			*need |= FACT_STATUS;
		else if (rule[i].has_users &&
		    (rule[i].unknown_user || !is_listed(&rule[i], f->euid)))
			continue;
		else if (rule[i].has_cmdline && !(f->known & FACT_CMDLINE))
			*need |= FACT_CMDLINE;
		else if (is_starved(i))
			*need |= FACT_NO_MEMORY;
		else if (!rule[i].has_cmdline || answer[i] == 0)
			return &rule[i];
	}
	return best;
}

/* In the table of names both find the same, and ask for the same. */
void
prove_names(void)
{
	struct rules rules = make_rules();
	struct facts f = make_facts();
	const struct rule *best = NULL, *found;
	unsigned int need = 0, needed = 0;

	assume(rules_index(&rules) == 0);
	if (nondet_bool())
		best = nondet_bool() ? &rule[0] : &rule[1];
	found = match_name(rules.by_name, rules.n, argv0, &f, best, &need);
	claim(found == find_rule(NULL, 0, argv0, &f, best, &needed),
	    "the last rule of a name is found");
	claim(need == needed, "what a rule of a name needs is asked for");
	claim(has_rule(&rules, argv0) == find_name(&rules, argv0),
	    "a name that has a rule is known");
}

/* The table of paths has what it should, in order: match_name() needs this. */
void
prove_paths(void)
{
	struct rules rules = make_rules();
	const struct rule_key *key;
	size_t i, n = 0;

	assume(rules_index(&rules) == 0);
	key = rules.by_exe;
	for (i = 0; i < NRULES; i++) {
		if (name[i][0] == '/')
			n += rule[i].path != NULL &&
				strcmp(path[i], name[i]) != 0
			    ? 2
			    : 1;
	}
	claim(rules.nexe == n, "every path has one entry for each spelling");
	for (i = 0; i < 2 * NRULES; i++) {
		if (i >= rules.nexe)
			continue;
		claim((key[i].rule == &rule[0] &&
			  is_spelled(0, key[i].key, true)) ||
			(key[i].rule == &rule[1] &&
			    is_spelled(1, key[i].key, true)),
		    "the paths are those of the rules");
		claim(i == 0 || strcmp(key[i - 1].key, key[i].key) < 0 ||
			(strcmp(key[i - 1].key, key[i].key) == 0 &&
			    key[i - 1].rule == &rule[0] &&
			    key[i].rule == &rule[1]),
		    "the paths are in order, and the rules of each");
	}
}

/* Rules as they are after rules_index(), for find_rule(). */
static struct rules
make_index(void)
{
	struct rules rules = make_rules();

	rules.by_exe = by_exe;
	rules.nexe = (size_t)(name[0][0] == '/') + (name[1][0] == '/');
	return rules;
}

/* From here on the promises, in the words of oom_adjust.conf(5). */

static bool
is_user(const struct rules *rules, uid_t uid)
{
	return uid >= rules->uid_min && !(uid >= 61184 && uid <= 65519) &&
	    uid != 65534;
}

static const char *
last_part(const char *s)
{
	const char *part = s;

	for (; *s != '\0'; s++) {
		if (*s == '/')
			part = s + 1;
	}
	return part;
}

static bool
is_named(const struct rule *r, const struct facts *f)
{
	const char *base;

	if (f->script != NULL) {
		base = last_part(f->script);
		if (f->comm[0] == base[0] &&
		    (base[0] == '\0' || f->comm[1] == base[1]) &&
		    (strcmp(f->script, r->name) == 0 ||
			strcmp(base, r->name) == 0))
			return true;
	}
	if (r->name[0] == '/')
		return strcmp(f->exe, r->name) == 0 ||
		    (r->path != NULL && strcmp(f->exe, r->path) == 0);
	if (strcmp(last_part(f->argv0), r->name) == 0)
		return true;
	/* argv[0] is no name */
	if (f->argv0[0] == '\0' || strchr(f->argv0, ' ') != NULL ||
	    (f->argv0[0] == '-' && f->script == NULL))
		return strcmp(f->comm, r->name) == 0 &&
		    strlen(r->name) < TASK_COMM_LEN;
	return false;
}

static bool
is_match(size_t i, const struct facts *f)
{
	if (rule[i].has_users &&
	    (rule[i].unknown_user || !is_listed(&rule[i], f->euid)))
		return false;
	return is_named(&rule[i], f) &&
	    (!rule[i].has_cmdline || answer[i] == 0) && !f->kernel_thread &&
	    !f->zombie;
}

static bool
is_favour(const struct rule *r, const struct facts *f)
{
	return r->oom_score_adj < 0 || r->oom_score_adj < f->value;
}

static bool
is_users_process(
    const struct rules *rules, const struct rule *r, const struct facts *f)
{
	return (is_user(rules, f->ruid) && !is_listed(r, f->ruid)) ||
	    (is_user(rules, f->euid) && !is_listed(r, f->euid)) ||
	    (is_user(rules, f->suid) && !is_listed(r, f->suid));
}

static bool
is_put_back(const struct rule *r, const struct facts *f)
{
	return f->parent_rule == r && f->parent_value < f->value;
}

static bool
is_reset(const struct rules *rules, const struct facts *f)
{
	return rules->reset_inherited && f->value < 0 && f->in_session &&
	    !f->contained && is_user(rules, f->ruid) &&
	    is_user(rules, f->euid) && is_user(rules, f->suid);
}

/* One decision, whatever is known. */
void
prove_decision(void)
{
	struct rules rules = make_index();
	struct facts f = make_facts();
	struct decision d = rules_decide(&rules, &f);
	const struct rule *last = NULL;
	bool favour = false, user = false, container = false, put_back = false;

	if (is_match(0, &f))
		last = &rule[0];
	if (is_match(1, &f))
		last = &rule[1];
	if (last != NULL) {
		favour = is_favour(last, &f);
		user = favour && is_users_process(&rules, last, &f);
		container = favour && f.contained && !last->containers;
		put_back = favour && is_put_back(last, &f);
	}

	switch (d.verdict) {
	case VERDICT_NEED:
		claim(d.need != 0, "what is asked for is named");
		claim((d.need & f.known) == 0, "nothing is asked for twice");
		claim((d.need & ~EVERYTHING) == 0, "only facts are asked for");
		return;
	case VERDICT_NO_MEMORY:
		claim(is_starved(0) || is_starved(1),
		    "memory is not missing without reason");
		return;
	case VERDICT_NONE:
		claim(last == NULL, "a process that a rule matches has one");
		claim(d.rule == NULL, "no rule is named where none matches");
		claim(!is_reset(&rules, &f),
		    "what a session has inherited is reset");
		return;
	case VERDICT_RESET:
		claim(is_reset(&rules, &f), "only sessions are reset");
		claim(last == NULL || user, "no rule's process is reset");
		return;
	default:
		break;
	}
	claim(!f.kernel_thread && !f.zombie,
	    "kernel threads and zombies are left alone");
	claim(d.rule == last, "the last rule that matches decides");
	switch (d.verdict) {
	case VERDICT_APPLY:
		claim(!user, "no favour for a login user's process");
		claim(!container, "no favour in a container");
		claim(!put_back, "no favour for what was put back");
		break;
	case VERDICT_USER:
		claim(user, "only users' processes are passed over as such");
		claim(is_user(&rules, d.uid) && !is_listed(last, d.uid) &&
			(d.uid == f.ruid || d.uid == f.euid || d.uid == f.suid),
		    "the user is named");
		claim(!is_reset(&rules, &f),
		    "what a session has inherited is reset under its rule");
		break;
	case VERDICT_CONTAINER:
		claim(container, "only containers are passed over as such");
		break;
	case VERDICT_PUT_BACK:
		claim(put_back, "only what was put back is passed over so");
		break;
	default:
		claim(false, "there is no other verdict");
	}
}

/* What is not known makes no difference. */
void
prove_known(void)
{
	struct rules rules = make_index();
	struct facts f = make_facts(), g = make_facts();
	struct decision d, e;

	g.known = f.known;
	g.has_args = f.has_args;
	g.script = f.script;
	g.cmdline = f.cmdline;
	if (f.known & FACT_COMM)
		memcpy(g.comm, f.comm, SIZE);
	if (f.known & FACT_EXE)
		memcpy(g.exe, f.exe, SIZE);
	if (f.known & FACT_STAT) {
		g.kernel_thread = f.kernel_thread;
		g.zombie = f.zombie;
	}
	if (f.known & FACT_STATUS) {
		g.ruid = f.ruid;
		g.euid = f.euid;
		g.suid = f.suid;
		g.contained = f.contained;
	}
	if (f.known & FACT_LOGINUID)
		g.in_session = f.in_session;
	if (f.known & FACT_VALUE)
		g.value = f.value;
	if (f.known & FACT_PARENT) {
		g.parent_rule = f.parent_rule;
		g.parent_value = f.parent_value;
	}
	d = rules_decide(&rules, &f);
	e = rules_decide(&rules, &g);
	claim(d.verdict == e.verdict && d.rule == e.rule && d.need == e.need &&
		(d.verdict != VERDICT_USER || d.uid == e.uid),
	    "no decision rests on what is not known");
}
