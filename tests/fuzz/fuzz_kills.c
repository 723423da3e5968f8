/* SPDX-License-Identifier: ISC */
/*
 * The reader of kernel logs, fed any bytes: as text, as records of /dev/kmsg,
 * and in pieces of any size, which must make no difference.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kills.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out: how many kills, and a hash of them. */
struct sum {
	size_t kills;
	uint64_t hash;
};

static void
check(bool right)
{
	if (!right)
		abort();
}

static void
hash_text(struct sum *sum, const char *text, size_t size)
{
	check(memchr(text, '\0', size) != NULL);
	for (; *text != '\0'; text++)
		sum->hash = sum->hash * 31 + (unsigned char)*text;
}

static void
add_kill(const struct kill *kill, void *arg)
{
	struct sum *sum = arg;

	sum->kills++;
	hash_text(sum, kill->comm, sizeof(kill->comm));
	hash_text(sum, kill->time, TIME_SIZE);
	check(kill->killer < KILLERS);
	check(kill->scale == NULL || strcmp(kill->scale, "oom_adj") == 0 ||
	    strcmp(kill->scale, "oom_score_adj") == 0);
	check(kill->value[PID] == UNKNOWN || kill->value[PID] > 0);
	check(kill->when.date >= -1 && kill->when.boot >= -1);
	check(kill->value[RSS] == UNKNOWN || kill->value[RSS] >= 0);
	check(kill->value[ADJ] == UNKNOWN || kill->scale == NULL ||
	    kill->killer == KILLER_LOWMEM ||
	    (kill->value[ADJ] >= -1000 && kill->value[ADJ] <= 1000));
	hash_text(sum, kill->biggest, BIGGEST_SIZE);
	sum->hash = sum->hash * 31 + (uint64_t)kill->value[PID] +
	    (uint64_t)kill->value[RSS] * 3 + (uint64_t)kill->value[UID] * 5 +
	    (uint64_t)kill->value[ADJ] * 7 + kill->killer;
}

static struct sum
read_all(const uint8_t *data, size_t size, size_t piece, bool kmsg)
{
	static struct sum sum;
	static struct log log = { .fn = add_kill, .arg = &sum };
	size_t len, done;

	sum = (struct sum) { 0 };
	log_start(&log, kmsg);
	for (done = 0; done < size; done += len) {
		len = size - done < piece ? size - done : piece;
		log_read(&log, (const char *)data + done, len);
	}
	log_read(&log, "", 0);
	/* Each begins with a word of its own. */
	check(sum.kills <= size / strlen("Killed"));
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole = read_all(data, size, CHUNK, false), pieces;

	read_all(data, size, CHUNK, true);
	if (size == 0)
		return 0;
	pieces = read_all(data, size, data[size - 1] % 64 + 1, false);
	check(whole.kills == pieces.kills && whole.hash == pieces.hash);
	return 0;
}
