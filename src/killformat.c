/* SPDX-License-Identifier: ISC */
#include "killformat.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "scan.h"

enum { COMM = 15 }; /* TASK_COMM_LEN less the NUL */

/* A few of these in bytes are still no overflow. */
static const uint64_t KIB_MAX = UINT64_MAX >> 14;

/*
 * The formats. A pattern stands for a whole message, its % words are
 *
 *	%p  the process's id
 *	%c  its comm, to the last place that fits
 *	%u  its user id
 *	%s  its size in pages
 *	%a  its oom_score_adj
 *	%A  its oom_adj or oom_score_adj, nobody can tell
 *	%n  any number
 *	%m  one of messages[], which says which killer it is
 *	%l  "lowmemorykiller: " or "lowmem_shrink " or nothing
 *	%k  nothing, a full stop, or a list: "total-vm:8kB, anon-rss:4kB"
 *	%r  anything, with words of such a list in it
 *	%f  anything, with "to free 4kB" in it
 *	%*  anything
 *
 * The first that fits counts. Above each are the kernels that have it. A new
 * one is a line here and one in tests/corpus/kills/formats.
 */
static const struct format {
	enum meaning meaning;
	int killer;
	const char *pattern;
} formats[] = {
	/*
	 * mm/oom_kill.c
	 */
	/* 2.6.18, 5.1 to now */
	{ KILL, BEFORE, "%m: Killed process %p (%c)%k" },
	/* RHEL 5 */
	{ KILL, BEFORE, "%m: Killed process %p, UID %u, (%c)%k" },
	/* 2.6.19 to 5.0 */
	{ KILL, BEFORE, "Killed process %p (%c)%k" },
	/* RHEL 6 */
	{ KILL, BEFORE, "Killed process %p, UID %u, (%c)%k" },
	/* RHEL 7 */
	{ KILL, BEFORE, "Killed process %p (%c), UID %u,%k" },
	/* Virtuozzo and OpenVZ 6, RHEL 6's with container limits */
	{ KILL, BEFORE, "%m: OOM killed process %p (%c) %r" },
	/* Virtuozzo and OpenVZ 7, RHEL 7's; and whatever else comes behind */
	{ KILL, BEFORE, "Killed process %p (%c) %r" },
	{ KILL, BEFORE, "%m: Killed process %p (%c) %r" },
	/* 2.6.36 to 4.3: of another thread group, but with the same memory */
	{ KILL_ALSO, BEFORE, "Kill process %p (%c) sharing same memory" },
	/* Virtuozzo 7 */
	{ KILL_ALSO, BEFORE, "Kill process %p (%c) in VE \"%* same memory" },
	/* 2.6.18 ("and children"), 2.6.36 to 5.0 ("or sacrifice child") */
	{ ANNOUNCED, BEFORE, "%m: Kill process %p (%c) score %*" },
	/* 2.6.19 to 2.6.35 ("or a child") */
	{ ANNOUNCED, BEFORE, "%m: kill process %p (%c) score %*" },
	/* 2.6.19 to now */
	{ REPORT, BEFORE, "%c invoked oom-killer: %*" },
	/* 2.6.18 */
	{ REPORT, BEFORE, "oom-killer: gfp_mask=%*" },
	/* 5.0 to now */
	{ VICTIM, BEFORE, "oom-kill:constraint=%*" },
	/* 4.19 to now */
	{ MEMCG_GROUP, KILLER_MEMCG, "Tasks in %* are going to be killed %*" },
	/* mm/memcontrol.c, 2.6.29 to 4.20 */
	{ MEMCG, KILLER_MEMCG, "Task in %* killed as a result of limit of %*" },

	/*
	 * arch/.../mm/fault.c, 2.6.18 to 2.6.3x: no memory for a page fault
	 */
	{ KILL, KILLER_OOM, "VM: killing process %c(%p)" },
	{ KILL, KILLER_OOM, "VM: killing process %c" },

	/*
	 * drivers/staging/android/lowmemorykiller.c, at first in drivers/misc
	 */
	/* Android's 2.6.25 to 3.9; Samsung's go on after the size */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "%lsend sigkill to %p (%c), adj %A, size %s%*" },
	/* MediaTek's 3.4 to 4.4, with both scales */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "%lKilling '%c' (%p), adj %n, score_adj %a,%f" },
	/* 3.10 to 4.11 */
	{ KILL, KILLER_LOWMEMORYKILLER, "%lKilling '%c' (%p), adj %a,%f" },
	/* Android's 3.18 to 4.9, with the thread's id first */
	{ KILL, KILLER_LOWMEMORYKILLER,
	    "%lKilling '%c' (%n) (tgid %p), adj %a,%f" },
};

/* What %m may be: what out_of_memory() and its like call the killer with. */
static const struct {
	const char *text; /* a pattern, too */
	enum killer killer;
} messages[] = {
	/* 2.6.25 to now */
	{ "Memory cgroup out of memory", KILLER_MEMCG },
	/* 2.6.18 to now */
	{ "Out of memory", KILLER_OOM },
	/* 2.6.18's announcement; the kill itself before */
	{ "Out of Memory", KILLER_OOM },
	/* 2.6.24 to now */
	{ "Out of memory (oom_kill_allocating_task)", KILLER_OOM },
	/* 2.6.18 to 2.6.23 */
	{ "No available memory in cpuset", KILLER_OOM },
	/* 2.6.18 to 3.9 */
	{ "No available memory (MPOL_BIND)", KILLER_OOM },
	/* Virtuozzo and OpenVZ 6: a container's limit */
	{ "Out of memory in UB %n", KILLER_MEMCG },
};

/* How many bytes a comm has, an escaped one (\x1b, \033, #033) being one. */
static size_t
comm_bytes(const char *p, const char *end)
{
	size_t n;

	for (n = 0; p < end; n++)
		p += end - p >= 4 && (*p == '\\' || *p == '#') &&
			(p[1] == 'x' || is_digit(p[1]))
		    ? 4
		    : 1;
	return n;
}

static void
add_rss(struct found *f, uint64_t kib)
{
	if (f->rss <= KIB_MAX)
		f->rss += kib;
	f->has_rss = true;
}

/* The words of "total-vm:8kB, anon-rss:4kB UID:0" that we want. */
void
format_list_keys(const char *p, const char *end, struct found *f)
{
	uint64_t v;

	while (p < end) {
		if (literal(&p, end, "anon-rss:") ||
		    literal(&p, end, "file-rss:") ||
		    literal(&p, end, "shmem-rss:") ||
		    literal(&p, end, "rss:")) {
			if (number(&p, end, KIB_MAX, &v))
				add_rss(f, v);
		} else if (literal(&p, end, "UID:")) {
			if (number(&p, end, UINT32_MAX, &v)) {
				f->uid = (uid_t)v;
				f->has_uid = true;
			}
		} else if (literal(&p, end, "oom_score_adj:")) {
			if (integer(&p, end, &f->adj)) {
				f->has_adj = true;
				f->scale = SCALE_OOM_SCORE_ADJ;
			}
		}
		while (p < end && *p != ' ' && *p != ',')
			p++;
		while (p < end && (*p == ' ' || *p == ','))
			p++;
	}
}

/* See %k: "", ".", " key:1", ", key:1". */
static bool
is_list(const char *p, const char *end)
{
	if (p == end || (end - p == 1 && *p == '.'))
		return true;
	literal(&p, end, ",");
	if (!literal(&p, end, " "))
		return false;
	for (; p < end &&
	     (*p == '-' || *p == '_' || is_upper(*p) ||
		 (*p >= 'a' && *p <= 'z'));
	     p++)
		;
	return end - p >= 2 && *p == ':' && (is_digit(p[1]) || p[1] == '-');
}

/* See %f: lowmemorykiller's "to free 4kB on behalf of". */
bool
format_to_free(const char *p, const char *end, struct found *f)
{
	static const char words[] = "to free ";
	uint64_t kib;

	p = memmem(p, (size_t)(end - p), words, sizeof(words) - 1);
	if (p == NULL)
		return false;
	p += sizeof(words) - 1;
	if (!number(&p, end, KIB_MAX, &kib) || !literal(&p, end, "kB"))
		return false;
	add_rss(f, kib);
	return true;
}

/* One % word of a pattern, but %c, %m and %*. */
static bool
word(char c, const char **p, const char *end, struct found *f)
{
	const char *q = *p;
	uint64_t v;

	switch (c) {
	case 'p':
		if (!number(p, end, INT_MAX, &v) || v == 0)
			return false;
		f->pid = (pid_t)v;
		return true;
	case 'u':
		if (!number(p, end, UINT32_MAX, &v))
			return false;
		f->uid = (uid_t)v;
		f->has_uid = true;
		return true;
	case 'n':
		literal(p, end, "-");
		return number(p, end, UINT64_MAX, &v);
	case 'a':
	case 'A':
		if (!integer(p, end, &f->adj))
			return false;
		f->has_adj = true;
		f->scale = c == 'a' || f->adj < -17 || f->adj > 15
		    ? SCALE_OOM_SCORE_ADJ
		    : SCALE_UNKNOWN;
		return true;
	case 's':
		if (!number(p, end, UINT32_MAX, &f->pages))
			return false;
		f->has_pages = true;
		return true;
	case 'l':
		if (!literal(p, end, "lowmemorykiller: "))
			literal(p, end, "lowmem_shrink ");
		return true;
	case 'k':
		*p = end;
		if (!is_list(q, end))
			return false;
		format_list_keys(q, end, f);
		return true;
	case 'r':
		*p = end;
		format_list_keys(q, end, f);
		return true;
	case 'f':
		*p = end;
		format_to_free(q, end, f);
		return true;
	default:
		return false;
	}
}

/*
 * Match PATTERN as far as a %c, %m or %*; *PATTERN is then what is left of it.
 */
static bool
match_part(
    const char **pattern, const char **p, const char *end, struct found *f)
{
	const char *s = *pattern;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			if (*p == end || **p != *s)
				return false;
			++*p;
			continue;
		}
		s++;
		if (*s == 'c' || *s == 'm' || *s == '*') {
			s--;
			break;
		}
		if (!word(*s, p, end, f))
			return false;
	}
	*pattern = s;
	return true;
}

/* See %m. One text may begin as another does: in a pattern, a colon is next. */
static bool
match_message(const char **p, const char *end, struct found *f)
{
	size_t i;

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		const char *text = messages[i].text, *q = *p;

		if (match_part(&text, &q, end, f) && q < end && *q == ':') {
			f->killer = (int)messages[i].killer;
			*p = q;
			return true;
		}
	}
	return false;
}

/*
 * Match the rest of a pattern behind a %c. %* at its end takes all; before
 * that, it takes as much as it must.
 */
static bool
match_rest(const char *pattern, const char *p, const char *end, struct found *f)
{
	for (;;) {
		if (!match_part(&pattern, &p, end, f))
			return false;
		if (*pattern == '\0')
			return p == end;
		if (pattern[1] == 'c')
			return false;
		pattern += 2;
		if (*pattern == '\0')
			return true;
		/* A literal follows: go to it. */
		p = memmem(
		    p, (size_t)(end - p), pattern, strcspn(pattern, "%"));
		if (p == NULL)
			return false;
	}
}

/*
 * Match the whole of a message, of which something is KNOWN already. A comm may
 * hold anything that a format has behind it, too: it goes on to the last place
 * that fits and leaves it no more bytes than the kernel has for it. Failing
 * that, to the last place that fits.
 */
static bool
match(const char *pattern, const char *p, const char *end,
    const struct found *known, struct found *f)
{
	struct found got = *known, tried;
	const char *e, *start;
	size_t limit;

	if (!match_part(&pattern, &p, end, &got))
		return false;
	if (pattern[0] != '%' || pattern[1] != 'c') {
		if (!match_rest(pattern, p, end, &got))
			return false;
		*f = got;
		return true;
	}
	pattern += 2;
	start = p;
	got.comm = start;
	limit = sizeof(((struct kill *)NULL)->comm) - 1;
	if ((size_t)(end - start) < limit)
		limit = (size_t)(end - start);
	f->comm = NULL;
	for (e = start + limit;; e--) {
		if (e == end ? *pattern == '\0' : *e == *pattern) {
			tried = got;
			tried.comm_len = (size_t)(e - start);
			if (match_rest(pattern, e, end, &tried)) {
				if (comm_bytes(start, e) <= COMM) {
					*f = tried;
					return true;
				}
				if (f->comm == NULL)
					*f = tried;
			}
		}
		if (e == start)
			return f->comm != NULL;
	}
}

bool
format_match(const char *p, const char *end, struct found *f)
{
	struct found nothing = { .killer = BEFORE }, called = nothing;
	const char *behind = p;
	bool message = match_message(&behind, end, &called), matches;
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *pattern = formats[i].pattern;

		if (pattern[0] == '%' && pattern[1] == 'm')
			matches = message &&
			    match(pattern + 2, behind, end, &called, f);
		else
			matches = match(pattern, p, end, &nothing, f);
		if (!matches)
			continue;
		f->meaning = formats[i].meaning;
		if (formats[i].killer != BEFORE)
			f->killer = formats[i].killer;
		return true;
	}
	return false;
}
